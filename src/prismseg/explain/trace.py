"""One forward pass that keeps the activations of chosen layers, and gradients that pass by them one at a time."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from prismseg.base import ConfigError, ModelError
from prismseg.explain.layers import Adapter, LayerChoice, choose_layers, split_call
from prismseg.explain.target import HALF, as_images, full

Consume = Callable[[str, Tensor, Tensor], None]


class Tracer:
    """Runs a network and keeps what chosen layers put out; the network is left as it was found.

    Parameters
    ----------
    model : Module
        Any network whose first argument is a batch of images. Wrappers (DataParallel, torch.compile) are looked
        through; compiled parts run eagerly.
    layers : str, sequence of str or callable
        See `choose_layers`. Of a module with several outputs the first tensor is kept. A module that runs more
        than once gives the layers ``name[0]``, ``name[1]``, …
    adapter : callable, optional
        Turns outputs that are no maps into maps (B, D, h, w), such as `tokens_to_map`.

    Attributes
    ----------
    left_out : dict
        Layers chosen by pattern or predicate that cannot be shown, with the reason.

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
        self._overwritten: set[str] = set()
        self.left_out: dict[str, str] = {}

    @contextmanager
    def run(self, images: Tensor) -> Iterator[Trace]:
        """Run the network in evaluation mode on `images` (B, C, H, W) and yield the `Trace`.

        Inside the block gradients can be taken. When it ends, also by an exception, hooks are gone, and modes,
        parameters' ``grad`` and random state are what they were.

        Raises
        ------
        ConfigError
            When a named layer did not run.
        ModelError
            When a layer's output is no map, or no gradient can pass through the network.
        """
        _require_gradients(self.model)
        images = as_images(images, self.model)
        with undisturbed(self.model, images):
            # A leaf that needs a gradient: the graph is built even where all parameters are frozen.
            source = images.detach().requires_grad_()
            output, calls = self._forward(source)
            changed = {name for name, call in calls if call.overwritten()}
            if changed:
                # A later operation wrote into what was kept; from now on it gets a copy of its own.
                self._overwritten |= changed
                del output, calls
                output, calls = self._forward(source)
            size = (images.shape[-2], images.shape[-1])
            trace = Trace(output, self._select(calls), size, self.adapter)
            try:
                yield trace
            finally:
                trace.forget()

    def _forward(self, source: Tensor) -> tuple[Any, list[tuple[str, _Call]]]:
        modules = dict(self.model.named_modules())
        calls: list[tuple[str, _Call]] = []
        wanted = dict.fromkeys(split_call(name)[0] if name not in modules else name for name in self._names)
        with ExitStack() as hooks:
            for name in wanted:
                hook = self._hook(name, calls)
                hooks.callback(modules[name].register_forward_hook(hook).remove)
            output = self.model(source)
        return output, calls

    def _hook(self, name: str, calls: list[tuple[str, _Call]]) -> Callable[[nn.Module, Any, Any], Any]:
        def keep(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> Any:
            place, tensor = _first_tensor(output)
            if tensor is None:
                return None
            passed = tensor
            if any(tensor is given for given in inputs):
                # What a module hands through untouched has other users; only this one's gradient is meant.
                tensor = passed = tensor.view_as(tensor)
            if name in self._overwritten:
                passed = tensor.clone()
            calls.append((name, _Call(tensor)))
            return _replace(output, place, passed)

        return keep

    def _select(self, calls: list[tuple[str, _Call]]) -> dict[str, Tensor]:
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

    def _leave_out(self, name: str, reason: str) -> None:
        if self._named:
            raise ConfigError(
                f"The layer {name!r} cannot be explained: {reason}. Choose another, or a module in it."
            )
        self.left_out[name] = reason

    def on_path(self, trace: Trace, logits: Tensor) -> list[str]:
        """Keys of the traced layers that `logits` depend on.

        Raises
        ------
        ConfigError
            When a layer asked for by name is not among them, or none is.
        ModelError
            When no gradient comes from the logits.
        """
        if not logits.requires_grad:
            raise ModelError(
                "The network's forward pass cuts off gradients (torch.no_grad, torch.inference_mode or detach in it), so "
                "its layers cannot be explained; take that out for the explanation."
            )
        reached, front = _follow(logits, trace.activations)
        for key in trace.activations:
            if key not in reached:
                self._leave_out(key, "the output does not depend on it (or no gradient reaches it)")
        if not reached:
            raise ConfigError("The output depends on none of the chosen layers; choose layers on its path.")
        trace.keep(reached, front)
        return list(trace.activations)


class Trace:
    """Activations of one forward pass; made by `Tracer.run`.

    Attributes
    ----------
    output : object
        What the network returned.
    activations : dict
        ``{layer: Tensor}`` as the layers put them out, in the order asked.
    """

    def __init__(
        self, output: Any, activations: dict[str, Tensor], image_size: tuple[int, int], adapter: Adapter | None
    ) -> None:
        self.output = output
        self.activations = activations
        self._image_size = image_size
        self._adapter = adapter
        self._front: list[Tensor] | None = None

    def map_of(self, key: str, values: Tensor) -> Tensor:
        """Bring an activation of layer `key`, or its gradient, to the form (B, D, h, w).

        Raises
        ------
        ModelError
            When it has no such form and there is no adapter that gives it one.
        """
        plane = values if self._adapter is None else self._adapter(values, self._image_size)
        if plane.ndim != 4:
            raise ModelError(
                f"The layer {key!r} gives {tuple(values.shape)}, no map (B, D, h, w). For a transformer pass "
                "adapter=tokens_to_map(); else choose another layer."
            )
        return plane

    def keep(self, keys: Sequence[str], front: list[Tensor]) -> None:
        """Forget all layers but `keys`; gradients are followed back to the tensors `front`."""
        self.activations = {key: self.activations[key] for key in self.activations if key in set(keys)}
        self._front = front

    def backward(self, score: Tensor, consume: Consume, *, last: bool, magnified: Tensor | None = None) -> None:
        """Follow the gradient of the scalar `score` back and hand it out layer by layer as it passes.

        Only one layer's gradient exists at a time, so that all layers cost the memory of a training step.

        Parameters
        ----------
        score : () Tensor
            Sum of the scores of the cases.
        consume : callable
            Called as ``consume(layer, activation, gradient)``, both (B, D, h, w), under no_grad and in at least
            single precision. Layers come in the order of the backward pass.
        last : bool
            Whether the graph may be freed.
        magnified : (B,) Tensor, optional
            Factors by which the cases' scores were multiplied, lest gradients underflow in half precision; gradients
            are divided by them.
        """
        assert self._front is not None, "Tracer.on_path comes first"
        with ExitStack() as hooks:
            for key, tensor in self.activations.items():
                handle = tensor.register_hook(self._consumer(key, tensor, consume, magnified))  # type: ignore[no-untyped-call]
                hooks.callback(handle.remove)
            torch.autograd.grad(score, self._front, retain_graph=not last)

    def _consumer(
        self, key: str, tensor: Tensor, consume: Consume, magnified: Tensor | None
    ) -> Callable[[Tensor], None]:
        def hook(gradient: Tensor) -> None:
            with torch.no_grad(), torch.autocast(gradient.device.type, enabled=False):
                plane = full(self.map_of(key, gradient))
                if magnified is not None:
                    plane = plane / magnified[:, None, None, None]
                consume(key, full(self.map_of(key, tensor.detach())), plane)

        return hook

    @property
    def is_half(self) -> bool:
        """Whether an activation is of half precision."""
        return any(tensor.dtype in HALF for tensor in self.activations.values())

    def forget(self) -> None:
        """Let go of the activations and, with them, of the graph."""
        self.activations, self._front, self.output = {}, None, None


class _Call:
    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self._version = self._count()

    def overwritten(self) -> bool:
        return self._count() != self._version

    def _count(self) -> int:
        return 0 if self.tensor.is_inference() else self.tensor._version


def _first_tensor(output: Any) -> tuple[Any, Tensor | None]:
    """Place and value of the first tensor of a module's output; the place of an output that is one is None."""
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


def unwrap(model: nn.Module) -> nn.Module:
    """Look through DataParallel, DistributedDataParallel and torch.compile."""
    wrappers = (nn.DataParallel, nn.parallel.DistributedDataParallel)
    while True:
        if isinstance(model, wrappers):
            model = model.module
        elif isinstance(original := getattr(model, "_orig_mod", None), nn.Module):
            model = original
        else:
            return model


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Set every module to evaluation and give each its own mode back at the end, exceptions included."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def _follow(logits: Tensor, activations: dict[str, Tensor]) -> tuple[list[str], list[Tensor]]:
    """Layers whose tensors `logits` are made from, and those of them with no other such layer before them."""
    key_of: dict[Any, list[str]] = {}
    for key, tensor in activations.items():
        if tensor.grad_fn is not None:
            key_of.setdefault(tensor.grad_fn, []).append(key)
    children: dict[Any, list[Any]] = {}
    order: list[Any] = []
    stack: list[tuple[Any, bool]] = [(logits.grad_fn, False)] if logits.grad_fn is not None else []
    while stack:
        node, finished = stack.pop()
        if finished:
            order.append(node)
            continue
        if node in children:
            continue
        children[node] = [child for child, _ in node.next_functions if child is not None]
        stack.append((node, True))
        stack += [(child, False) for child in children[node] if child not in children]
    below: dict[Any, bool] = {}  # does the node, or one it is made from, belong to a layer
    front: list[Tensor] = []
    reached: list[str] = []
    for node in order:
        before = any(below.get(child, False) for child in children[node])
        keys = key_of.get(node, [])
        reached += keys
        below[node] = before or bool(keys)
        if keys and not before:
            front.append(activations[keys[0]])
    return reached, front


def _require_gradients(model: nn.Module) -> None:
    if any(tensor.is_inference() for tensor in (*model.parameters(), *model.buffers())):
        raise ModelError(
            "The network was made or loaded inside torch.inference_mode(), so no gradient can pass through it. Make it "
            "outside, or explain copy.deepcopy(model), taken outside."
        )


@contextmanager
def undisturbed(model: nn.Module, images: Tensor) -> Iterator[None]:
    """Run `model` eagerly, in evaluation mode and with gradients, and leave modes and random state as they were.

    It also holds inside `torch.no_grad` and `torch.inference_mode`.
    """
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.random.fork_rng(devices=_cuda_devices(images)),
        torch.compiler.set_stance("force_eager"),
        evaluation_mode(model),
    ):
        yield


def _cuda_devices(images: Tensor) -> list[int]:
    return [images.device.index or 0] if images.is_cuda else []
