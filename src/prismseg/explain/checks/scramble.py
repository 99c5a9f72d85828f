"""Scrambling a network from its output down: the order of the modules, and how parameters are scrambled."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from prismseg.base import ModelError
from prismseg.explain.trace.running import evaluation_context, gradients

# Function of a network and images that returns logits.
Logits = Callable[[nn.Module, Tensor], Tensor]

NOT_EXECUTED = "not executed in the forward pass"
NO_EFFECT = "executed, but the logits do not depend on it"
_PARAMETRIZATIONS = "parametrizations"


@dataclass(frozen=True)
class Cascade:
    """Order in which a network is scrambled.

    Attributes
    ----------
    steps : list of (str, tuple of str)
        Modules with the full names of their parameters; the module that is used last in the forward pass comes first.
        One that runs several times comes once, at its last run.
    left_out : dict
        Modules that are not scrambled, with the reason.
    """

    steps: list[tuple[str, tuple[str, ...]]]
    left_out: dict[str, str]


class _Uses(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes when each parameter is used last, by any operation, also outside of its own module."""

    def __init__(self, parameters: Mapping[str, Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._names: dict[tuple[int, int], list[str]] = {}
        for name, parameter in parameters.items():
            self._names.setdefault(_place(parameter), []).append(name)
        self.last: dict[str, int] = {}
        self._clock = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self._clock += 1
        for tensor in _tensors((args, kwargs)):
            for name in self._names.get(_place(tensor), ()):
                self.last[name] = self._clock
        return func(*args, **(kwargs or {}))


def copy_network(model: nn.Module) -> nn.Module:
    """Copy a network; tensors that it keeps from its last forward pass are copied without their graph.

    Raises
    ------
    ModelError
        When it keeps something that cannot be copied.
    """
    try:
        return copy.deepcopy(model, _detached(model))
    except (RuntimeError, TypeError) as error:
        raise ModelError(
            f"The network cannot be copied, so its copy cannot be scrambled ({error}). Remove what it keeps from a "
            "forward pass."
        ) from error


def _detached(model: nn.Module) -> dict[int, Any]:
    """Copy by id, as `copy.deepcopy` takes it, the tensors in a graph that modules keep, which it cannot copy."""
    kept = (tensor for module in model.modules() for tensor in _tensors(vars(module)) if not tensor.is_leaf)
    return {id(tensor): tensor.detach().clone() for tensor in kept}


def learned_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Find what is learned in training: parameters, and the scales of frozen normalisation layers, which are buffers."""
    tensors: dict[str, Tensor] = {name: value for name, value in model.named_parameters() if value.numel()}
    for path, layer in _running(model):
        for name, value in layer.named_buffers(path, recurse=False):
            if name.rpartition(".")[2] in ("weight", "bias"):
                tensors[name] = value
    return tensors


def _running(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Find the normalisation layers with running statistics."""
    return [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(getattr(module, "running_mean", None), Tensor)
        and isinstance(getattr(module, "running_var", None), Tensor)
    ]


def _place(tensor: Tensor) -> tuple[int, int]:
    """Identify a tensor by where its numbers begin; a detached or reshaped parameter has the same place."""
    if tensor.layout is not torch.strided:
        return id(tensor), -1
    return tensor.untyped_storage()._cdata, int(tensor.storage_offset())


def _tensors(values: Any) -> Iterator[Tensor]:
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, dict):
        yield from _tensors(tuple(values.values()))
    elif isinstance(values, tuple | list):
        for value in values:
            yield from _tensors(value)


def find_cascade(model: nn.Module, images: Tensor, logits: Logits) -> Cascade:
    """Find the modules that hold parameters in the order of execution, from the output down.

    Every operation of one forward pass is watched, so that parameters are found wherever they are used: in modules
    that are explained as layers and in others, in normalisation, directly by a parent module. Modules that do not
    run, such as an auxiliary head, are left out with the reason, and so are those that the logits do not depend on.

    Parameters
    ----------
    model : Module
    images : (B, C, H, W) Tensor
        One is enough.
    logits : callable
        Function of a network and images.

    Raises
    ------
    ModelError
        When the logits depend on no parameter.
    """
    with evaluation_context(model, images):
        model = copy_network(model)
        parameters = learned_tensors(model)
        for parameter in parameters.values():
            parameter.requires_grad_(parameter.is_floating_point())
        with _Uses(parameters) as uses:
            before = logits(model, images)
        free = [name for name in uses.last if parameters[name].requires_grad]
        grads: Sequence[Tensor | None] = (
            gradients(before.sum(), [parameters[name] for name in free], allow_unused=True)
            if before.requires_grad
            else [None] * len(free)
        )
        without = [name for name, gradient in zip(free, grads, strict=True) if gradient is None]
        beside = set(without) if _is_idle(model, images, logits, before, without) else set()
    return _sorted(parameters, {name: time for name, time in uses.last.items() if name not in beside}, beside)


def _is_idle(model: nn.Module, images: Tensor, logits: Logits, before: Tensor, names: Sequence[str]) -> bool:
    """Whether the logits stay the same when the parameters `names`, which no gradient reaches, are scrambled.

    No gradient means no dependence, unless a network uses a parameter outside of the graph.
    """
    scramble_(model, names, torch.Generator().manual_seed(0))
    return torch.allclose(before, logits(model, images), rtol=1e-4, atol=1e-6)


def _sorted(parameters: Iterable[str], last: dict[str, int], beside: set[str]) -> Cascade:
    time: dict[str, int] = {}
    owned: dict[str, list[str]] = {}
    for name in parameters:
        owner = _owner(name)
        if name in last:
            owned.setdefault(owner, []).append(name)
            time[owner] = max(time.get(owner, 0), last[name])
    if not time:
        raise ModelError("The logits depend on no parameter of this network, so there is nothing to scramble.")
    order = sorted(time, key=lambda owner: time[owner], reverse=True)
    # Of a module that is used in part, the parameter is named.
    left_out = {
        name if _owner(name) in time else _owner(name): NO_EFFECT if name in beside else NOT_EXECUTED
        for name in parameters
        if name not in last
    }
    return Cascade([(owner, tuple(owned[owner])) for owner in order], left_out)


def _owner(parameter: str) -> str:
    """Name the module that a parameter belongs to; the whole network is called "(root)"."""
    path = parameter.split(".")[:-1]
    if _PARAMETRIZATIONS in path:
        path = path[: path.index(_PARAMETRIZATIONS)]
    return ".".join(path) or "(root)"


def scramble_(model: nn.Module, names: Iterable[str], generator: torch.Generator) -> None:
    """Scramble the parameters `names` in place; they keep their magnitude, so that activations do.

    Arrays of two or more dimensions (filters, matrices, embeddings) are drawn anew: normal numbers around 0 with the
    array's own root mean square, as the initialisers of He et al. 2015 and Glorot & Bengio 2010 draw them. Vectors
    (biases, scales) and the parameters of normalisation layers are put in random order; a single number, which has no
    order, stays.
    """
    parameters = learned_tensors(model)
    with torch.no_grad():
        for name in names:
            parameter = parameters[name]
            if parameter.ndim >= 2 and not _is_norm(model, name) and parameter.is_floating_point():
                values = torch.randn(parameter.shape, generator=generator)
                size = parameter.double().square().mean().sqrt().item()
                parameter.copy_((values * size).to(parameter))
            else:
                order = torch.randperm(parameter.numel(), generator=generator)
                # One cycle through all places, so that none keeps its number, even of two.
                source = torch.empty_like(order)
                source[order] = order.roll(1)
                parameter.copy_(parameter.flatten()[source.to(parameter.device)].view_as(parameter))


def _is_norm(model: nn.Module, parameter: str) -> bool:
    owner = parameter.rpartition(".")[0]
    return "norm" in type(model.get_submodule(owner)).__name__.lower()


def estimate_statistics_(
    model: nn.Module, scrambled: Iterable[str], batches: Sequence[Tensor], logits: Logits
) -> None:
    """Estimate the running statistics of normalisation layers after scrambled modules, on batches of images.

    Those of the trained weights would let activations grow or vanish. Layers that run before all scrambled modules
    keep their statistics.
    """
    layers = dict(_running(model))
    chosen = set(scrambled)
    if not layers:
        return
    statistics: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in layers}
    with ExitStack() as hooks, torch.no_grad():
        behind: list[bool] = []
        for name in chosen - {"(root)"}:
            note = model.get_submodule(name).register_forward_pre_hook(lambda *_: behind.append(True))
            hooks.callback(note.remove)
        for name, layer in layers.items():
            hook = _statistics_of_input(statistics[name], behind, always=name in chosen)
            hooks.callback(layer.register_forward_pre_hook(hook).remove)
        for images in batches:
            behind.clear()
            logits(model, images)
        for name, pairs in statistics.items():
            if pairs:
                means, variances = (torch.stack(each).mean(0) for each in zip(*pairs, strict=True))
                _set_statistics(layers[name], means, variances)


def _statistics_of_input(
    statistics: list[tuple[Tensor, Tensor]], behind: list[bool], *, always: bool
) -> Callable[[nn.Module, Any], None]:
    def hook(layer: nn.Module, inputs: tuple[Any, ...]) -> None:
        if always or behind:
            values = inputs[0].detach().double().transpose(0, 1).flatten(1)
            statistics.append((values.mean(1), values.var(1, correction=0)))
            _set_statistics(layer, *statistics[-1])

    return hook


def _set_statistics(layer: Any, mean: Tensor, variance: Tensor) -> None:
    layer.running_mean.copy_(mean)
    layer.running_var.copy_(variance)
