"""The activations of one forward pass, and the gradients that pass by them one at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor

from prismseg.base import ModelError
from prismseg.explain.tensors import HALF, to_full_precision
from prismseg.explain.trace.adapters import Adapter, TokenAdapter
from prismseg.explain.trace.graph import count_users
from prismseg.explain.trace.running import gradients
from prismseg.explain.trace.shapes import MapShapes, spatial_size

# Takes a layer's name, its activation and its gradient, both (B, D, h, w).
Consume = Callable[[str, Tensor, Tensor], None]


class Trace:
    """Activations of one forward pass; made by `Tracer.run`.

    Attributes
    ----------
    output : object
        What the network returned.
    activations : dict
        ``{layer: Tensor}`` as the layers return them, in the order asked.
    """

    def __init__(
        self,
        output: Any,
        activations: dict[str, Tensor],
        images: Tensor,
        adapter: Adapter | None,
        passed_through: dict[int, Tensor],
    ) -> None:
        self.output = output
        # Inputs that modules returned unchanged, by the id of the view that stands for the output.
        self._passed_through = passed_through
        self.activations = activations
        self._images = images
        self._adapter = adapter
        self._maps: set[str] = set()  # layers that are known to be maps
        self._earliest: list[Tensor] | None = None

    def map_of(self, key: str, values: Tensor) -> Tensor:
        """Bring an activation of layer `key`, or its gradient, to the form (B, D, h, w); after `find_shapes`."""
        if self._adapter is None or (key in self._maps and isinstance(self._adapter, TokenAdapter)):
            return values
        return self._adapter(values, spatial_size(self._images))

    def find_shapes(self, logits: Tensor) -> dict[str, tuple[int, ...] | str]:
        """Find the shapes (B, D, h, w) of all layers as maps, or the reason why one has none."""
        shapes = MapShapes(self.activations, self._images, logits, self._adapter)
        self._maps = shapes.certain
        return {key: shapes.reason(key) or self._shape(key, shapes) for key in self.activations}

    def _shape(self, key: str, shapes: MapShapes) -> tuple[int, ...] | str:
        try:
            shape = tuple(self.map_of(key, self.activations[key].detach()).shape)
        except ModelError as error:
            return str(error).rstrip(".")
        return shapes.reason_after(shape) or shape

    def duplicates(self, logits: Tensor) -> dict[str, str]:
        """Find layers with the same activation and gradient as an earlier layer, and name that one.

        A module that returns its input unchanged, such as a dropout, has another gradient only where something else
        uses the input too, as on a skip connection.
        """
        users = count_users(logits) if self._passed_through else {}
        first: dict[int, str] = {}
        earlier: dict[str, str] = {}
        # Children often come after their parents, but an unchanged input comes later than its source.
        for key, tensor in self.activations.items():
            source = tensor
            while (
                id(source) in self._passed_through and users.get(self._passed_through[id(source)].grad_fn, 0) == 1
            ):
                source = self._passed_through[id(source)]
            if id(source) in first:
                earlier[key] = first[id(source)]
            else:
                first[id(source)] = key
        return earlier

    def keep(self, keys: Sequence[str], earliest: list[Tensor]) -> None:
        """Drop all layers but `keys`; gradients are computed back to the tensors `earliest`."""
        self.activations = {key: self.activations[key] for key in self.activations if key in set(keys)}
        self._earliest = earliest

    def backward(self, score: Tensor, consume: Consume, *, last: bool, factors: Tensor | None = None) -> None:
        """Compute the gradient of the scalar `score` and pass it on layer by layer.

        Only one layer's gradient exists at a time, so that all layers together need the memory of a training step.

        Parameters
        ----------
        score : () Tensor
            Sum of the scores of the cases.
        consume : callable
            Called as ``consume(layer, activation, gradient)``, both (B, D, h, w), under no_grad and in at least
            single precision. Layers come in the order of the backward pass.
        last : bool
            Whether the graph may be freed.
        factors : (B,) Tensor, optional
            By which the scores of the cases were multiplied, lest gradients underflow in half precision; gradients
            are divided by them.
        """
        assert self._earliest is not None, "Tracer.on_path comes first"
        with ExitStack() as hooks:
            for key, tensor in self.activations.items():
                handle = tensor.register_hook(self._consumer(key, tensor, consume, factors))  # type: ignore[no-untyped-call]
                hooks.callback(handle.remove)
            gradients(score, self._earliest, retain_graph=not last)

    def _consumer(
        self, key: str, tensor: Tensor, consume: Consume, factors: Tensor | None
    ) -> Callable[[Tensor], None]:
        def hook(gradient: Tensor) -> None:
            with torch.no_grad(), torch.autocast(gradient.device.type, enabled=False):
                plane = to_full_precision(self.map_of(key, gradient))
                if factors is not None:
                    plane = plane / factors[:, None, None, None]
                consume(key, to_full_precision(self.map_of(key, tensor.detach())), plane)

        return hook

    @property
    def is_half(self) -> bool:
        """Whether an activation is of half precision."""
        return any(tensor.dtype in HALF for tensor in self.activations.values())

    def forget(self) -> None:
        """Drop the activations and, with them, the graph."""
        self.activations, self._earliest, self.output = {}, None, None
        self._images, self._passed_through = self._images.detach()[:0], {}
