"""Finding the activation function that follows each convolution, while the network runs."""

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
# Operations that may stand between a convolution and its activation function.
_BETWEEN = frozenset(
    ["batch_norm", "group_norm", "instance_norm", "layer_norm", "dropout", "dropout2d", "feature_dropout"]
)

# Takes the name under which an output was followed, and its activation; the network goes on with what it returns.
OnActivation = Callable[[str, Tensor], Tensor]


class ActivationWatch(TorchFunctionMode):
    """Follows the outputs of convolutions, through normalisation, to the activation function applied to them.

    Parameters
    ----------
    on_activation : callable
        See `OnActivation`.
    on_other_use : callable, optional
        Gets the name of an output that something else uses too on its way to the activation function.
    """

    def __init__(self, on_activation: OnActivation, on_other_use: Callable[[str], None] | None = None) -> None:
        super().__init__()
        self._on_activation, self._on_other_use = on_activation, on_other_use
        # By id; the tensors are held, so that their ids are not used again.
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
                    result = self._on_activation(name, result)
                if self._on_other_use is not None and result is not tensor:
                    self._passed[id(tensor)] = (tensor, name)
            elif id(tensor) in self._passed and self._on_other_use is not None:
                self._on_other_use(self._passed[id(tensor)][1])
        return result


def _tensors(values: Iterable[Any]) -> list[Tensor]:
    tensors = []
    for value in values:
        if isinstance(value, Tensor):
            tensors.append(value)
        elif isinstance(value, tuple | list):
            tensors += [item for item in value if isinstance(item, Tensor)]
    return tensors


def find_activations(model: nn.Module, convolutions: Sequence[str], run: Callable[[], object]) -> list[str]:
    """Find what is explained of each convolution: its output after the activation function, as the methods' authors do.

    That function shows when the network runs: it is the one applied to the convolution's output, or to what
    normalisation makes of it, if nothing else uses either. It may be in a sequence, another module or a function
    call.

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
    calls: Counter[str] = Counter()  # of modules, and of convolutions with a function call after them
    shown: dict[str, dict[str, tuple[str, int]]] = {name: {} for name in convolutions}  # by call: name and number
    pending: dict[int, tuple[Tensor, str, str]] = {}  # activations, with the convolution and its call
    origin: dict[str, str] = {}

    def note_activation(call: str, activation: Tensor) -> Tensor:
        pending[id(activation)] = (activation, origin[call], call)
        return activation

    def drop(call: str) -> None:
        for key in [key for key, entry in pending.items() if entry[2] == call]:
            del pending[key]
        shown[origin[call]].pop(call, None)

    watch = ActivationWatch(note_activation, drop)

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
            if not isinstance(module, torch.jit.ScriptModule):  # which takes no hooks
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
    """Whether a module is a sequence of one convolution and its normalisation and activation."""
    if not isinstance(sequence, nn.Sequential):
        return False
    inner = [module for module in sequence.modules() if isinstance(module, CONVOLUTIONS)]
    return inner == [convolution] and sequence[0] is convolution
