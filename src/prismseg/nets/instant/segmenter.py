"""A segmentation network that is fitted in one solve: frozen encoder, linear head, exact posterior and attribution."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.base import ConfigError, ModelError
from prismseg.features import RandomFourierFeatures
from prismseg.nets.blocks import enlarge
from prismseg.nets.encoders.encoder import make_encoder
from prismseg.nets.instant.context import ContextStage
from prismseg.nets.instant.features import POSITION, PixelFeatures, places
from prismseg.nets.instant.heads import (
    InstantHead,
    LinearHead,
    PosteriorVariance,
    register_head,
    replace_head,
)
from prismseg.nets.instant.options import InstantOptions
from prismseg.nets.instant.sampling import corners, sample
from prismseg.nets.instant.tiles import cut
from prismseg.nets.segmentation import SegmentationModel, read_options
from prismseg.nets.settings import NO_SKIP, NetworkSettings

FOURIER, CONSTANT = "fourier", "constant"  # parts of the head's input beside the encoder's
CONTEXT = "context"  # what the second fit adds


class InstantSegmenter(SegmentationModel):
    r"""Frozen encoder, feature maps of all scales on one grid, and a linear head that is fitted in closed form.

    The inputs z of the head are the features of a cell of the grid, each standardised and each part (scale) weighted by
    ``1 / sqrt(channels)``, random Fourier features of them if asked for, and a constant 1. Class k gets the output
    :math:`s_k = w_k^T z + o_k` with its offset, and the logit :math:`\tau s_k`, enlarged bilinearly to the image. With
    one logit (foreground against background) it is :math:`\tau (s_1 - s_0)`.

    Built by `create_model`, its head is 0 and all classes are equally probable; `prismseg.train.fit_instant` fits it.

    Attributes
    ----------
    options : InstantOptions
        What it sees of a pixel.
    parts : dict of str to slice
        Where the inputs of each part stand among all.

    Examples
    --------
    >>> from prismseg.nets import create_model
    >>> network = create_model("instant", in_channels=3, classes=4, seed=0).eval()
    >>> network(torch.rand(1, 3, 50, 60)).shape
    torch.Size([1, 4, 50, 60])
    >>> list(network.parts)[-5:]
    ['stride 32', 'stem', 'stride 16 early', 'stride 32 early', 'constant']
    """

    own_encoder = "efficientnet_lite0"
    closed_form: ClassVar[bool] = True
    takes_options: ClassVar = InstantOptions

    input_mean: Tensor
    input_deviation: Tensor
    mean: Tensor
    scale: Tensor
    weights: Tensor
    factor: Tensor
    noise: Tensor
    offsets: Tensor
    temperature: Tensor

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__(settings)
        if settings.skip != NO_SKIP:
            raise ConfigError(
                f"The architecture {settings.arch!r} has no skip connections, so there is no layer {settings.skip!r} on "
                "them; leave it out."
            )
        self.options = read_options(InstantOptions, settings)
        self.encoder = make_encoder(settings, self.own_encoder)
        cast(nn.Module, self.encoder).eval()
        self.features = PixelFeatures(self.encoder, settings.in_channels, self.options)
        self.stride = self.features.stride
        count = sum(self.features.widths.values())
        self.fourier = (
            # Of norm 1 together, as every other part is on average.
            RandomFourierFeatures(
                count,
                self.options.fourier,
                mapping="paired",
                orthogonal=True,
                normalization="none",
                amplitude="kernel",
            )
            if self.options.fourier
            else None
        )
        self.parts: dict[str, slice] = {}
        widths = self.features.widths | ({FOURIER: self.options.fourier} if self.fourier else {}) | {CONSTANT: 1}
        start = 0
        for part, width in widths.items():
            self.parts[part] = slice(start, start + width)
            start += width
        outputs = max(settings.classes, 2)
        self.register_buffer("input_mean", torch.zeros(settings.in_channels))
        self.register_buffer("input_deviation", torch.ones(settings.in_channels))
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("scale", torch.ones(count))
        register_head(self, start, outputs)
        self.context = (
            ContextStage(
                outputs, self.options.context, grid=self.options.context_grid, scale=self.options.context_scale
            )
            if self.options.context
            else None
        )

    def train(self, mode: bool = True) -> InstantSegmenter:
        """Leave the encoder in evaluation mode: the statistics of its batch normalisation stay as they are."""
        super().train(mode)
        cast(nn.Module, self.encoder).eval()
        return self

    def with_head(self, head: InstantHead) -> InstantSegmenter:
        """Make a network with another head, and with a second fit only if the head has one; all else is shared."""
        other = self.with_first_head(head)
        if head.context is not None:
            return other.with_context(head.context)
        if other.context is not None:
            other.context, other.options = None, self.options.model_copy(update={"context": 0})
            other.settings = replace(self.settings, options=(self.settings.options or {}) | {"context": 0})
        return other

    def with_first_head(self, head: LinearHead) -> InstantSegmenter:
        """Make a network with another first head, which shares everything else with this one, its second head too."""
        replace_head(other := self._copy(), head)
        return other

    def with_context(self, head: LinearHead) -> InstantSegmenter:
        """Make a network with another second head, which shares everything else with this one."""
        if self.context is None:
            raise ModelError("The head is one with a second fit, and this network was built without (context=0).")
        other = self._copy()
        other.context = copy.copy(self.context)
        replace_head(other.context, head)
        return other

    def _copy(self) -> InstantSegmenter:
        other = copy.copy(self)
        other._modules, other.metadata = dict(self._modules), dict(self.metadata)
        return other

    def segment(self, x: Tensor) -> Tensor:
        """Logits of images whose sides are multiples of `stride`."""
        if self.context is None:
            return self.enlarged(self._by_tile(x, lambda maps: sum_of(self._contributions(maps))))
        return self._compare(self.total(self.first_outputs(x), x) * self.context.temperature)

    def total(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Add to the `first_outputs` (B, K, H, W) of images what the second fit adds, and the offsets."""
        assert self.context is not None
        return outputs + self._added(outputs, x) + self.context.offsets[:, None, None]

    def first_outputs(self, x: Tensor) -> Tensor:
        """Compute the first fit's outputs (B, K, H, W), without offsets, for images with sides that `stride` divides."""
        readout = self.weights, torch.zeros_like(self.offsets)
        return self.enlarged(self._by_tile(x, lambda maps: sum_of(self._contributions(maps, readout))))

    def context_maps(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Describe images for the second fit by their `first_outputs`, see `ContextStage.describe`."""
        assert self.context is not None
        probabilities = ((outputs + self.offsets[:, None, None]) * self.temperature).softmax(1)
        return self.context.describe(probabilities, self._standard(x))

    def attribute(self, x: Tensor) -> dict[str, Tensor]:
        """Split the logits into what each part of the features adds to them.

        Parameters
        ----------
        x : (B, C, H, W) Tensor
            Images.

        Returns
        -------
        dict of str to (B, classes, H, W) Tensor
            By part, as in `parts`; "constant" holds the offsets too, and "context" is what a second fit adds. They sum to
            the logits.
        """
        names = list(self.parts)

        def stacked(maps: dict[str, Tensor]) -> Tensor:
            contributions = self._contributions(maps)
            return torch.cat([contributions[name] for name in names], dim=1)

        shares = self._on_image(x, lambda padded: self.enlarged(self._by_tile(padded, stacked)))
        found = dict(zip(names, shares.chunk(len(names), dim=1), strict=True))
        if self.context is not None:
            added = self._on_image(x, lambda padded: self._added(self.first_outputs(padded), padded))
            found[CONTEXT] = self._compare(added * self.context.temperature)
        return found

    def variance(self, x: Tensor) -> PosteriorVariance:
        """Variance of the outputs for images (B, C, H, W): exact on the grid, enlarged bilinearly.

        It is that of the linear model (Bishop 2006, equation 3.59), which takes cells to be independent: neighbours are
        not, so that the epistemic part is too small by a factor that is the same all over an image. With a second fit it
        is the sum of both, whose posteriors are taken to be independent, and the noise is what both leave over.
        """
        leverage = self._on_image(x, lambda padded: self.enlarged(self._by_tile(padded, self._leverage)))
        epistemic = leverage * self.noise[:, None, None]
        if self.context is None:
            return PosteriorVariance(epistemic, self.noise)
        context = self.context

        def second(padded: Tensor) -> Tensor:
            return enlarge(context.leverage(self.context_maps(self.first_outputs(padded), padded)), context.grid)

        return PosteriorVariance(
            epistemic + self._on_image(x, second) * context.noise[:, None, None], context.noise
        )

    def inputs(self, x: Tensor) -> Tensor:
        """Compute the inputs (B, E, h, w) of the head on the grid, for images (B, C, H, W) padded with `pad`."""
        return self._by_tile(x, lambda maps: self._complete(self._standardized(maps)))

    def parts_of(self, x: Tensor) -> dict[str, Tensor]:
        """Standardised maps of each part for images (B, C, H, W) padded with `pad`, no finer than the grid.

        All inputs of the head follow from them (`rows`, `outputs`), of which they are a small fraction.
        """

        def standardized(maps: dict[str, Tensor]) -> dict[str, Tensor]:
            parts = {}
            for part, values in maps.items():
                place = self.parts[part]
                mean, scale = self.mean[place, None, None], self.scale[place, None, None]
                parts[part] = (self.features.shrink(part, values) - mean) * scale
            return parts

        strides = {part: self.options.grid * self.features.factor(part) for part in self.features.widths}
        return self._parts_by_tile(x, standardized, strides)

    def rows(self, parts: dict[str, Tensor], cells: Tensor) -> Tensor:
        """Compute the inputs (N, E) of the head in some cells (N,) of the flattened grid, from the parts of one image."""
        part, values = next(iter(parts.items()))
        width = values.shape[-1] * self.features.factor(part)
        vertical, horizontal = cells // width, cells % width
        features = []
        for part in self.features.widths:
            values, factor = parts[part], self.features.factor(part)
            features.append(sample(values, corners(values.shape[-2:], factor, vertical, horizontal)))
        stacked = torch.cat(features, dim=1)
        return self._complete(stacked.T[None, :, :, None])[0, :, :, 0].T

    def outputs(self, parts: dict[str, Tensor], weights: Tensor) -> Tensor:
        """Compute the outputs (M, K, h, w) of heads with weights (M, E, K) on the grid, from the parts of one image."""
        heads, _, classes = weights.shape
        filters = weights.movedim(1, 2).flatten(0, 1)  # (M K, E)
        maps = {
            part: self.features.enlarge(
                part, torch.einsum("oc,chw->ohw", filters[:, self.parts[part]], values)[None]
            )
            for part, values in parts.items()
        }
        summed = sum_of(maps)[0] + filters[:, self.parts[CONSTANT]][..., None]
        if self.fourier is not None:
            stacked = torch.cat(
                [self.features.enlarge(part, parts[part][None]) for part in self.features.widths], dim=1
            )
            summed = summed + torch.einsum(
                "oc,chw->ohw", filters[:, self.parts[FOURIER]], self._fourier(stacked)[0]
            )
        return summed.reshape(heads, classes, *summed.shape[1:])

    def raw(self, x: Tensor) -> Tensor:
        """Compute the features (B, D, h, w) on the grid before they are standardised."""
        return self._by_tile(x, self.features.on_grid)

    def pad(self, x: Tensor) -> Tensor:
        """Continue images (B, C, H, W) to multiples of `stride`, as `forward` does."""
        return F.pad(x, self.padding(*x.shape[-2:]), mode="replicate")

    def _standardized(self, maps: dict[str, Tensor]) -> Tensor:
        features = self.features.on_grid(maps)
        return (features - self.mean[:, None, None]) * self.scale[:, None, None]

    def _complete(self, features: Tensor) -> Tensor:
        """Add Fourier features and the constant to standardised features (B, D, h, w)."""
        parts = [features]
        if self.fourier is not None:
            parts.append(self._fourier(features))
        return torch.cat([*parts, torch.ones_like(features[:, :1])], dim=1)

    def _fourier(self, features: Tensor) -> Tensor:
        assert self.fourier is not None
        rows = features.movedim(1, -1)
        mapped: Tensor = self.fourier(rows.flatten(0, -2))
        return mapped.reshape(*rows.shape[:-1], self.options.fourier).movedim(-1, 1)

    def _readout(self) -> tuple[Tensor, Tensor]:
        """Weights (E, classes) and constants (classes,) that turn inputs into the first fit's share in the logits."""
        last = self if self.context is None else self.context
        weights, offsets = self.weights * last.temperature, last.offsets * last.temperature
        if self.settings.classes == 1:
            return weights[:, 1:] - weights[:, :1], offsets[1:] - offsets[:1]
        return weights, offsets

    def _compare(self, outputs: Tensor) -> Tensor:
        """Logits (B, classes, H, W) of outputs (B, K, H, W)."""
        return outputs[:, 1:] - outputs[:, :1] if self.settings.classes == 1 else outputs

    def _added(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Compute what the second fit adds to the outputs (B, K, H, W) of the first."""
        assert self.context is not None
        return enlarge(self.context.outputs(self.context_maps(outputs, x)), self.context.grid)

    def _contributions(
        self, maps: dict[str, Tensor], readout: tuple[Tensor, Tensor] | None = None
    ) -> dict[str, Tensor]:
        """Share of each part in the logits (B, classes, h, w) on the grid, or in what else is read out."""
        weights, offsets = readout or self._readout()
        shares = {}
        for part in self.features.widths:
            # Scored on the map's own grid and then resampled, which is the same and cheaper, since both are linear.
            place = self.parts[part]
            filters = (weights[place] * self.scale[place, None]).T
            bias = -(filters @ self.mean[place])
            shares[part] = self.features.resample(part, F.conv2d(maps[part], filters[:, :, None, None], bias))
        if self.fourier is not None:
            shares[FOURIER] = F.conv2d(
                self._fourier(self._standardized(maps)), weights[self.parts[FOURIER]].T[:, :, None, None]
            )
        constant = (weights[self.parts[CONSTANT]][0] + offsets)[:, None, None]
        shares[CONSTANT] = constant + torch.zeros_like(shares[next(iter(shares))])
        return shares

    def _leverage(self, maps: dict[str, Tensor]) -> Tensor:
        """Z' A^-1 z (B, 1, h, w) on the grid."""
        inputs = self._complete(self._standardized(maps))
        return F.conv2d(inputs, self.factor.T[:, :, None, None]).square().sum(1, keepdim=True)

    def _on_image(self, x: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
        """Pad images, compute maps of their size, and crop them."""
        height, width = x.shape[-2:]
        left, _, top, _ = self.padding(height, width)
        return function(self.pad(x))[..., top : top + height, left : left + width]

    def enlarged(self, values: Tensor) -> Tensor:
        """Bring maps from the grid to the image."""
        return enlarge(values, self.options.grid)

    def _standard(self, x: Tensor) -> Tensor:
        return (x - self.input_mean[:, None, None]) / self.input_deviation[:, None, None]

    def _by_tile(self, x: Tensor, function: Callable[[dict[str, Tensor]], Tensor]) -> Tensor:
        """Compute a map on the grid from the features of padded images, a tile at a time where these are large."""
        return self._parts_by_tile(x, lambda maps: {"": function(maps)}, {"": self.options.grid})[""]

    def _parts_by_tile(
        self, x: Tensor, function: Callable[[dict[str, Tensor]], dict[str, Tensor]], strides: dict[str, int]
    ) -> dict[str, Tensor]:
        """Compute maps at several strides from the features of padded images, a tile at a time where these are large."""
        x = self._standard(x)
        if torch.compiler.is_exporting():
            return function(self.features.maps(x))
        height, width = x.shape[-2:]
        rows, columns = list(cut(height)), list(cut(width))
        if len(rows) == len(columns) == 1:
            return function(self.features.maps(x))
        grid = self.options.grid
        place = places(height // grid, width // grid, x) if POSITION in self.features.widths else None
        bands: dict[str, list[Tensor]] = {name: [] for name in strides}
        for row in rows:
            pieces: dict[str, list[Tensor]] = {name: [] for name in strides}
            for column in columns:
                read = slice(row.start // grid, row.stop // grid), slice(column.start // grid, column.stop // grid)
                maps = self.features.maps(
                    x[..., row.start : row.stop, column.start : column.stop],
                    None if place is None else place[:, read[0], read[1]],
                )
                for name, values in function(maps).items():
                    kept = (row.kept(strides[name]), column.kept(strides[name]))
                    pieces[name].append(values[..., kept[0], kept[1]])
            for name, found in pieces.items():
                bands[name].append(torch.cat(found, dim=-1))
        return {name: torch.cat(found, dim=-2) for name, found in bands.items()}


def sum_of(shares: dict[str, Tensor]) -> Tensor:
    """Sum maps of one shape."""
    first, *others = shares.values()
    for other in others:
        first = first + other
    return first
