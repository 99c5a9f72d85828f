r"""Attention rollout: which places the tokens of a region look at, through all layers of attention of a grid.

With :math:`A_l` the mean over heads of a layer's attention, :math:`\tilde A_l = (A_l + I) / 2` accounts for the way
around it, and :math:`R = \tilde A_L \cdots \tilde A_1` says how much of each token is in each other after L layers
(Abnar & Zuidema 2020, "Quantifying attention flow in transformers", eq. 1). A map is the mean of the rows of R over
the tokens of the region that is explained, :math:`r^T R`. It is multiplied from the left, so that the matrices of random
features are never formed and the cost stays linear in the tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from prismseg.base import ModelError
from prismseg.explain.maps.method import ImageContext, ImageMethod
from prismseg.explain.tensors import to_full_precision
from prismseg.explain.trace.adapters import grids_of_aspect
from prismseg.features import weigh_keys
from prismseg.nets import COMPOSED, SegmentationModel
from prismseg.nets.skips.attention import SelfAttention2d

_MOST_PREFIXES = 5  # class, distillation and register tokens, as vision transformers have them


class AttentionCall(NamedTuple):
    """Queries and keys of a layer of attention, as the network ran it.

    Attributes
    ----------
    query, key : (B, heads, N, d) Tensor
    frequencies : (m, d) Tensor or None
        Of attention by random features; None for exact attention.
    """

    query: Tensor
    key: Tensor
    frequencies: Tensor | None = None


class _ExactCalls(TorchFunctionMode):
    """Notes what goes into `torch.nn.functional.scaled_dot_product_attention`."""

    def __init__(self, calls: list[AttentionCall]) -> None:
        super().__init__()
        self._calls = calls

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Note queries and keys, and do what is asked."""
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") == "scaled_dot_product_attention":
            given = dict(zip(("query", "key", "value", "attn_mask", "dropout_p", "is_causal"), args, strict=False))
            given |= kwargs
            query, key = given["query"], given["key"]
            if given.get("attn_mask") is None and not given.get("is_causal") and query.ndim == 4:
                scale = given.get("scale")
                usual = query.shape[-1] ** -0.5
                self._calls.append(AttentionCall(query if scale is None else query * (scale / usual), key))
        return func(*args, **kwargs)


@contextmanager
def record_attention(model: nn.Module) -> Iterator[list[AttentionCall]]:
    """Inside this context note every layer of attention that `model` runs, in order.

    Noted are layers of prismseg's (`prismseg.nets.skips.attention.SelfAttention2d`), and in other networks calls of
    `torch.nn.functional.scaled_dot_product_attention` without a mask.
    """
    calls: list[AttentionCall] = []

    def note(layer: SelfAttention2d, inputs: tuple[Tensor, ...]) -> None:
        if layer.frequencies is not None:  # exact ones are noted by the function that they call
            query, key, _ = layer.tokenize(inputs[0])
            calls.append(AttentionCall(query, key, layer.frequencies))

    handles = [
        module.register_forward_pre_hook(note) for module in model.modules() if isinstance(module, SelfAttention2d)
    ]
    try:
        with _ExactCalls(calls):
            yield calls
    finally:
        for handle in handles:
            handle.remove()


def roll_out(calls: Sequence[AttentionCall], rows: Tensor) -> Tensor:
    """Multiply rows of weights of the tokens by the rollout of layers of one grid.

    Parameters
    ----------
    calls : sequence of AttentionCall
        In the order in which the network ran them.
    rows : (B, K, N) Tensor
        K weightings of the tokens. Rows that sum to 1 do so afterwards.

    Returns
    -------
    (B, K, N) Tensor

    Examples
    --------
    >>> same = AttentionCall(torch.zeros(1, 1, 4, 2), torch.zeros(1, 1, 4, 2))
    >>> roll_out([same, same], torch.eye(4)[None, :1])  # each layer keeps half and spreads half evenly
    tensor([[[0.4375, 0.1875, 0.1875, 0.1875]]])
    """
    for call in reversed(calls):
        seen = weigh_keys(rows[:, None], call.query, call.key, call.frequencies)
        rows = (rows + seen.mean(1)) / 2
    return rows


def check_attention(model: nn.Module) -> None:
    """Refuse networks that have no attention to be followed.

    Raises
    ------
    ModelError
        With what could be done instead.
    """
    if isinstance(model, SegmentationModel) and model.settings.arch in COMPOSED:
        raise ModelError(
            "Attention rollout follows the layers of one network, and this one is composed of several; explain its "
            "members one by one, or choose another map method."
        )
    if not any("attention" in type(module).__name__.lower() for module in model.modules()):
        raise _lacking(model, "no layer of attention")


def _lacking(model: nn.Module, what: str) -> ModelError:
    return ModelError(
        f"Attention rollout follows layers of attention, and this network ({type(model).__name__}) has {what}. Of other "
        "people's networks such are followed that call torch's scaled_dot_product_attention. Choose another map method, "
        "or a network with attention (--bottleneck attention, --model hybrid, --skip attention)."
    )


def rollout(context: ImageContext) -> Tensor:
    """Roll out attention from the tokens of each class's region.

    Layers of one grid make a chain, in the order in which they run; several grids, such as those of a U-Net's skips, have
    a rollout each, and the map is their mean after enlarging. A map is 1 in the mean over the image, but for what goes to
    tokens of no place; a class without a region has a map of zeros.

    Parameters
    ----------
    context : ImageContext
        Needs its `network`.

    Returns
    -------
    (B, K, H, W) Tensor

    Raises
    ------
    ModelError
        When the network runs no layer of attention over a grid of the whole image.
    """
    assert context.network is not None
    with torch.no_grad(), record_attention(context.network) as calls:
        context.scores(context.images)
    size = (context.images.shape[-2], context.images.shape[-1])
    chains: dict[tuple[int, int, int], list[AttentionCall]] = {}
    for call in calls:
        place = _place(call, len(context.images), size)
        if place is not None:
            chains.setdefault(place, []).append(AttentionCall(*map(_full, call)))
    if not chains:
        raise _lacking(context.network, "none whose tokens are the places of one grid over the whole image")
    maps = [_grid_map(chain, context.regions, *place) for place, chain in chains.items()]
    return torch.stack(maps).mean(0)


def _grid_map(calls: Sequence[AttentionCall], regions: Tensor, prefix: int, height: int, width: int) -> Tensor:
    """Rollout of one grid, enlarged to the regions' size: (B, K, H, W)."""
    area = F.adaptive_avg_pool2d(to_full_precision(regions), (height, width)).flatten(2)
    rows = F.pad(area / area.sum(-1, keepdim=True).clamp_min(torch.finfo(area.dtype).tiny), (prefix, 0))
    seen = roll_out(calls, rows)[..., prefix:].reshape(*rows.shape[:2], height, width) * (height * width)
    return F.interpolate(seen, size=regions.shape[-2:], mode="bilinear", align_corners=False)


def _place(call: AttentionCall, batch: int, size: tuple[int, int]) -> tuple[int, int, int] | None:
    """Leading tokens, rows and columns of the grid whose places a call's tokens are, if they are that."""
    query, key = call.query, call.key
    if query.shape != key.shape or len(query) != batch:  # keys of a coarser grid; windows, stacked into the batch
        return None
    for prefix in range(_MOST_PREFIXES + 1):
        for rows, columns in grids_of_aspect(query.shape[-2] - prefix, size):
            return prefix, rows, columns
    return None


def _full(values: Tensor | None) -> Any:
    return None if values is None else to_full_precision(values)


ROLLOUT = ImageMethod(
    title="Attention rollout",
    formula=r"r^\top \tilde A_L \cdots \tilde A_1, \; \tilde A = \tfrac{1}{2}(A + I)",
    citation="Abnar & Zuidema 2020",
    maps=rollout,
    check=check_attention,
)
