"""Put a layer on the skip connections of networks from other libraries."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, TypeGuard

import torch
from torch import Tensor, nn

from prismseg.base import ConfigError, ModelError, PrismsegError
from prismseg.nets.blocks import make_skip
from prismseg.nets.initial import choose_seed, draw_weights
from prismseg.nets.segmentation import SegmentationModel
from prismseg.nets.settings import NO_SKIP, SKIPS, SkipSettings

# Blocks that take the skip as second argument, and the name of that argument: those of MONAI's BasicUNet, DynUNet, UNETR,
# AttentionUnet and VNet.
SKIP_ARGUMENTS = {
    "UpCat": "x_e",
    "UnetUpBlock": "skip",
    "UnetrUpBlock": "skip",
    "AttentionBlock": "x",
    "UpTransition": "skipx",
}


class SkipLayer(nn.Module):
    """Layer of M C features on a skip of C channels; a 1×1 convolution brings them back to C if M > 1.

    The decoder still gets C channels, so its own weights stay valid.

    Parameters
    ----------
    channels : int
        Channels C of the skip.
    settings : SkipSettings
        Kind of layer, multiplier M and preset.
    """

    def __init__(self, channels: int, settings: SkipSettings) -> None:
        super().__init__()
        self.layer, width = make_skip(settings, channels)
        self.project = nn.Identity() if width == channels else nn.Conv2d(width, channels, 1)

    def forward(self, skip: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        projected: Tensor = self.project(self.layer(skip))
        return projected


class EnhancedConnection(nn.Module):
    """MONAI's `SkipConnection` (x joined with submodule(x)) with a layer on x; it keeps the names of its parts."""

    def __init__(self, connection: nn.Module, layer: SkipLayer) -> None:
        super().__init__()
        self.submodule, self.dim = connection.submodule, connection.dim
        self.mode = str(getattr(connection.mode, "value", connection.mode))
        self.skip_layer = layer
        self.training = connection.training

    def forward(self, x: Tensor) -> Tensor:
        """Join the enhanced skip and the submodule's output as the original does."""
        below: Tensor = self.submodule(x)  # type: ignore[operator]
        skip: Tensor = self.skip_layer(x)
        if self.mode == "cat":
            return torch.cat([skip, below], dim=int(self.dim))  # type: ignore[arg-type]
        return skip + below if self.mode == "add" else skip * below


class FoundSkip(NamedTuple):
    """A skip connection of a network.

    Attributes
    ----------
    path : str
        Name of the encoder that returns it, or of the block that takes it.
    stage : int or None
        Its position in what the encoder returns; None for a block.
    tensor : (B, C, H, W) Tensor
        What went through it.
    """

    path: str
    stage: int | None
    tensor: Tensor


def enhance_skips(
    model: nn.Module,
    example: Tensor,
    *,
    kind: str = "crffg",
    multiplier: int = 1,
    preset: str = "default",
    seed: int | None = None,
) -> nn.Module:
    """Put a skip layer on every skip connection of an encoder–decoder.

    Parameters
    ----------
    model : nn.Module
        Network of one of these forms: `encoder` that returns a list of features and a `decoder` that takes them
        (segmentation_models.pytorch, MONAI `FlexibleUNet`); nested `SkipConnection` (MONAI `UNet`); blocks that
        take a skip as second argument (MONAI `BasicUNet`, `DynUNet`, `AttentionUnet`, `UNETR`, `VNet`).
    example : (B, C, H, W) Tensor
        Images that the network takes; copies of it run on them to find the skips and to check the result.
    kind : str
        Layer, a name in `prismseg.nets.SKIPS` other than "none": "crffg", "conv" or one that was added.
    multiplier : {1, 3}
        Features a channel. The decoder gets its usual number of channels, by a 1×1 convolution where M > 1.
    preset : {"default", "thesis"}
        Form of the layer.
    seed : int, optional
        Of the layers' initial weights; by default one number from torch's global generator. The layer of each skip has a
        stream of its own, so that what two kinds share has the same initial weights.

    Returns
    -------
    nn.Module
        Enhanced copy; `model` is not touched. Its own parameters keep their names, so that
        `enhanced.load_state_dict(weights_of_the_original, strict=False)` misses the new layers only.

    Raises
    ------
    ConfigError
        For a kind, multiplier or preset that does not exist.
    ModelError
        When the network is none of these forms, has no skip, or its output does not depend on every layer; the
        message says what was looked for and what was found.

    Examples
    --------
    >>> class Encoder(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.fine, self.coarse = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1)
    ...     def forward(self, x):
    ...         fine = self.fine(x)
    ...         return [fine, self.coarse(fine)]
    >>> class Decoder(nn.Conv2d):
    ...     def forward(self, features):
    ...         return super().forward(torch.cat(features, dim=1))
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.encoder, self.decoder = Encoder(), Decoder(12, 1, 1)
    ...     def forward(self, x):
    ...         return self.decoder(self.encoder(x))
    >>> enhanced = enhance_skips(Net(), torch.rand(1, 1, 8, 8), kind="crffg", multiplier=3)
    >>> [name for name, module in enhanced.named_modules() if isinstance(module, SkipLayer)]
    ['encoder.skip_layers.0']
    """
    settings = SkipSettings(kind, multiplier, preset)
    _check_request(model, example, settings)
    chosen = choose_seed(seed)
    skips, shape = _find_skips(_copy(model), example)
    if not skips:
        raise ModelError(_describe_missing_skips(model))
    enhanced = _copy(model)
    for skip in skips:
        with torch.random.fork_rng(devices=[]):
            layer = SkipLayer(skip.tensor.shape[1], settings)
        draw_weights(layer, chosen, prefix=f"{skip.path}/{skip.stage}/")
        _attach(enhanced, skip, layer.to(skip.tensor).train(model.training))
    _check_result(_copy(enhanced), example, shape)
    return enhanced


def _check_request(model: nn.Module, example: Tensor, settings: SkipSettings) -> None:
    if settings.kind == NO_SKIP:
        layers = " or ".join(kind for kind in SKIPS if kind != NO_SKIP)
        raise ConfigError(f"kind is {NO_SKIP!r}, which puts no layer on the skips; choose {layers}.")
    if example.ndim != 4:
        raise ModelError(
            f"The example has shape {tuple(example.shape)}; skip layers are two-dimensional and need (B, C, H, W)."
        )
    if isinstance(model, SegmentationModel):
        raise ModelError(
            f"{type(model).__name__} is a network of prismseg; ask create_model for skip={settings.kind!r} instead."
        )
    if any(isinstance(module, SkipLayer) for module in model.modules()):
        raise ModelError(f"{type(model).__name__} has skip layers already; enhance the original network.")


def _copy(model: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(model)
    except (RuntimeError, TypeError) as error:
        raise ModelError(
            f"{type(model).__name__} cannot be copied ({str(error).split('. ')[0]}). Build it anew, load its "
            "weights, and enhance it before its first forward pass."
        ) from error


@contextmanager
def _evaluation_mode(model: nn.Module) -> Iterator[None]:
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in training.items():
            module.training = mode


def _run(model: nn.Module, example: Tensor) -> Tensor:
    try:
        with _evaluation_mode(model), torch.enable_grad():
            output = model(example)
    except PrismsegError:
        raise
    except Exception as error:
        raise ModelError(
            f"The network does not take the example of shape {tuple(example.shape)}: {error}"
        ) from error
    if not isinstance(output, Tensor):
        raise ModelError(
            f"The network returns {type(output).__name__}, not one tensor of logits; turn off its auxiliary or "
            "deeply supervised outputs, or wrap it in a module that returns the logits."
        )
    return output


def _find_skips(model: nn.Module, example: Tensor) -> tuple[list[FoundSkip], torch.Size]:
    """Skips of the network, and the shape of its output."""
    shape = _run(model, example).shape
    for path, module in model.named_modules():
        if all(isinstance(getattr(module, name, None), nn.Module) for name in ("encoder", "decoder")):
            skips = _find_features(model, f"{path}.encoder".lstrip("."), example)
            if skips:
                return skips, shape
    return _find_blocks(model, example), shape


def _find_features(model: nn.Module, path: str, example: Tensor) -> list[FoundSkip]:
    """Features of an encoder that the output depends on, without the deepest one, the image and empty stages."""
    calls: list[list[Tensor]] = []
    images: list[Tensor] = []

    def replace_features(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> Any:
        if not isinstance(output, list | tuple) or not all(_is_map(feature) for feature in output):
            return output
        # With features that are leaves of the graph, a gradient means that the decoder itself uses the stage.
        calls.append([feature.detach().clone().requires_grad_() for feature in output])
        images.extend(value for value in inputs if isinstance(value, Tensor))
        return list(calls[-1])

    handle = model.get_submodule(path).register_forward_hook(replace_features)
    try:
        output = _run(model, example)
    finally:
        handle.remove()
    found: dict[int, Tensor] = {}
    for features in calls if output.requires_grad else []:
        gradients = torch.autograd.grad(output.sum(), features, allow_unused=True, retain_graph=True)
        for stage, feature in enumerate(features[:-1]):
            is_image = any(torch.equal(feature, image) for image in images)
            if gradients[stage] is not None and feature.numel() and not is_image:
                found[stage] = feature.detach()
    return [FoundSkip(path, stage, found[stage]) for stage in sorted(found)]


def _find_blocks(model: nn.Module, example: Tensor) -> list[FoundSkip]:
    """Skips that nested connections, or blocks with a second argument, take."""
    found: dict[str, Tensor] = {}
    handles = []

    def record(
        path: str, position: int, argument: str, block: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        value = args[position] if len(args) > position else kwargs.get(argument)
        if _is_map(value):
            found[path] = value.detach()

    for path, module in model.named_modules():
        name = type(module).__name__
        if name == "SkipConnection" and all(hasattr(module, part) for part in ("submodule", "dim", "mode")):
            hook = partial(record, path, 0, "x")
        elif name in SKIP_ARGUMENTS and _second_argument(module) == SKIP_ARGUMENTS[name]:
            hook = partial(record, path, 1, SKIP_ARGUMENTS[name])
        else:
            continue
        handles.append(module.register_forward_pre_hook(hook, with_kwargs=True))
    try:
        _run(model, example)
    finally:
        for handle in handles:
            handle.remove()
    return [FoundSkip(path, None, tensor) for path, tensor in found.items()]


def _second_argument(module: nn.Module) -> str:
    return "".join(list(inspect.signature(module.forward).parameters)[1:2])


def _is_map(value: object) -> TypeGuard[Tensor]:
    return isinstance(value, Tensor) and value.ndim == 4 and value.is_floating_point()


# Hooks find their layers through the module they are called with, so that copies of the network use their own.
def _attach(model: nn.Module, skip: FoundSkip, layer: SkipLayer) -> None:
    module = model.get_submodule(skip.path)
    if skip.stage is not None:
        layers = getattr(module, "skip_layers", None)
        if layers is None:
            layers = module.skip_layers = nn.ModuleDict().train(module.training)
            module.register_forward_hook(_enhance_features)
        layers[str(skip.stage)] = layer
    elif type(module).__name__ in SKIP_ARGUMENTS:
        module.add_module("skip_layer", layer)
        argument = SKIP_ARGUMENTS[type(module).__name__]
        module.register_forward_pre_hook(partial(_enhance_argument, argument), with_kwargs=True)
    else:
        connection = EnhancedConnection(module, layer)
        for path, other in list(model.named_modules(remove_duplicate=False)):
            if other is module and path:
                parent, _, name = path.rpartition(".")
                model.get_submodule(parent).add_module(name, connection)


def _enhance_features(encoder: nn.Module, inputs: tuple[Any, ...], features: Any) -> Any:
    enhanced = list(features)
    for stage, layer in encoder.skip_layers.items():  # type: ignore[operator, union-attr]
        enhanced[int(stage)] = layer(enhanced[int(stage)])
    return enhanced if isinstance(features, list) else tuple(enhanced)


def _enhance_argument(
    argument: str, block: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if len(args) > 1 and args[1] is not None:
        args = (args[0], block.skip_layer(args[1]), *args[2:])  # type: ignore[operator]
    elif kwargs.get(argument) is not None:
        kwargs = {**kwargs, argument: block.skip_layer(kwargs[argument])}  # type: ignore[operator]
    return args, kwargs


def _check_result(model: nn.Module, example: Tensor, shape: torch.Size) -> None:
    """Raise a `ModelError` if the output has another shape than `shape`, or does not depend on every skip layer."""
    outputs: dict[nn.Module, Tensor] = {}

    def record(layer: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        outputs[layer] = output

    layers = [module for module in model.modules() if isinstance(module, SkipLayer)]
    for layer in layers:
        layer.register_forward_hook(record)
    after = _run(model, example)
    if after.shape != shape:
        raise ModelError(f"With skip layers the output has shape {tuple(after.shape)}, not {tuple(shape)}.")
    reached = 0
    if outputs and after.requires_grad:
        gradients = torch.autograd.grad(after.sum(), list(outputs.values()), allow_unused=True)
        reached = sum(gradient is not None for gradient in gradients)
    if reached < len(layers) or not layers:
        raise ModelError(
            f"The output of this network does not depend on {len(layers) - reached} of its {len(layers)} skip layers."
        )


def _describe_missing_skips(model: nn.Module) -> str:
    kinds = sorted({type(module).__name__ for module in model.modules()} - {type(model).__name__})
    found = ", ".join(kinds[:12]) + (" …" if len(kinds) > 12 else "")
    blocks = ", ".join(SKIP_ARGUMENTS)
    return (
        f"{type(model).__name__} has no skip connections that can be found. Looked for an encoder that returns a list "
        "of features with a decoder that uses more than the deepest, and for blocks named SkipConnection, "
        f"{blocks}; it consists of {found}. Build the network with create_model, or wrap its encoder so that it "
        "returns a list of features."
    )
