"""One batch on its way through a network: one forward pass, one backward pass a class, every map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.base import ConfigError, DataError, ModelError
from prismseg.data.sample import IGNORE
from prismseg.explain.collected import Axes, Collected
from prismseg.explain.maps.gradient import GRADIENT_METHODS, gradient_maps
from prismseg.explain.maps.score import score_cam
from prismseg.explain.measures.baselines import eigen_cam, random_map
from prismseg.explain.measures.masks import SUMS, ClassMasks, as_labels, check_labels, resized
from prismseg.explain.measures.perturbation import PERTURBATION, perturbation
from prismseg.explain.target import (
    HALF,
    as_images,
    check_finite,
    class_count,
    class_logits,
    class_scores,
    find_logits,
    full,
    regions_of,
)
from prismseg.explain.trace.footprint import images_within
from prismseg.explain.trace.trace import Trace
from prismseg.inference.predictor import class_probabilities
from prismseg.nets import SegmentationModel

if TYPE_CHECKING:
    from prismseg.explain.atlas import Atlas

MapKey = tuple[str, str, int]

# Takes the maps {method: (B, h, w)} of one layer and number of class, as they come to be.
Emit = Callable[[str, int, dict[str, Tensor]], None]


class Batch:
    """Images on their way through the network of an atlas."""

    def __init__(
        self,
        atlas: Atlas,
        images: Tensor,
        masks: Tensor | None,
        ids: Sequence[str],
        *,
        first_case: int,
        regions: Tensor | None = None,
    ) -> None:
        images = as_images(images, atlas.model)
        if masks is None and regions is None and atlas.region == "truth":
            raise DataError("The region is the true mask, so masks are needed; give them, or region='prediction'.")
        self.atlas, self.ids, self.first_case = atlas, ids, first_case
        labels = None if masks is None else as_labels(torch.as_tensor(masks), images)
        self.images, self.masks, self._inner = padded(atlas.model, images, labels)
        self.size = (self.images.shape[-2], self.images.shape[-1])
        self.classes: tuple[int, ...] = ()
        self._given = regions
        self._regions = images.new_zeros(0)
        kind = images.device.type
        # What the caller runs the network in; what is made of its activations is never in half precision.
        self._as_called = partial(
            torch.autocast, kind, torch.get_autocast_dtype(kind), torch.is_autocast_enabled(kind)
        )

    def explain(self, emit: Emit) -> None:
        """Make all maps and hand them out as they come to be."""
        atlas = self.atlas

        def checked(layer: str, index: int, maps: dict[str, Tensor]) -> None:
            for method, values in maps.items():
                self._require_finite(layer, method, values, trace.is_half)
            emit(layer, index, maps)

        with atlas.logits(self.images) as (trace, logits), torch.autocast(self.images.device.type, enabled=False):
            check_finite(logits, self.ids)
            self._settle_classes(logits)
            activations = {key: trace.map_of(key, tensor.detach()) for key, tensor in trace.activations.items()}
            self._gradient_maps(trace, logits, checked)
            del logits
            trace.forget()
            with torch.no_grad():
                self._class_free_maps(activations, checked)
                if "scorecam" in atlas.methods:
                    self._score_maps(activations, checked)

    def _require_finite(self, layer: str, what: str, values: Tensor, half: bool) -> None:
        bad = ~torch.isfinite(values).flatten(1).all(1)
        if bad.any():
            names = [self.ids[case] for case in bad.nonzero().flatten().tolist()]
            remedy = (
                "they overflow half precision. Run the network in float32 (model.float(), or outside of autocast)."
                if half
                else "they overflow single precision. Look for weights that have grown without bounds, or take another "
                "method."
            )
            raise ModelError(
                f"The {what} map of the layer {layer!r} is NaN or infinite for {', '.join(names[:5])}: its activations "
                f"or gradients are, or {remedy}"
            )

    def settle(self) -> None:
        """Find the classes and the regions, without maps."""
        with self.atlas.logits(self.images) as (_, logits):
            check_finite(logits, self.ids)
            self._settle_classes(logits)

    @property
    def regions(self) -> Tensor:
        """Pixels over which each class was scored, (B, K, H, W) of 0 and 1, at the size of the images as given."""
        top, left, height, width = self._inner
        return self._regions[..., top : top + height, left : left + width]

    def at_image_size(self, maps: Tensor) -> Tensor:
        """Enlarge maps (B, h, w) to the size of the images as they were given."""
        top, left, height, width = self._inner
        return resized(maps, self.size)[:, top : top + height, left : left + width]

    def _settle_classes(self, logits: Tensor) -> None:
        atlas, count = self.atlas, class_count(logits)
        self.classes = atlas.chosen if atlas.chosen is not None else tuple(range(count))
        if not all(0 <= cls < count for cls in self.classes):
            raise ConfigError(f"The network has classes 0 to {count - 1}, not {list(self.classes)}.")
        if atlas.names is not None and len(atlas.names) != count:
            raise ConfigError(f"{len(atlas.names)} class names were given for {count} classes.")
        if self.masks is not None:
            check_labels(self.masks, count)
        if self._given is None:
            self._regions = regions_of(atlas.region, logits, self.masks, self.classes)
            return
        top, left, height, width = self._inner
        wanted = (logits.shape[0], len(self.classes), height, width)
        if tuple(self._given.shape) != wanted:
            raise DataError(f"The regions have shape {tuple(self._given.shape)}, not (B, K, H, W) = {wanted}.")
        # What images are continued by belongs to no region.
        self._regions = logits.new_zeros(*wanted[:2], *self.size)
        self._regions[..., top : top + height, left : left + width] = self._given.to(self._regions)

    def _gradient_maps(self, trace: Trace, logits: Tensor, emit: Emit) -> None:
        methods = [name for name in self.atlas.methods if name in GRADIENT_METHODS]
        if not methods:
            return
        for index, cls in enumerate(self.classes):

            def consume(layer: str, activation: Tensor, gradient: Tensor, index: int = index) -> None:
                emit(layer, index, gradient_maps(activation, gradient, methods))

            scores = class_scores(class_logits(logits, cls), self._regions[:, index])
            # The gradient of a mean over many pixels is below what half precision holds, that of their sum above.
            magnified = self._regions[:, index].sum((1, 2)).clamp_min(1).sqrt() if trace.is_half else None
            score = scores.sum() if magnified is None else (scores * magnified).sum()
            trace.backward(score, consume, last=index == len(self.classes) - 1, magnified=magnified)

    def _class_free_maps(self, activations: dict[str, Tensor], emit: Emit) -> None:
        for layer, values in activations.items():
            activation = full(values)
            maps = {}
            if "eigencam" in self.atlas.methods:
                self._require_finite(layer, "eigencam", activation, values.dtype in HALF)
                maps["eigencam"] = eigen_cam(activation)
            if "random" in self.atlas.methods:
                maps["random"] = self._random(layer, activation)
            for index in range(len(self.classes) if maps else 0):
                emit(layer, index, maps)

    def _random(self, layer: str, activation: Tensor) -> Tensor:
        shape, seed = activation.shape[2:], self.atlas.seed
        cases = range(self.first_case, self.first_case + activation.shape[0])
        planes = [random_map(shape, layer=layer, case=case, seed=seed) for case in cases]
        return torch.stack(planes).to(activation)

    def _score_maps(self, activations: dict[str, Tensor], emit: Emit) -> None:
        chunk = images_within(self.atlas.memory, self.atlas.model, self.images[:1])

        def score(images: Tensor, case: int) -> Tensor:
            logits = self._logits(images)
            return torch.stack(
                [
                    class_scores(class_logits(logits, cls), self._regions[case, index][None])
                    for index, cls in enumerate(self.classes)
                ],
                dim=1,
            )

        for layer, activation in activations.items():
            maps = score_cam(full(activation), full(self.images), score, chunk=chunk, **self.atlas.score_options)
            for index in range(len(self.classes)):
                emit(layer, index, {"scorecam": maps[:, index]})

    def _logits(self, images: Tensor) -> Tensor:
        with self._as_called():
            output = self.atlas.model(images.to(self.images.dtype))
        return find_logits(output, self.atlas.output, self.size)

    def measure(self, groups: Sequence[str]) -> Collected:
        """Make all maps and keep their sums."""
        atlas, count = self.atlas, self.images.shape[0]
        sums: dict[MapKey, np.ndarray[Any, Any]] = {}
        perturbed: dict[MapKey, np.ndarray[Any, Any]] = {}
        compared: list[ClassMasks] = []
        before: list[Tensor] = []

        def emit(layer: str, index: int, maps: dict[str, Tensor]) -> None:
            if not compared:
                assert self.masks is not None, "update takes masks"
                compared.append(ClassMasks.of(self.masks, self.classes, width=atlas.border, regions=self._regions))
            found = compared[0].sums(torch.stack(list(maps.values())), index)
            for method, values in zip(maps, found, strict=True):
                sums[method, layer, index] = values
            if atlas.perturb:
                perturb(layer, index, maps)

        def perturb(layer: str, index: int, maps: dict[str, Tensor]) -> None:
            with torch.no_grad():
                if not before:
                    before.append(self._confidence(self.images))
                for method, values in maps.items():
                    enlarged, scored = resized(values, self.size), compared[0].region[:, index] > 0
                    perturbed[method, layer, index] = perturbation(
                        full(self.images), enlarged, index, before[0], scored, self._confidence
                    )

        self.explain(emit)
        names = tuple(atlas.class_label(cls) for cls in self.classes)
        axes = Axes(atlas.methods, atlas.layers, names)
        masks = compared[0]
        return Collected(
            axes=axes,
            ids=tuple(self.ids),
            groups=tuple(groups),
            sums=_stacked(sums, axes, count, len(SUMS)),
            perturbed=_stacked(perturbed, axes, count, len(PERTURBATION) if atlas.perturb else 0),
            area=masks.area,
            band=masks.band,
            region=masks.region,
            hit=masks.hit,
            pixels=masks.pixels,
        )

    def _confidence(self, images: Tensor) -> Tensor:
        probabilities = class_probabilities(self._logits(images))
        return torch.stack(
            [
                class_scores(probabilities[:, cls], self._regions[:, index])
                for index, cls in enumerate(self.classes)
            ],
            dim=1,
        )


def padded(
    model: nn.Module, images: Tensor, masks: Tensor | None
) -> tuple[Tensor, Tensor | None, tuple[int, int, int, int]]:
    """Continue images to the size that a network of ours would make of them, with pixels that count nowhere.

    Its layers see the continued image; maps are only in their right place on that.
    """
    height, width = images.shape[-2:]
    left, right, top, below = model.padding(height, width) if isinstance(model, SegmentationModel) else (0,) * 4
    inner = (top, left, height, width)
    if not left + right + top + below:
        return images, masks, inner
    border = (left, right, top, below)
    labels = masks if masks is not None else torch.zeros_like(images[:, 0], dtype=torch.long)
    return F.pad(images, border, mode="replicate"), F.pad(labels, border, value=IGNORE), inner


def _stacked(values: dict[MapKey, Any], axes: Axes, count: int, width: int) -> Any:
    """Values (B, Q) of each map as one array (B, M, L, K, Q)."""
    result = np.zeros((count, *axes.shape, width))
    for (method, layer, index), entry in values.items():
        result[:, axes.methods.index(method), axes.layers.index(layer), index] = entry
    return result
