"""Maps and measures of every layer and class: one forward pass, and one backward pass a class."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.base import ConfigError, DataError, ModelError
from prismseg.data.sample import IGNORE
from prismseg.explain.baselines import eigen_cam, random_map
from prismseg.explain.collected import Axes, Collected
from prismseg.explain.footprint import images_within
from prismseg.explain.gradient import GRADIENT_METHODS, gradient_maps
from prismseg.explain.layers import Adapter, LayerChoice
from prismseg.explain.masks import SUMS, ClassMasks, as_labels, check_labels
from prismseg.explain.perturbation import PERTURBATION, perturbation
from prismseg.explain.score import score_cam
from prismseg.explain.summary import case_table, summarize_layers
from prismseg.explain.target import (
    REGIONS,
    OutputChoice,
    check_finite,
    class_count,
    class_logits,
    class_scores,
    find_logits,
    regions_of,
)
from prismseg.explain.trace import Trace, Tracer
from prismseg.nets import SegmentationModel
from prismseg.train.predictor import class_probabilities

METHODS = (*GRADIENT_METHODS, "scorecam", "eigencam", "random")
MapKey = tuple[str, str, int]

# Takes the maps {method: (B, h, w)} of one layer and number of class, as they come to be.
_Emit = Callable[[str, int, dict[str, Tensor]], None]


class Atlas:
    """Activation maps of all layers and classes of a segmentation network, and where their relevance lies.

    Parameters
    ----------
    model : Module
        Any network from images (B, C, H, W) to logits (B, K, H, W); one logit channel stands for foreground
        against background. It is left as it was found.
    layers : str, sequence of str or callable
        ``"all"`` convolutions, names, patterns such as ``"decoder.*"``, or a predicate of name and module.
    methods : sequence of str
        Of ``gradcam gradcam++ layercam hirescam xgradcam scorecam eigencam random``.
    region : {"truth", "prediction", "image"}
        Pixels over which a class's logit is averaged to the score that is explained. With ``"truth"`` the masks
        are both region and reference: late pointwise layers then score well by construction.
    classes : sequence of int, optional
        Class indices; by default all, background included.
    class_names : sequence of str, optional
        Names of all classes of the network, for tables.
    output : str, int or callable, optional
        Where the logits are in what the network returns, see `find_logits`.
    adapter : callable, optional
        Turns tokens into maps, see `tokens_to_map`.
    border : int
        Half width of the band around contours, pixels.
    perturb : bool
        Also measure drop, increase and gain: one forward pass more for each map.
    memory : float
        MiB that the forward passes of Score-CAM may take.
    temperature, linear
        Weights of Score-CAM, see `score_cam`.
    seed : int
        Of the random maps.

    Raises
    ------
    ConfigError
        For a method, region, layer or class that does not exist.

    Examples
    --------
    >>> atlas = Atlas(model, layers=["encoder.0", "decoder.*"], methods=["layercam"])  # doctest: +SKIP
    >>> atlas.update(images, masks, groups=patients)  # doctest: +SKIP
    >>> atlas.summary()  # doctest: +SKIP
    """

    def __init__(
        self,
        model: nn.Module,
        layers: LayerChoice = "all",
        methods: Sequence[str] = ("gradcam", "layercam"),
        region: str = "truth",
        *,
        classes: Sequence[int] | None = None,
        class_names: Sequence[str] | None = None,
        output: OutputChoice = None,
        adapter: Adapter | None = None,
        border: int = 3,
        perturb: bool = False,
        memory: float = 1024,
        temperature: float = 1.0,
        linear: bool = False,
        seed: int = 0,
    ) -> None:
        self.methods = tuple([methods] if isinstance(methods, str) else dict.fromkeys(methods))
        unknown = [name for name in self.methods if name not in METHODS]
        if unknown or not self.methods:
            raise ConfigError(f"There is no method {', '.join(unknown)!r}; choose from {', '.join(METHODS)}.")
        if region not in REGIONS:
            raise ConfigError(f"The region must be one of {', '.join(REGIONS)}, not {region!r}.")
        if border < 1:
            raise ConfigError(f"The band around contours must reach at least 1 pixel, not {border}.")
        self.region = region
        self.border = border
        self.perturb = perturb
        self._choice, self._adapter = layers, adapter
        self._tracer = Tracer(model, layers, adapter=adapter)
        self._output = output
        self._classes = None if classes is None else tuple(classes)
        self.names = None if class_names is None else tuple(class_names)
        self._memory = memory
        self._score_options: dict[str, Any] = {"temperature": temperature, "linear": linear}
        self._seed = seed
        self._layers: tuple[str, ...] | None = None
        self._parts: list[Collected] = []
        self._seen = 0

    @property
    def model(self) -> nn.Module:
        """The network, without its wrappers."""
        return self._tracer.model

    def of(self, model: nn.Module) -> Atlas:
        """Make an empty atlas of another network with the same settings."""
        twin = copy.copy(self)
        twin._tracer = Tracer(model, self._choice, adapter=self._adapter)
        twin._layers = None
        twin.reset()
        return twin

    @property
    def layers(self) -> tuple[str, ...]:
        """Keys of the layers, in the order asked; known after the first batch."""
        if self._layers is None:
            raise ConfigError("Which layers run is known after the first batch; call maps or update first.")
        return self._layers

    @property
    def left_out(self) -> dict[str, str]:
        """Layers met by a pattern that cannot be shown, with the reason."""
        return dict(self._tracer.left_out)

    def maps(self, images: Tensor, masks: Tensor | None = None) -> dict[MapKey, Tensor]:
        """Compute the maps of a batch.

        Parameters
        ----------
        images : (B, C, H, W) Tensor
            As the network takes them.
        masks : (B, H, W) integer Tensor, optional
            True classes, 255 for pixels that count nowhere; needed where the region is the truth.

        Returns
        -------
        dict
            ``{(method, layer, class): (B, H, W) Tensor}``, not normalised and nowhere negative, in the order
            asked: methods, then layers, then classes. A class without a region has maps of zeros.

        Raises
        ------
        DataError
            For masks that do not fit, or logits that are NaN or infinite.
        ModelError
            When the network's output is no map of logits, or there are several.
        """
        found: dict[MapKey, Tensor] = {}
        run = _Run(self, images, masks, [str(number) for number in range(images.shape[0])], first_case=0)

        def emit(layer: str, index: int, maps: dict[str, Tensor]) -> None:
            for method, values in maps.items():
                found[method, layer, index] = run.at_image_size(values)

        run.explain(emit)
        return {
            (method, layer, cls): found[method, layer, index]
            for method in self.methods
            for layer in self.layers
            for index, cls in enumerate(run.classes)
        }

    def update(
        self,
        images: Tensor,
        masks: Tensor,
        *,
        groups: Iterable[object] | None = None,
        ids: Iterable[object] | None = None,
    ) -> None:
        """Measure a batch; only sums are kept, never maps.

        Parameters
        ----------
        images, masks
            As for `maps`; masks are needed whatever the region, since they are what maps are compared with.
        groups : iterable, optional
            Patient (or other unit) of each case; by default each case is its own.
        ids : iterable, optional
            Name of each case; by default its number.

        Raises
        ------
        DataError, ModelError
            As `maps`; what was collected before stays.
        """
        count = images.shape[0]
        names = [str(name) for name in ids] if ids is not None else [str(self._seen + n) for n in range(count)]
        units = [str(group) for group in groups] if groups is not None else names
        if not len(names) == len(units) == count:
            raise DataError(f"There are {count} images, {len(names)} ids and {len(units)} groups.")
        run = _Run(self, images, masks, names, first_case=self._seen)
        self._parts.append(run.measure(units))
        self._seen += count

    def collected(self) -> Collected:
        """Return the sums of all cases so far."""
        joined = Collected.join(self._parts)
        self._parts = [joined]
        return joined

    def add(self, part: Collected) -> None:
        """Take up sums that were stored earlier, as if their cases had just been seen."""
        self._parts.append(part)
        self._seen += len(part.ids)

    def cases(self) -> pd.DataFrame:
        """Measures of every case: columns case, group, method, layer, class, area, empty, absent and the measures.

        ``varrho_prime`` is not normalised, ``cam_dice`` is that of maps spread over [0, 1] each.
        """
        return case_table(self.collected())

    def summary(self, *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
        """Means over cases with 95 % intervals over groups.

        Returns
        -------
        DataFrame
            Columns method, layer, class, measure, normalization, mean, ci_low, ci_high, n, n_groups, n_empty,
            n_absent; the layer ``(mean)`` is the mean over layers of each case's values. Cases from which the class
            is absent (n_absent) are left out; maps that are zero everywhere (n_empty) count with the value 0.
        """
        return summarize_layers(self.collected(), resamples=resamples, seed=seed)

    @contextmanager
    def logits(self, images: Tensor) -> Iterator[tuple[Trace, Tensor]]:
        """Run the network on `images` and yield the trace, ready for backward passes, and the logits."""
        with self._tracer.run(images) as trace:
            logits = find_logits(trace.output, self._output, (images.shape[-2], images.shape[-1]))
            self.fix_layers(self._tracer.on_path(trace, logits))
            yield trace, logits

    def reset(self) -> None:
        """Forget the cases seen so far."""
        self._parts, self._seen = [], 0

    def class_label(self, cls: int) -> str:
        """Name of class `cls`, or its number."""
        return self.names[cls] if self.names is not None else str(cls)

    def fix_layers(self, keys: Sequence[str]) -> None:
        """Remember the layers of the first batch and refuse a later one that differs."""
        if self._layers is None:
            self._layers = tuple(keys)
        elif self._layers != tuple(keys):
            raise ModelError(
                "The network ran other layers for this batch than for the first; an atlas needs the same ones."
            )


class _Run:
    """One batch on its way through the network."""

    def __init__(
        self, atlas: Atlas, images: Tensor, masks: Tensor | None, ids: Sequence[str], *, first_case: int
    ) -> None:
        if images.ndim != 4 or 0 in images.shape:
            raise DataError(f"Images have shape (B, C, H, W), not {tuple(images.shape)}.")
        if masks is None and atlas.region == "truth":
            raise DataError("The region is the true mask, so masks are needed; give them, or region='prediction'.")
        self.atlas, self.ids, self.first_case = atlas, ids, first_case
        labels = None if masks is None else as_labels(masks, images)
        self.images, self.masks, self._inner = _padded(atlas.model, images, labels)
        self.size = (self.images.shape[-2], self.images.shape[-1])
        self.classes: tuple[int, ...] = ()
        self._regions = images.new_zeros(0)

    def explain(self, emit: _Emit) -> None:
        atlas = self.atlas
        with atlas.logits(self.images) as (trace, logits):
            check_finite(logits, self.ids)
            self._settle_classes(logits)
            activations = {key: trace.map_of(key, tensor.detach()) for key, tensor in trace.activations.items()}
            self._gradient_maps(trace, logits, emit)
            del logits
            trace.forget()
            with torch.no_grad():
                self._class_free_maps(activations, emit)
                if "scorecam" in atlas.methods:
                    self._score_maps(activations, emit)

    def at_image_size(self, maps: Tensor) -> Tensor:
        """Enlarge maps (B, h, w) to the size of the images as they were given."""
        top, left, height, width = self._inner
        return resized(maps, self.size)[:, top : top + height, left : left + width]

    def _settle_classes(self, logits: Tensor) -> None:
        atlas, count = self.atlas, class_count(logits)
        self.classes = atlas._classes if atlas._classes is not None else tuple(range(count))
        if not all(0 <= cls < count for cls in self.classes):
            raise ConfigError(f"The network has classes 0 to {count - 1}, not {list(self.classes)}.")
        if atlas.names is not None and len(atlas.names) != count:
            raise ConfigError(f"{len(atlas.names)} class names were given for {count} classes.")
        if self.masks is not None:
            check_labels(self.masks, count)
        self._regions = regions_of(atlas.region, logits, self.masks, self.classes)

    def _gradient_maps(self, trace: Trace, logits: Tensor, emit: _Emit) -> None:
        methods = [name for name in self.atlas.methods if name in GRADIENT_METHODS]
        if not methods:
            return
        for index, cls in enumerate(self.classes):

            def consume(layer: str, activation: Tensor, gradient: Tensor, index: int = index) -> None:
                emit(layer, index, gradient_maps(activation, gradient, methods))

            score = class_scores(class_logits(logits, cls), self._regions[:, index]).sum()
            trace.backward(score, consume, last=index == len(self.classes) - 1)

    def _class_free_maps(self, activations: dict[str, Tensor], emit: _Emit) -> None:
        for layer, activation in activations.items():
            maps = {}
            if "eigencam" in self.atlas.methods:
                maps["eigencam"] = eigen_cam(activation)
            if "random" in self.atlas.methods:
                maps["random"] = self._random(layer, activation)
            for index in range(len(self.classes) if maps else 0):
                emit(layer, index, maps)

    def _random(self, layer: str, activation: Tensor) -> Tensor:
        shape, seed = activation.shape[2:], self.atlas._seed
        cases = range(self.first_case, self.first_case + activation.shape[0])
        planes = [random_map(shape, layer=layer, case=case, seed=seed) for case in cases]
        return torch.stack(planes).to(activation)

    def _score_maps(self, activations: dict[str, Tensor], emit: _Emit) -> None:
        chunk = images_within(self.atlas._memory, self.atlas.model, self.images[:1])

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
            maps = score_cam(activation, self.images, score, chunk=chunk, **self.atlas._score_options)
            for index in range(len(self.classes)):
                emit(layer, index, {"scorecam": maps[:, index]})

    def _logits(self, images: Tensor) -> Tensor:
        return find_logits(self.atlas.model(images), self.atlas._output, self.size)

    def measure(self, groups: Sequence[str]) -> Collected:
        atlas, count = self.atlas, self.images.shape[0]
        sums: dict[MapKey, np.ndarray[Any, Any]] = {}
        perturbed: dict[MapKey, np.ndarray[Any, Any]] = {}
        compared: list[ClassMasks] = []
        before: list[Tensor] = []

        def emit(layer: str, index: int, maps: dict[str, Tensor]) -> None:
            if not compared:
                assert self.masks is not None, "update takes masks"
                compared.append(ClassMasks.of(self.masks, self.classes, width=atlas.border))
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
                    perturbed[method, layer, index] = perturbation(
                        self.images, resized(values, self.size), index, before[0], self._confidence
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


def _padded(
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


def resized(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Bring maps (B, h, w) to the image's size, bilinearly with pixel centres aligned."""
    if tuple(maps.shape[-2:]) == size:
        return maps
    return F.interpolate(maps[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]
