"""What the autograd graph says about an activation: whether the logits depend on it, and which axis its channels are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from torch import Tensor, nn
from torch.autograd.function import BackwardCFunction

# Where the channels are: "first" (B, D, h, w), "last" (B, h, w, D), nowhere ("weights": attention), or "unknown".
Layout = Literal["first", "last", "weights", "unknown"]

# Operations whose output is a map (B, D, h, w).
_SPATIAL = ("Convolution", "Conv2D", "BatchNorm", "GroupNorm", "Pool2D", "Upsample", "PixelShuffle", "PixelUnshuffle",
            "GridSampler2D", "ReflectionPad2D", "ReplicationPad2D", "ChannelShuffle")  # fmt: skip
_LINEAR = ("Addmm", "Mm", "Linear")
_WEIGHTS = ("Softmax", "Bmm", "ScaledDotProduct", "Baddbmm")
# Operations that keep the axes in their order.
_SAME = frozenset((
    "Abs", "Add", "Addcdiv", "Addcmul", "Alias", "As", "Cat", "Celu", "Clamp", "ClampMax", "ClampMin", "Clone",
    "ConstantPadNd", "Copy", "CopySlices", "Cos", "Div", "Elu", "Exp", "Expand", "Flip", "FusedDropout", "Gelu",
    "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyRelu", "Lerp", "Log", "LogSigmoid", "MaskedFill", "Maximum",
    "Minimum", "Mish", "Mul", "NativeDropout", "Neg", "Pow", "PreluKernel", "Relu", "Roll", "RreluWithNoise",
    "Rsqrt", "Rsub", "Sigmoid", "Silu", "Sin", "Slice", "Softplus", "Split", "SplitWithSizes", "Sqrt", "Square",
    "Sub", "Tanh", "Threshold", "To", "ToCopy", "Where", "_ScaledCosine",
))  # fmt: skip
# Operations after which nothing but attention weights can be recognised.
_REDUCING = frozenset(("Mean", "Sum", "Select", "Unbind", "Squeeze", "Unsqueeze", "Index"))
_FOLDING = frozenset(
    ("T", "Transpose", "Permute", "View", "UnsafeView", "ReshapeAlias", "Expand", "Clone", "Unsqueeze")
)
_LIMIT = 500  # nodes of the graph that are looked at before the axis counts as unknown


def find_channel_layout(activation: Tensor, image: Tensor) -> Layout:
    """Find the axis of the channels of an activation with four axes, from the operations that made it.

    The graph is followed back, through operations that keep or exchange axes, to one that tells: convolutions,
    pooling and batch normalisation put channels first, linear layers and layer normalisation last, products of
    tokens and softmax make attention weights, which are no map. It is unknown where operands disagree, or where
    reshaping hides the axes.

    Parameters
    ----------
    activation : (B, …) Tensor
        Of a forward pass with gradients.
    image : Tensor
        The network's input, whose channels are first.
    """
    if activation is image:
        return "first"
    layouts: set[Layout] = set()
    stack: list[tuple[Any, tuple[int, ...]]] = [(activation.grad_fn, tuple(range(activation.ndim)))]
    seen: set[Any] = set()
    while stack and len(seen) < _LIMIT:
        node, axes = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        name = _kind(node)
        if "AccumulateGrad" in name:
            if node.variable is image:
                layouts.add(_channel_position(axes, 1))
        elif name.startswith(_WEIGHTS) and not _has_parameter(node):
            layouts.add("weights")
        elif any(kind in name for kind in _SPATIAL):
            layouts.add(_channel_position(axes, 1))
        elif "LayerNorm" in name and len(getattr(node, "_saved_normalized_shape", (0,))) == 1:
            layouts.add(_channel_position(axes, _ndim(node) - 1))
        elif name.startswith((*_LINEAR, *_WEIGHTS)):
            # MLP mixers apply linear layers to places too, so that only the usual form tells.
            last = _channel_position(axes, _ndim(node) - 1)
            layouts.add("last" if last == "last" else "unknown")
        elif name == "Permute":
            dims = [dim % len(node._saved_dims) for dim in node._saved_dims]
            stack += _children(node, tuple(dims[axis] for axis in axes))
        elif name == "Transpose":
            count = _ndim(node)
            first, second = (_signed(dim) % count for dim in (node._saved_dim0, node._saved_dim1))
            exchange = {first: second, second: first}
            stack += _children(node, tuple(exchange.get(axis, axis) for axis in axes))
        elif name in ("View", "UnsafeView", "ReshapeAlias"):
            moved = _unreshaped(node, axes)
            if moved is None:
                layouts.add("unknown")
            else:
                stack += _children(node, moved)
        elif name == "AsStrided" and _is_of_instances(node):
            stack += _children(node, axes)
        elif name in _REDUCING:
            stack += [(child, (-1,) * _ndim(child)) for child, _ in _children(node, axes)]
        elif name in _SAME or "LayerNorm" in name:
            stack += [pair for pair in _children(node, axes) if _ndim(pair[0]) == _ndim(node)]
        elif isinstance(node, BackwardCFunction) and (kept := _of_same_shape(node)) is not None:
            stack.append((kept, axes))
        else:
            layouts.add("unknown")
    if "weights" in layouts and "first" not in layouts:
        return "weights"
    certain = layouts - {"unknown", "weights"}
    return certain.pop() if len(certain) == 1 else "unknown"


def _has_parameter(node: Any) -> bool:
    """Whether an operand is a parameter: a linear layer may run as a batch of matrix products too."""
    operands = [child for child, _ in node.next_functions]
    if "Bmm" in _kind(node) and None in operands:
        return True
    for child in operands:
        while child is not None and _kind(child) in _FOLDING and child.next_functions:
            child = child.next_functions[0][0]
        if child is not None and hasattr(child, "variable") and isinstance(child.variable, nn.Parameter):
            return True
    return False


def _of_same_shape(node: Any) -> Any:
    """Find the operand of a custom function that must work number by number, since its shape is that of the output."""
    sizes = _sizes(node)
    like = [child for child, _ in node.next_functions if child is not None and _sizes(child) == sizes]
    return like[0] if len(like) == 1 and len(set(sizes[1:])) > 1 else None


def _kind(node: Any) -> str:
    name = str(node.name()).rpartition("::")[2]
    return name.rstrip("0123456789").removesuffix("Backward")


def _children(node: Any, axes: tuple[int, ...]) -> list[tuple[Any, tuple[int, ...]]]:
    return [(child, axes) for child, _ in node.next_functions if child is not None]


def _sizes(node: Any) -> tuple[int, ...]:
    """Shape of the output of an operation."""
    if hasattr(node, "variable"):
        return tuple(node.variable.shape)
    return tuple(int(size) for size in node._input_metadata[0].shape)


def _ndim(node: Any) -> int:
    return len(_sizes(node))


def _signed(dim: int) -> int:
    return dim - 2**64 if dim >= 2**63 else dim


def _channel_position(axes: tuple[int, ...], channels: int) -> Layout:
    """Say where the axis number `channels` of an earlier tensor is among `axes`."""
    if axes[0] != 0 or axes.count(channels) != 1:
        return "unknown"
    place = axes.index(channels)
    return "first" if place == 1 else "last" if place == len(axes) - 1 else "unknown"


def _unreshaped(node: Any, axes: tuple[int, ...]) -> tuple[int, ...] | None:
    """Find the axes before a view, -1 for one that joins several; None where the view cannot be followed."""
    after = _sizes(node)
    saved = getattr(node, "_saved_self_sym_sizes", None)
    source = node.next_functions[0][0] if node.next_functions else None
    if saved is None and source is None:
        return None
    before = tuple(int(size) for size in saved) if saved is not None else _sizes(source)
    if len(before) == len(after) == 4 and before[2:] == after[2:]:
        moved = [0, 1, 2, 3]  # instance normalisation takes (1, B D, h, w)
    else:
        moved = [-1] * len(after)
        for old, new in _regrouped(before, after):
            for axis in new:
                moved[axis] = old[0] if len(old) == 1 else -1
    return tuple(moved[axis] if axis >= 0 else -1 for axis in axes)


def _is_of_instances(node: Any) -> bool:
    """Whether this is (1, B D, h, w) of instance normalisation, viewed as (B, D, h, w) and then written to in place."""
    (batch, *rest), source = node._saved_size, node.next_functions[0][0]
    dense = (math.prod(rest), math.prod(rest[1:]), rest[-1], 1)
    return (
        len(rest) == 3
        and source is not None
        and _sizes(source) == (1, batch * rest[0], *rest[1:])
        and node._saved_storage_offset == 0
        and tuple(node._saved_stride) == dense
    )


def _regrouped(before: tuple[int, ...], after: tuple[int, ...]) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the smallest groups of neighbouring axes that hold the same numbers before and after a view."""
    old: list[int] = []
    new: list[int] = []
    left = right = 1
    rest, coming = list(range(len(before))), list(range(len(after)))
    while rest or coming:
        if rest and (left <= right or not coming):
            old.append(rest.pop(0))
            left *= before[old[-1]]
        else:
            new.append(coming.pop(0))
            right *= after[new[-1]]
        if left == right and old and new:
            yield old, new
            old, new, left, right = [], [], 1, 1


def layers_on_path(logits: Tensor, activations: dict[str, Tensor]) -> tuple[list[str], list[Tensor]]:
    """Find the layers that `logits` depend on.

    Returns
    -------
    names : list of str
    earliest : list of Tensor
        Activations of those with no other such layer before them: gradients with respect to these pass all others.
    """
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
    below: dict[Any, bool] = {}  # whether the node, or one it is made from, belongs to a layer
    earliest: list[Tensor] = []
    reached: list[str] = []
    for node in order:
        before = any(below.get(child, False) for child in children[node])
        keys = key_of.get(node, [])
        reached += keys
        below[node] = before or bool(keys)
        if keys and not before:
            earliest.append(activations[keys[0]])
    return reached, earliest


def count_users(logits: Tensor) -> Counter[Any]:
    """Count, for each operation on the way to `logits`, the operations that use its output."""
    users: Counter[Any] = Counter()
    seen, stack = {logits.grad_fn}, [logits.grad_fn]
    while stack:
        node = stack.pop()
        for child, _ in node.next_functions if node is not None else ():
            users[child] += 1
            if child is not None and child not in seen:
                seen.add(child)
                stack.append(child)
    return users


def is_output(output: Any, tensor: Tensor) -> bool:
    """Whether a network's output is `tensor`, apart from cropping and enlarging."""
    return any(node is tensor.grad_fn for node in _producers(output))


def _producers(output: Any) -> Iterator[Any]:
    """Yield the operations that made the tensors of a network's output, looking through cropping and enlarging."""
    items: Iterable[Any] = (output,)
    if isinstance(output, Mapping):
        items = output.values()
    elif isinstance(output, tuple | list):
        items = output
    for item in items:
        node = item.grad_fn if isinstance(item, Tensor) else None
        while node is not None:
            yield node
            name = str(node.name())
            if not any(kind in name for kind in ("Slice", "Upsample", "View", "ToCopy", "Clone", "Alias")):
                break
            node = node.next_functions[0][0]
