"""A network whose layers are looked at: its logits, with the activations of the chosen layers beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.base import ConfigError, ModelError
from prismseg.data.sample import IGNORE
from prismseg.explain.inputs.packing import depth_of
from prismseg.explain.inputs.volumes import PLANAR_METHODS, PLANAR_REGIONS, VolumeGrids, check_volume
from prismseg.explain.registries import METHODS
from prismseg.explain.settings import AtlasSettings
from prismseg.explain.target.logits import find_logits
from prismseg.explain.trace.trace import Trace
from prismseg.explain.trace.tracer import Tracer
from prismseg.nets import SegmentationModel


class Window(NamedTuple):
    """Where an image lies in one that was padded."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, values: Tensor) -> Tensor:
        """Take the window out of values (..., H, W)."""
        return values[..., self.top : self.top + self.height, self.left : self.left + self.width]


class PaddedBatch(NamedTuple):
    """Images (B, C, H, W) and masks (B, H, W) as the layers of a network see them, and where they lie in these."""

    images: Tensor
    masks: Tensor | None
    window: Window


class ExplainedNetwork:
    """A network with the layers that are explained.

    Parameters
    ----------
    model : Module
        Any network from images (B, C, H, W) to logits (B, K, H, W). It is left as it was found.
    settings : AtlasSettings
        Its layers, output, adapter and methods.

    Attributes
    ----------
    depth : int
        Slices of the volumes that the network takes (`prismseg.explain.inputs`), 1 for images.

    Raises
    ------
    ConfigError
        For a method, region or adapter that is of planes, where the network takes volumes.
    ModelError
        For a method that says nothing of such a network.
    """

    def __init__(self, model: nn.Module, settings: AtlasSettings) -> None:
        for method in settings.methods:
            if (check := METHODS[method].check) is not None:
                check(model)
        self.depth = depth_of(model)
        self._grids = VolumeGrids(self.depth) if self.depth > 1 else None
        if self._grids is not None:
            check_volume("map method", settings.methods, PLANAR_METHODS)
            check_volume("region", [settings.region], PLANAR_REGIONS)
            if settings.adapter is not None:
                raise ConfigError("Adapters are of images, not of volumes; leave it out.")
        self._tracer = Tracer(model, settings.layers, adapter=self._grids or settings.adapter)
        self._output = settings.output
        self._layers: tuple[str, ...] | None = None

    @property
    def model(self) -> nn.Module:
        """The network, without its wrappers."""
        return self._tracer.model

    @property
    def layers(self) -> tuple[str, ...]:
        """Keys of the layers, in the order asked; known after the first batch."""
        if self._layers is None:
            raise ConfigError("Which layers run is known after the first batch; call maps or update first.")
        return self._layers

    @property
    def left_out(self) -> dict[str, str]:
        """Layers met by a pattern that are not shown, with the reason."""
        return dict(self._tracer.left_out)

    def shape_of(self, grid: tuple[int, ...], size: tuple[int, ...]) -> tuple[int, ...]:
        """Shape (h, w), or (d, h, w) of volumes, of maps laid out as `grid`, of images of `size`."""
        return grid if self._grids is None else self._grids.shape_of((grid[0], grid[1]), (size[0], size[1]))

    def enlarge_volumes(self, maps: Tensor, size: tuple[int, int]) -> Tensor:
        """Bring maps (B, d h, w) of volumes to their size (D H, W); those of images stay as they are."""
        return maps if self._grids is None else self._grids.enlarge(maps, size)

    @contextmanager
    def trace(self, images: Tensor) -> Iterator[tuple[Trace, Tensor]]:
        """Run the network on images (B, C, H, W); yield the trace, ready for backward passes, and the logits.

        Raises
        ------
        ModelError
            When the network runs other layers than for the first batch.
        """
        with self._tracer.run(images) as trace:
            logits = self.find_logits(trace.output, images)
            self._fix_layers(self._tracer.on_path(trace, logits))
            yield trace, logits

    def find_logits(self, output: object, images: Tensor) -> Tensor:
        """Find the logits (B, K, H, W) in what the network put out for images (B, C, H, W)."""
        return find_logits(output, self._output, (images.shape[-2], images.shape[-1]))

    def pad(self, images: Tensor, masks: Tensor | None = None) -> PaddedBatch:
        """Pad images to the size that a network of ours would make of them, and masks with pixels that are ignored.

        The network's layers see the padded image, and maps are only in their right place on that.

        Parameters
        ----------
        images : (B, C, H, W) Tensor
        masks : (B, H, W) Tensor, optional
        """
        height, width = images.shape[-2:]
        model = self.model
        left, right, above, below = (
            model.padding(height, width) if isinstance(model, SegmentationModel) else (0,) * 4
        )
        window = Window(above, left, height, width)
        if not left + right + above + below:
            return PaddedBatch(images, masks, window)
        border = (left, right, above, below)
        labels = masks if masks is not None else torch.zeros_like(images[:, 0], dtype=torch.long)
        return PaddedBatch(F.pad(images, border, mode="replicate"), F.pad(labels, border, value=IGNORE), window)

    def _fix_layers(self, keys: Sequence[str]) -> None:
        """Remember the layers of the first batch and refuse a later one that differs."""
        if self._layers is None:
            self._layers = tuple(keys)
        elif self._layers != tuple(keys):
            raise ModelError(
                "The network ran other layers for this batch than for the first; an atlas needs the same ones."
            )
