"""The maps of one batch: one forward pass, one backward pass a class, and every method on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from prismseg.base import ConfigError, DataError, ModelError
from prismseg.explain.maps.gradient import gradient_maps
from prismseg.explain.maps.method import (
    ActivationMethod,
    ForwardMethod,
    ForwardPasses,
    GradientMethod,
    ImageContext,
    ImageMaps,
    ImageMethod,
    LayerContext,
)
from prismseg.explain.network import ExplainedNetwork
from prismseg.explain.registries import METHODS
from prismseg.explain.settings import AtlasSettings
from prismseg.explain.target.logits import check_finite, class_count, class_logits
from prismseg.explain.target.regions import check_masks, class_scores, find_regions
from prismseg.explain.tensors import HALF, as_images, as_labels, check_labels, resize_maps, to_full_precision
from prismseg.explain.trace.memory import images_that_fit
from prismseg.explain.trace.trace import Trace
from prismseg.nets import class_probabilities

# Takes the maps {method: (B, h, w)} of one layer and number of class, as soon as they are made.
TakeMaps = Callable[[str, int, dict[str, Tensor]], None]


class BatchMaps:
    """Makes the maps of one batch and hands them out layer by layer.

    Parameters
    ----------
    network : ExplainedNetwork
    settings : AtlasSettings
    images : (B, C, H, W) Tensor
        As the network takes them.
    masks : (B, H, W) Tensor, optional
        True classes, 255 for pixels that are ignored.
    ids : sequence of str
        Name of each case, for messages.
    first_case : int
        Number of the first case, counted over all batches: random maps depend on it.
    regions : (B, K, H, W) Tensor, optional
        Pixels over which each class is scored, in place of those that the settings name.

    Attributes
    ----------
    images, masks : Tensor
        As the layers see them, padded where the network pads.
    size : (H, W)
        Of these.
    classes : tuple of int
        Those that are explained; known after `make` or `settle`.
    scored : (B, K', H, W) Tensor
        Pixels over which each of these is scored, 0 or 1, at the size of `images`.
    residuals : dict
        By method that tells them, after `make`: what its relevance lacks, (B, K') (`ImageMaps.residual`).

    Raises
    ------
    DataError
        For masks or regions that do not fit, or where masks are needed and missing.
    """

    def __init__(
        self,
        network: ExplainedNetwork,
        settings: AtlasSettings,
        images: Tensor,
        masks: Tensor | None,
        *,
        ids: Sequence[str],
        first_case: int = 0,
        regions: Tensor | None = None,
    ) -> None:
        images = as_images(images, network.model)
        if regions is None:
            check_masks(settings.region, masks)
        self.network, self.settings, self.ids = network, settings, tuple(ids)
        labels = None if masks is None else as_labels(torch.as_tensor(masks), images)
        self.images, self.masks, self._window = network.pad(images, labels)
        self.size = (self.images.shape[-2], self.images.shape[-1])
        self.classes: tuple[int, ...] = ()
        self.scored = images.new_zeros(0)
        self.residuals: dict[str, Tensor] = {}
        self._cases = range(first_case, first_case + len(images))
        self._given_regions = regions
        self._methods = {name: METHODS[name] for name in settings.methods}
        device = images.device.type
        # The network runs under the caller's autocast; what is made of its activations is never in half precision.
        self._callers_autocast = partial(
            torch.autocast, device, torch.get_autocast_dtype(device), torch.is_autocast_enabled(device)
        )

    def make(self, take: TakeMaps) -> None:
        """Make all maps and hand each to `take` as soon as it is made.

        Raises
        ------
        DataError
            For logits that are NaN or infinite.
        ModelError
            For maps that are, and networks that cannot be explained.
        """
        with (
            self.network.trace(self.images) as (trace, logits),
            torch.autocast(self.images.device.type, enabled=False),
        ):
            check_finite(logits, self.ids)
            self._settle_classes(logits)
            activations = {key: trace.map_of(key, tensor.detach()) for key, tensor in trace.activations.items()}
            half = trace.is_half
            take = self._checked(take, half=half)
            self._make_gradient_maps(trace, logits, take)
            del logits
            trace.forget()  # frees the graph; the activations stay
            with torch.no_grad():
                self._make_activation_maps(activations, take)
                self._make_forward_maps(activations, take)
            self._make_image_maps(take, half=half)

    def settle(self) -> None:
        """Find the classes and regions, without making maps."""
        with self.network.trace(self.images) as (_, logits):
            check_finite(logits, self.ids)
            self._settle_classes(logits)

    @property
    def regions(self) -> Tensor:
        """Pixels over which each class was scored, (B, K', H, W) of 0 and 1, at the size of the images as given."""
        return self._window.cut(self.scored)

    def at_image_size(self, maps: Tensor) -> Tensor:
        """Enlarge maps (B, h, w) to the size of the images as they were given."""
        return self._window.cut(resize_maps(maps, self.size))

    def confidence(self, images: Tensor) -> Tensor:
        """Average each class's probability over its region, for other images (N, C, H, W) of the same cases: (N, K').

        There may be several of each case, all cases one after the other: N is a multiple of B.
        """
        probabilities = class_probabilities(self._logits(images))
        regions = self._repeated_regions(images)
        return torch.stack(
            [class_scores(probabilities[:, cls], regions[:, index]) for index, cls in enumerate(self.classes)],
            dim=1,
        )

    def _repeated_regions(self, images: Tensor) -> Tensor:
        return self.scored.repeat(len(images) // len(self.scored), 1, 1, 1)

    def _settle_classes(self, logits: Tensor) -> None:
        settings, count = self.settings, class_count(logits)
        self.classes = settings.classes if settings.classes is not None else tuple(range(count))
        if not all(0 <= cls < count for cls in self.classes):
            raise ConfigError(f"The network has classes 0 to {count - 1}, not {list(self.classes)}.")
        if settings.class_names is not None and len(settings.class_names) != count:
            raise ConfigError(f"{len(settings.class_names)} class names were given for {count} classes.")
        if self.masks is not None:
            check_labels(self.masks, count)
        expected = (logits.shape[0], len(self.classes), self._window.height, self._window.width)
        if self._given_regions is None:
            masks = None if self.masks is None else self._window.cut(self.masks)
            regions = find_regions(settings.region, self._window.cut(logits), masks, self.classes)
        else:
            regions = self._given_regions
        if tuple(regions.shape) != expected:
            raise DataError(f"The regions have shape {tuple(regions.shape)}, not (B, K, H, W) = {expected}.")
        # What images are padded with belongs to no region.
        self.scored = logits.new_zeros(*expected[:2], *self.size)
        self._window.cut(self.scored).copy_(regions)

    def _make_gradient_maps(self, trace: Trace, logits: Tensor, take: TakeMaps) -> None:
        methods = {name: method for name, method in self._methods.items() if isinstance(method, GradientMethod)}
        if not methods:
            return
        for index, cls in enumerate(self.classes):

            def consume(layer: str, activation: Tensor, gradient: Tensor, index: int = index) -> None:
                take(layer, index, gradient_maps(activation, gradient, methods))

            region = self.scored[:, index]
            scores = class_scores(class_logits(logits, cls), region)
            # The gradient of a mean over many pixels is below what half precision holds, that of their sum above.
            factors = region.sum((1, 2)).clamp_min(1).sqrt() if trace.is_half else None
            score = scores.sum() if factors is None else (scores * factors).sum()
            trace.backward(score, consume, last=index == len(self.classes) - 1, factors=factors)

    def _make_activation_maps(self, activations: dict[str, Tensor], take: TakeMaps) -> None:
        methods = {name: method for name, method in self._methods.items() if isinstance(method, ActivationMethod)}
        if not methods:
            return
        for layer, values in activations.items():
            activation = to_full_precision(values)
            context = LayerContext(layer, self._cases, self.settings.seed)
            maps = {}
            for name, method in methods.items():
                if method.reads_network:
                    self._check_finite(layer, name, activation, half=values.dtype in HALF)
                maps[name] = method.maps(activation, context)
            for index in range(len(self.classes)):
                take(layer, index, maps)

    def _make_forward_maps(self, activations: dict[str, Tensor], take: TakeMaps) -> None:
        methods = {name: method for name, method in self._methods.items() if isinstance(method, ForwardMethod)}
        if not methods:
            return
        passes = ForwardPasses(
            to_full_precision(self.images), self._case_scores, self.chunk, self.settings.score_cam
        )
        for name, method in methods.items():
            for layer, activation in activations.items():
                maps = method.maps(to_full_precision(activation), passes)
                for index in range(len(self.classes)):
                    take(layer, index, {name: maps[:, index]})

    def _make_image_maps(self, take: TakeMaps, *, half: bool) -> None:
        methods = {name: method for name, method in self._methods.items() if isinstance(method, ImageMethod)}
        if not methods:
            return
        context = ImageContext(
            to_full_precision(self.images).detach(),
            self.scored,
            self.scores,
            self._case_scores,
            self.chunk,
            self.settings.score_cam.baseline,
            self._cases,
            self.settings.seed,
            # As for the gradients of layers.
            to_full_precision(self.scored).sum((2, 3)).clamp_min(1).sqrt() if half else None,
            self.network.model,
        )
        for name, method in methods.items():
            made = method.maps(context)
            if isinstance(made, ImageMaps):
                self.residuals[name] = made.residual.detach()
            maps = (made.maps if isinstance(made, ImageMaps) else made).detach()
            for index in range(len(self.classes)):
                for layer in self.network.layers:
                    take(layer, index, {name: maps[:, index]})

    @property
    def chunk(self) -> int:
        """How many images may go through the network at once."""
        return images_that_fit(self.settings.memory, self.network.model, self.images[:1])

    def scores(self, images: Tensor) -> Tensor:
        """Score other images (N, C, H, W) of the cases, as `confidence` takes them: (N, K'); with gradients."""
        logits, regions = self._logits(images), self._repeated_regions(images)
        return torch.stack(
            [class_scores(class_logits(logits, cls), regions[:, n]) for n, cls in enumerate(self.classes)],
            dim=1,
        )

    @torch.no_grad()
    def _case_scores(self, images: Tensor, case: int) -> Tensor:
        """Score images (N, C, H, W) over the regions of one case: (N, K')."""
        logits = self._logits(images)
        return torch.stack(
            [
                class_scores(class_logits(logits, cls), self.scored[case, index][None])
                for index, cls in enumerate(self.classes)
            ],
            dim=1,
        )

    def _logits(self, images: Tensor) -> Tensor:
        with self._callers_autocast():
            output = self.network.model(images.to(self.images.dtype))
        return self.network.find_logits(output, images)

    def _checked(self, take: TakeMaps, *, half: bool) -> TakeMaps:
        """Refuse maps that are not finite before they are handed to `take`; those of volumes at the volume's size."""

        def check_and_take(layer: str, index: int, maps: dict[str, Tensor]) -> None:
            for method, values in maps.items():
                self._check_finite(layer, method, values, half=half)
            take(
                layer, index, {name: self.network.enlarge_volumes(each, self.size) for name, each in maps.items()}
            )

        return check_and_take

    def _check_finite(self, layer: str, method: str, values: Tensor, *, half: bool) -> None:
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
                f"The {method} map of the layer {layer!r} is NaN or infinite for {', '.join(names[:5])}: its "
                f"activations or gradients are, or {remedy}"
            )
