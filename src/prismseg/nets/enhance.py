"""Put a layer on the skip connections of a network that somebody else wrote."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from prismseg.base import ModelError
from prismseg.nets.blocks import make_skip
from prismseg.nets.settings import NetworkSettings


class SkipLayer(nn.Module):
    """Layer of M C features on a skip of C channels; a 1×1 convolution brings them back to C if M > 1.

    A foreign decoder takes C channels, so its own weights stay valid.
    """

    def __init__(self, channels: int, kind: str, multiplier: int, preset: str) -> None:
        super().__init__()
        settings = NetworkSettings("unet", kind, multiplier, preset=preset)
        self.layer, width = make_skip(settings, channels)
        self.project = nn.Identity() if width == channels else nn.Conv2d(width, channels, 1)
        self.calls = 0

    def forward(self, skip: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        self.calls += 1
        projected: Tensor = self.project(self.layer(skip))
        return projected


class EncoderWithLayers(nn.Module):
    """Encoder that returns a list of features, with a layer on each that the decoder takes as a skip."""

    def __init__(self, encoder: nn.Module, layers: dict[int, SkipLayer]) -> None:
        super().__init__()
        self.encoder = encoder
        self.layers = nn.ModuleDict({str(stage): layer for stage, layer in layers.items()})

    def forward(self, x: Tensor) -> list[Tensor]:
        """Features of every stage, those of the skips passed through their layer."""
        features = list(self.encoder(x))
        for stage, layer in self.layers.items():
            features[int(stage)] = layer(features[int(stage)])
        return features

    def __getattr__(self, name: str) -> Any:
        # Decoders and heads ask the encoder for its sizes.
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("encoder"), name)


class WrappedSkip(nn.Module):
    """MONAI's `SkipConnection` (concatenation of x and submodule(x)) with a layer on x."""

    def __init__(self, connection: nn.Module, layer: SkipLayer) -> None:
        super().__init__()
        self.connection = connection
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Join the enhanced skip and the submodule's output as the original does."""
        below = self.connection.submodule(x)  # type: ignore[operator]
        skip = self.layer(x)
        mode = str(getattr(self.connection.mode, "value", self.connection.mode))
        if mode == "cat":
            return torch.cat([skip, below], dim=int(self.connection.dim))  # type: ignore[arg-type]
        combined: Tensor = skip + below if mode == "add" else skip * below
        return combined


class WrappedUpCat(nn.Module):
    """MONAI's `UpCat` (second argument is the skip) with a layer on the skip."""

    def __init__(self, block: nn.Module, layer: SkipLayer) -> None:
        super().__init__()
        self.block = block
        self.layer = layer

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """Up-sample x and join it with the enhanced skip as the original does."""
        joined: Tensor = self.block(x, None if skip is None else self.layer(skip))
        return joined


def enhance_skips(
    model: nn.Module, example: Tensor, *, kind: str = "crffg", multiplier: int = 1, preset: str = "default"
) -> nn.Module:
    """Put a skip layer on every skip connection of an encoder–decoder.

    Parameters
    ----------
    model : nn.Module
        Network of one of these forms: `encoder` that returns a list of features, `decoder` and
        `segmentation_head` (segmentation_models.pytorch); nested `SkipConnection` (MONAI `UNet`); blocks that take
        a skip as second argument, named `UpCat` or `UnetUpBlock` (MONAI `BasicUNet`, `DynUNet`).
    example : (B, C, H, W) Tensor
        Images that the network takes; they are run once to find the skips and once to prove the result.
    kind : {"crffg", "conv"}
        Layer, as in `create_model`.
    multiplier : {1, 3}
        Features a channel. The decoder gets its usual number of channels, by a 1×1 convolution where M > 1.
    preset : {"default", "thesis"}
        Form of the layer.

    Returns
    -------
    nn.Module
        Enhanced copy; `model` and its weights are not touched.

    Raises
    ------
    ModelError
        When the network is none of these forms, has no skip, or the layers would not be reached; the message
        says what was looked for and what was found.
    """
    if kind not in ("crffg", "conv"):
        raise ModelError(f"kind is {kind!r}; choose crffg or conv.")
    if example.ndim != 4:
        raise ModelError(
            f"The example has shape {tuple(example.shape)}; skip layers are two-dimensional and need (B, C, H, W)."
        )
    enhanced = copy.deepcopy(model)
    before = _run(model, example)

    def make_layer(skip: Tensor) -> SkipLayer:
        return SkipLayer(skip.shape[1], kind, multiplier, preset).to(skip.device)

    layers = _enhance_encoder(enhanced, example, make_layer) or _enhance_blocks(enhanced, example, make_layer)
    if not layers:
        raise ModelError(_explain(model))
    after = _run(enhanced, example)
    if after.shape != before.shape:
        raise ModelError(f"With skip layers the output has shape {tuple(after.shape)}, not {tuple(before.shape)}.")
    unreached = sum(layer.calls == 0 for layer in layers)
    if unreached:
        raise ModelError(
            f"{unreached} of {len(layers)} skip layers are not on the way to the output of this network."
        )
    return enhanced


def _run(model: nn.Module, example: Tensor) -> Tensor:
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            output = model(example)
    except Exception as error:
        raise ModelError(
            f"The network does not take the example of shape {tuple(example.shape)}: {error}"
        ) from error
    finally:
        for module, mode in training.items():
            module.training = mode
    if not isinstance(output, Tensor):
        raise ModelError(f"The network returns {type(output).__name__}, not one tensor of logits.")
    return output


def _enhance_encoder(
    model: nn.Module, example: Tensor, make_layer: Callable[[Tensor], SkipLayer]
) -> list[SkipLayer]:
    """Enhance networks of the form encoder (list of features) -> decoder -> segmentation_head."""
    if not all(isinstance(getattr(model, name, None), nn.Module) for name in ("encoder", "decoder")):
        return []
    features, used = _find_features(model, example)
    # The first feature may be the image itself; the deepest one is no skip.
    stages = [
        stage for stage in sorted(used) if stage < len(features) - 1 and not torch.equal(features[stage], example)
    ]
    layers = {stage: make_layer(features[stage]) for stage in stages}
    if layers:
        model.encoder = EncoderWithLayers(model.encoder, layers)  # type: ignore[arg-type]
    return list(layers.values())


def _find_features(model: nn.Module, example: Tensor) -> tuple[list[Tensor], set[int]]:
    """Features that the encoder returns, and the stages of those that the output depends on."""
    features: list[Tensor] = []

    def cut(module: nn.Module, inputs: object, output: object) -> object:
        if isinstance(output, list | tuple) and all(isinstance(feature, Tensor) for feature in output):
            features.extend(feature.detach().clone().requires_grad_() for feature in output)
            return list(features)
        return output

    handle = model.encoder.register_forward_hook(cut)  # type: ignore[union-attr]
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.enable_grad():
            output = model(example)
        if not features or not output.requires_grad:
            return features, set()
        gradients = torch.autograd.grad(output.sum(), features, allow_unused=True)
    finally:
        handle.remove()
        for module, mode in training.items():
            module.training = mode
    return features, {stage for stage, gradient in enumerate(gradients) if gradient is not None}


def _enhance_blocks(
    model: nn.Module, example: Tensor, make_layer: Callable[[Tensor], SkipLayer]
) -> list[SkipLayer]:
    """Enhance networks whose blocks take the skip: nested connections, or blocks with a second argument."""
    skips: dict[nn.Module, Tensor] = {}

    def note(position: int) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def hook(module: nn.Module, inputs: tuple[Any, ...]) -> None:
            if len(inputs) > position and isinstance(inputs[position], Tensor):
                skips[module] = inputs[position]

        return hook

    forms = {"SkipConnection": (0, WrappedSkip), "UpCat": (1, WrappedUpCat), "UnetUpBlock": (1, WrappedUpCat)}
    handles = [
        module.register_forward_pre_hook(note(forms[type(module).__name__][0]))
        for module in model.modules()
        if type(module).__name__ in forms
    ]
    try:
        _run(model, example)
    finally:
        for handle in handles:
            handle.remove()
    layers = {module: make_layer(skip) for module, skip in skips.items()}
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if child in layers:
                wrapper = forms[type(child).__name__][1]
                setattr(parent, name, wrapper(child, layers[child]))
    return list(layers.values())


def _explain(model: nn.Module) -> str:
    kinds = sorted({type(module).__name__ for module in model.modules()} - {type(model).__name__})
    found = ", ".join(kinds[:12]) + (" …" if len(kinds) > 12 else "")
    return (
        f"{type(model).__name__} has no skip connections that can be found. Looked for an encoder that returns a list "
        "of features with a decoder that uses them, and for blocks named SkipConnection, UpCat or UnetUpBlock; it "
        f"consists of {found}. Name the skips by building the network with create_model, or wrap its encoder so that "
        "it returns a list of features."
    )
