"""Running a network with hooks on chosen layers, and finding which of these can be explained."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from prismseg.base import ConfigError, ModelError, PrismsegError
from prismseg.explain.tensors import as_images
from prismseg.explain.trace.activations import ActivationWatch, find_activations
from prismseg.explain.trace.adapters import Adapter
from prismseg.explain.trace.graph import is_output, layers_on_path
from prismseg.explain.trace.layers import ACTIVATED, LayerChoice, choose_layers, split_call
from prismseg.explain.trace.running import cuda_devices, evaluation_context, require_gradients, unwrap
from prismseg.explain.trace.trace import Trace


class Tracer:
    """Runs a network and keeps the outputs of chosen layers; the network itself is not changed.

    Parameters
    ----------
    model : Module
        Any network whose first argument is a batch of images. It is taken out of wrappers (DataParallel,
        torch.compile); compiled parts run eagerly.
    layers : str, sequence of str or callable
        See `choose_layers`. Of a module with several outputs the first tensor is kept. A module that runs more
        than once gives the layers ``name[0]``, ``name[1]``, …
    adapter : callable, optional
        Turns other outputs into maps (B, D, h, w), such as `vit_to_map`, `swin_to_map` and
        `tokens_to_map`.

    Attributes
    ----------
    left_out : dict
        Layers chosen by pattern or predicate that cannot be explained, with the reason.

    Raises
    ------
    ConfigError
        When a layer does not exist.
    ModelError
        When the network is a TorchScript module, into which hooks do not reach.
    """

    def __init__(self, model: nn.Module, layers: LayerChoice = "all", *, adapter: Adapter | None = None) -> None:
        self.model = unwrap(model)
        if isinstance(self.model, torch.jit.ScriptModule):
            raise ModelError("TorchScript modules do not show their layers; give the original network.")
        self.adapter = adapter
        self._names, self._named = choose_layers(self.model, layers)
        self._resolved = layers != "all"
        self._overwritten: set[str] = set()
        self.left_out: dict[str, str] = {}

    @contextmanager
    def run(self, images: Tensor) -> Iterator[Trace]:
        """Run the network in evaluation mode on `images` (B, C, H, W) and yield the `Trace`.

        Inside the block gradients can be computed. When it ends, also by an exception, hooks are removed, and modes,
        parameters' ``grad`` and random state are what they were before.

        Raises
        ------
        ConfigError
            When a named layer did not run.
        ModelError
            When a layer's output is no map, or no gradient can pass through the network.
        """
        require_gradients(self.model)
        images = as_images(images, self.model)
        with evaluation_context(self.model, images):
            # A leaf that requires a gradient, so that the graph is built even where all parameters are frozen.
            source = images.detach().requires_grad_()
            if not self._resolved:
                self._find_activations(source[:1])
            output, calls = self._forward(source)
            changed = {name for name, call in calls if call.overwritten()}
            if changed:
                # A later operation wrote into an output that was kept; from now on the network goes on with a copy.
                self._overwritten |= changed
                del output, calls
                output, calls = self._forward(source)
                if again := {name for name, call in calls if call.overwritten()}:
                    raise ModelError(f"The network writes over the output of {', '.join(sorted(again))} in place.")
            passed_through = {id(call.tensor): call.source for _, call in calls if call.source is not None}
            trace = Trace(output, self._select(calls), source, self.adapter, passed_through)
            try:
                yield trace
            finally:
                trace.forget()

    def _find_activations(self, image: Tensor) -> None:
        """Find the activation functions after the convolutions, in a forward pass of its own."""
        with torch.no_grad(), torch.random.fork_rng(devices=cuda_devices(image)):
            self._names = find_activations(self.model, self._names, lambda: self.model(image))
        self._resolved = True

    def _forward(self, source: Tensor) -> tuple[Any, list[tuple[str, _LayerCall]]]:
        modules = dict(self.model.named_modules())
        calls: list[tuple[str, _LayerCall]] = []
        hooked = dict.fromkeys(split_call(name)[0] if name not in modules else name for name in self._names)

        def keep(name: str, activation: Tensor) -> Tensor:
            calls.append((name, _LayerCall(activation)))
            return activation.clone() if name in self._overwritten else activation

        with ExitStack() as hooks:
            watch = ActivationWatch(keep)
            for name in hooked:
                if name not in modules:
                    module, hook = modules[name.removesuffix(ACTIVATED)], _follow_output(watch, name)
                else:
                    module, hook = modules[name], self._hook(name, calls)
                hooks.callback(module.register_forward_hook(hook).remove)
            if any(name not in modules for name in hooked):
                hooks.enter_context(watch)
            output = self.model(source)
        return output, calls

    def _hook(self, name: str, calls: list[tuple[str, _LayerCall]]) -> Callable[[nn.Module, Any, Any], Any]:
        def keep(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> Any:
            place, tensor = _first_tensor(output)
            if tensor is None:
                return None
            passed, source = tensor, None
            if any(tensor is given for given in inputs):
                # The input of a module that returns it unchanged may have other users; a view has this one's gradient.
                source = tensor
                tensor = passed = tensor.view_as(tensor)
            if name in self._overwritten:
                passed = tensor.clone()
            calls.append((name, _LayerCall(tensor, source)))
            return _replace(output, place, passed)

        return keep

    def _select(self, calls: list[tuple[str, _LayerCall]]) -> dict[str, Tensor]:
        """Tensors by layer key, in the order asked."""
        total = Counter(name for name, _ in calls)
        seen: Counter[str] = Counter()
        by_call: dict[tuple[str, int], Tensor] = {}
        for name, call in calls:
            by_call[name, seen[name]] = call.tensor
            seen[name] += 1
        selected: dict[str, Tensor] = {}
        for asked in self._names:
            name, number = (asked, None) if asked in total else split_call(asked)
            if total[name] == 0 or (number is not None and number >= total[name]):
                self._leave_out(asked, f"it ran {total[name]} times in the forward pass")
                continue
            numbers = range(total[name]) if number is None else [number]
            for index in numbers:
                key = name if total[name] == 1 and number is None else f"{name}[{index}]"
                selected[key] = by_call[name, index]
        if not selected:
            raise ConfigError("None of the chosen layers ran in the forward pass; choose others.")
        return selected

    def _is_named(self, key: str) -> bool:
        return key in self._named or split_call(key)[0] in self._named

    def _leave_out(self, name: str, reason: str, error: type[PrismsegError] = ConfigError) -> None:
        if self._is_named(name):
            raise error(f"The layer {name!r} cannot be explained: {reason}. Choose another, or a module in it.")
        self.left_out[name] = reason

    def on_path(self, trace: Trace, logits: Tensor) -> list[str]:
        """Keep the traced layers that are maps which `logits` depend on, and return their keys.

        Layers chosen by pattern are left out, with the reason in `left_out`, where they are no maps, have a single
        cell, are the network's one logit itself, or show the same activation as another.

        Raises
        ------
        ConfigError
            When a layer asked for by name is not among them, or none is.
        ModelError
            When a layer asked for by name is no map, or no gradient comes from the logits.
        """
        if not logits.requires_grad:
            raise ModelError(
                "The network's forward pass cuts off gradients (torch.no_grad, torch.inference_mode or detach in it), so "
                "its layers cannot be explained; take that out for the explanation."
            )
        reached, _ = layers_on_path(logits, trace.activations)
        kept: dict[str, Tensor] = {}
        shapes, duplicates = trace.find_shapes(logits), trace.duplicates(logits)
        for key, tensor in trace.activations.items():
            if key not in reached:
                self._leave_out(key, "the output does not depend on it (or no gradient reaches it)")
            elif isinstance(shape := shapes[key], str):
                self._leave_out(key, shape, ModelError)
            elif (
                not self._is_named(key)
                and shape[1] == 1
                and logits.shape[1] == 1
                and is_output(trace.output, tensor)
            ):
                self._leave_out(key, "it is the network's one logit itself, whose maps of the background are zero")
            elif not self._is_named(key) and key in duplicates:
                self._leave_out(key, f"it shows the same as {duplicates[key]!r}")
            else:
                kept[key] = tensor
        if not kept:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in list(self.left_out.items())[:4])
            raise ConfigError(f"None of the chosen layers can be explained ({reasons}); choose others.")
        trace.keep(list(kept), layers_on_path(logits, kept)[1])
        return list(trace.activations)


class _LayerCall:
    def __init__(self, tensor: Tensor, source: Tensor | None = None) -> None:
        self.tensor = tensor
        self.source = source  # the input, where a module returned it unchanged
        self._version = self._count()

    def overwritten(self) -> bool:
        return self._count() != self._version

    def _count(self) -> int:
        return 0 if self.tensor.is_inference() else self.tensor._version


def _follow_output(watch: ActivationWatch, name: str) -> Callable[[nn.Module, Any, Any], None]:
    def hook(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            watch.follow(name, output)

    return hook


def _first_tensor(output: Any) -> tuple[Any, Tensor | None]:
    """Find the first tensor of a module's output and its place, which is None where the output is a tensor itself."""
    if isinstance(output, Tensor):
        return None, output
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(output, Mapping):
        items = output.items()
    elif isinstance(output, tuple | list):
        items = enumerate(output)
    return next(((place, value) for place, value in items if isinstance(value, Tensor)), (None, None))


def _replace(output: Any, place: Any, tensor: Tensor) -> Any:
    """Put `tensor` at `place` of a module's output."""
    if isinstance(output, Tensor):
        return tensor
    if isinstance(output, Mapping):
        changed = copy.copy(output)
        changed[place] = tensor  # type: ignore[index]
        return changed
    items = [*output[:place], tensor, *output[place + 1 :]]
    return type(output)(*items) if hasattr(output, "_fields") else type(output)(items)
