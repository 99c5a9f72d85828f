"""The activation function behind a convolution, wherever it is called, found while the network runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from prismseg.explain.trace.layers import ACTIVATED, CONVOLUTIONS

_FUNCTIONS = frozenset(
    [
        "relu",
        "relu6",
        "leaky_relu",
        "prelu",
        "elu",
        "celu",
        "selu",
        "gelu",
        "silu",
        "mish",
        "hardswish",
        "softplus",
        "rrelu",
    ]
)
# What may stand between a convolution and its activation function.
_BETWEEN = frozenset(
    ["batch_norm", "group_norm", "instance_norm", "layer_norm", "dropout", "dropout2d", "feature_dropout"]
)

# Takes what an output was called when it was followed, and the activation; what it returns goes on in its place.
Found = Callable[[str, Tensor], Tensor]


class ActivationWatch(TorchFunctionMode):
    """Follows the outputs of convolutions, through normalisation, to the activation function applied to them.

    Parameters
    ----------
    found : callable
        See `Found`.
    used : callable, optional
        Told the name of an output that, on its way there, something else uses too.
    """

    def __init__(self, found: Found, used: Callable[[str], None] | None = None) -> None:
        super().__init__()
        self._found, self._used = found, used
        # By id; the tensor is held so that no other can take its place.
        self._followed: dict[int, tuple[Tensor, str]] = {}
        self._passed: dict[int, tuple[Tensor, str]] = {}

    def follow(self, name: str, output: Tensor) -> None:
        """Follow an output of a convolution, which is called `name`."""
        self._followed[id(output)] = (output, name)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        kind = str(getattr(func, "__name__", "")).strip("_")
        if kind == "get" or not isinstance(result, Tensor | tuple | list):
            return result  # a property, such as the shape
        first = args[0] if args else None
        for tensor in _tensors(args):
            if id(tensor) in self._followed:
                name = self._followed.pop(id(tensor))[1]
                if tensor is first and isinstance(result, Tensor) and kind in _BETWEEN:
                    self.follow(name, result)
                elif tensor is first and isinstance(result, Tensor) and kind in _FUNCTIONS:
                    result = self._found(name, result)
                if self._used is not None and result is not tensor:
                    self._passed[id(tensor)] = (tensor, name)
            elif id(tensor) in self._passed and self._used is not None:
                self._used(self._passed[id(tensor)][1])
        return result


def _tensors(values: Iterable[Any]) -> list[Tensor]:
    found = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, tuple | list):
            found += [item for item in value if isinstance(item, Tensor)]
    return found


def with_activations(model: nn.Module, convolutions: Sequence[str], run: Callable[[], object]) -> list[str]:
    """Name what is shown of each convolution: its output behind the activation function, as the methods' authors do.

    Which function that is shows in the run of the network: the one applied to the convolution's output, or to what
    normalisation makes of it, if nothing else uses them; in a sequence, another module or a bare function call.

    Parameters
    ----------
    model : Module
    convolutions : sequence of str
        Names of modules.
    run : callable
        Runs the network once.

    Returns
    -------
    list of str
        In the order of `convolutions`: the name of a sequence of just the convolution, normalisation and activation;
        else that of the activation's module (``relu[1]`` if it runs several times); else ``name:act`` for a function
        call, and the convolution's own name where no activation follows.
    """
    names: dict[nn.Module, str] = {}
    for name, module in model.named_modules():
        names.setdefault(module, name)
    calls: Counter[str] = Counter()  # of modules, and of convolutions with a bare function behind
    shown: dict[str, dict[str, tuple[str, int]]] = {name: {} for name in convolutions}  # by call: name and number
    pending: dict[int, tuple[Tensor, str, str]] = {}  # activations, with the convolution and its call
    origin: dict[str, str] = {}

    def found(call: str, activation: Tensor) -> Tensor:
        pending[id(activation)] = (activation, origin[call], call)
        return activation

    def used(call: str) -> None:
        for key in [key for key, entry in pending.items() if entry[2] == call]:
            del pending[key]
        shown[origin[call]].pop(call, None)

    watch = ActivationWatch(found, used)

    def note(module: nn.Module, _: Any, output: Any) -> None:
        name = names[module]
        calls[name] += 1
        if isinstance(module, CONVOLUTIONS) and name in shown and isinstance(output, Tensor):
            call = f"{name}[{calls[name] - 1}]"
            origin[call] = name
            watch.follow(call, output)
        elif id(output) in pending and name:
            _, owner, call = pending[id(output)]
            leaf = next(module.children(), None) is None
            if (leaf and call not in shown[owner]) or _is_unit(module, model.get_submodule(owner)):
                shown[owner][call] = (name, calls[name] - 1)

    with ExitStack() as hooks:
        for module in names:
            if not isinstance(module, torch.jit.ScriptModule):  # no hook reaches into one
                hooks.callback(module.register_forward_hook(note).remove)
        hooks.enter_context(watch)
        run()
    for _, owner, call in pending.values():
        if call not in shown[owner]:
            shown[owner][call] = (owner + ACTIVATED, calls[owner + ACTIVATED])
            calls[owner + ACTIVATED] += 1
    result: list[str] = []
    for owner, activated in shown.items():
        every = [activated.get(f"{owner}[{call}]", (owner, call)) for call in range(calls[owner])]
        if not activated:
            result.append(owner)
        else:
            result += [name if calls[name] == 1 else f"{name}[{number}]" for name, number in every]
    return list(dict.fromkeys(result))


def _is_unit(sequence: nn.Module, convolution: nn.Module) -> bool:
    """Whether a module is a sequence of one convolution and what belongs to it."""
    if not isinstance(sequence, nn.Sequential):
        return False
    inner = [module for module in sequence.modules() if isinstance(module, CONVOLUTIONS)]
    return inner == [convolution] and sequence[0] is convolution
