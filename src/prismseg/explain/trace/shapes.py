"""Which outputs of layers are maps (B, D, h, w): told by the operations that made them, and by other layers' grids."""

from __future__ import annotations

from torch import Tensor

from prismseg.explain.trace.adapters import Adapter, TokenAdapter
from prismseg.explain.trace.graph import find_channel_layout

_SINGLE = "it has a single cell for the whole image, which is no map"
_ADVICE = "pass adapter=vit_to_map(model), swin_to_map(model), tokens_to_map(…), or a function that makes it one"


class MapShapes:
    """Tells which outputs of one forward pass are maps, and why others are not.

    Parameters
    ----------
    activations : dict
        ``{layer: Tensor}`` as the layers put them out.
    images, logits : Tensor
        The network's input, and what is explained.
    adapter : callable, optional
        A user's function is trusted with every output, a `TokenAdapter` only with those that it is made for.

    Attributes
    ----------
    certain : set of str
        Layers that are maps without any adapter, since convolutions, pooling or the like made them.
    """

    def __init__(
        self, activations: dict[str, Tensor], images: Tensor, logits: Tensor, adapter: Adapter | None
    ) -> None:
        self._activations, self._adapter = activations, adapter
        self._batch, self._size = images.shape[0], spatial_size(images)
        self._layouts = {
            key: find_channel_layout(tensor, images) if tensor.ndim > 2 and tensor.requires_grad else "unknown"
            for key, tensor in activations.items()
        }
        self.certain = {
            key for key, tensor in activations.items() if self._layouts[key] == "first" and tensor.ndim == 4
        }
        self._grids = {self._size, spatial_size(logits), *(spatial_size(activations[key]) for key in self.certain)}

    def reason(self, key: str) -> str | None:
        """Say why a layer cannot be explained; None where it can."""
        tensor, layout = self._activations[key], self._layouts[key]
        shape = tuple(tensor.shape)
        if shape[:1] != (self._batch,):
            return f"it gives {shape} for a batch of {self._batch}; windows or heads stacked into it make no map"
        if shape[2:] == (1, 1) and self._size != (1, 1):
            return _SINGLE
        if key in self.certain or (self._adapter is not None and not isinstance(self._adapter, TokenAdapter)):
            return None
        if layout == "weights":
            return f"it gives {shape}, attention weights or products of tokens, which are no map (B, D, h, w)"
        if self._adapter is None and (len(shape) != 4 or layout == "last"):
            return f"it gives {shape}, no map (B, D, h, w); {_ADVICE}"
        if len(shape) != 4 or (self._adapter is not None and self._adapter.channels_last is not False):
            return None  # the adapter finds the grid, or says that there is none
        if layout == "last":
            return f"it gives {shape} with the channels last; {_ADVICE}"
        if shape[2:] in self._grids and not self._fits(shape[1:3]):
            return None
        return f"it gives {shape}, of which it cannot be told which axes are places; {_ADVICE}"

    def reason_after(self, shape: tuple[int, ...]) -> str | None:
        """Say why what an adapter made of an output cannot be explained; None where it can."""
        if len(shape) != 4 or shape[0] != self._batch:
            return f"the adapter gives {shape}, no map (B, D, h, w)"
        return _SINGLE if shape[2:] == (1, 1) and self._size != (1, 1) else None

    def _fits(self, grid: tuple[int, ...]) -> bool:
        """Whether a grid has the image's aspect ratio, as far as whole cells can."""
        height, width = self._size
        return min(grid) > 1 and abs(grid[0] * width - grid[1] * height) < max(height, width)


def spatial_size(tensor: Tensor) -> tuple[int, int]:
    """Take the lengths of the last two axes, (H, W)."""
    return int(tensor.shape[-2]), int(tensor.shape[-1])
