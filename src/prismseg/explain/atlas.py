"""Maps and measures of every layer and class: one forward pass, and one backward pass a class."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pandas as pd
from torch import Tensor, nn

from prismseg.base import DataError
from prismseg.base.deprecation import renamed
from prismseg.explain.batch import BatchMaps
from prismseg.explain.batch_sums import sum_up
from prismseg.explain.maps.method import ScoreCamOptions
from prismseg.explain.measures.sums import MapSums
from prismseg.explain.network import ExplainedNetwork
from prismseg.explain.registries import DEFAULT_REGION
from prismseg.explain.report.summary import case_table, summarize_layers
from prismseg.explain.settings import AtlasSettings
from prismseg.explain.target.logits import OutputChoice
from prismseg.explain.trace.adapters import Adapter
from prismseg.explain.trace.layers import LayerChoice

MapKey = tuple[str, str, int]


@renamed(of="with_model", collected="sums", maps_of="maps_and_regions")
class Atlas:
    """Activation maps of all layers and classes of a segmentation network, and where their relevance lies.

    Parameters
    ----------
    model : Module
        Any network from images (B, C, H, W) to logits (B, K, H, W); one logit channel stands for foreground
        against background. It is not changed.
    layers : str, sequence of str or callable
        ``"all"`` convolutions, names, patterns such as ``"decoder.*"``, or a predicate of name and module.
    methods : sequence of str
        Of `prismseg.explain.METHODS`, see `list_methods`.
    region : str
        Of `prismseg.explain.REGIONS` (also a part of a prediction, such as "false-positive", "instance:1" or
        "pixel:12x30"): pixels over which a class's logit is averaged to the score that is explained:
        where the network predicts the class (the default, as in `prismseg explain`), where it truly is, or the whole
        image. With ``"truth"`` the masks are both region and reference: late pointwise layers then score well by
        construction.
    classes : sequence of int, optional
        Class indices; by default all, background included.
    class_names : sequence of str, optional
        Names of all classes of the network, for tables.
    output : str, int or callable, optional
        Where the logits are in what the network returns, see `find_logits`.
    adapter : callable, optional
        Turns tokens into maps: `vit_to_map`, `swin_to_map`, `tokens_to_map`, or a function of an output and the
        image's (H, W).
    border : int
        Half width of the band around contours, pixels.
    perturb : bool
        Also measure drop, increase and gain: one forward pass more for each map.
    memory : float
        MiB that the forward passes of Score-CAM may take.
    temperature, linear, baseline
        Weights of Score-CAM, see `ScoreCamOptions`.
    seed : int
        Of the random maps.

    Raises
    ------
    ConfigError
        For a method, region, layer or class that does not exist.

    Examples
    --------
    >>> import torch
    >>> from prismseg import create_model
    >>> model = create_model("unet", "crffg", width=0.25, seed=0).eval()
    >>> images, masks = torch.rand(3, 1, 32, 32), torch.randint(0, 2, (3, 32, 32))
    >>> atlas = Atlas(model, layers=["skips.*", "head"], methods=["layercam"], class_names=["background", "nerve"])
    >>> _ = atlas.update(images, masks, groups=["a", "a", "b"])
    >>> table = atlas.summary()
    >>> list(atlas.layers)
    ['skips.0', 'skips.1', 'skips.2', 'skips.3', 'head']
    >>> rho = table.query("measure == 'rho'")
    >>> sorted(rho["class"].unique()), bool(rho["mean"].between(0, 1).all())
    (['background', 'nerve'], True)
    """

    def __init__(
        self,
        model: nn.Module,
        layers: LayerChoice = "all",
        methods: Sequence[str] = ("gradcam", "layercam"),
        region: str = DEFAULT_REGION,
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
        baseline: str = "black",
        seed: int = 0,
    ) -> None:
        self.settings = AtlasSettings(
            layers=layers,
            methods=tuple([methods] if isinstance(methods, str) else dict.fromkeys(methods)),
            region=region,
            classes=None if classes is None else tuple(dict.fromkeys(classes)),
            class_names=None if class_names is None else tuple(class_names),
            output=output,
            adapter=adapter,
            border=border,
            perturb=perturb,
            memory=memory,
            score_cam=ScoreCamOptions(temperature, linear, baseline),
            seed=seed,
        )
        self.network = ExplainedNetwork(model, self.settings)
        self._parts: list[MapSums] = []
        self._seen = 0

    def with_model(self, model: nn.Module) -> Atlas:
        """Make an empty atlas of another network with the same settings."""
        twin = copy.copy(self)
        twin.network = ExplainedNetwork(model, self.settings)
        twin.reset()
        return twin

    def with_methods(self, methods: Sequence[str]) -> Atlas:
        """Make an empty atlas of the same network with other methods and otherwise the same settings."""
        twin = copy.copy(self)
        twin.settings = replace(self.settings, methods=tuple(methods))
        return twin.with_model(self.model)

    @property
    def model(self) -> nn.Module:
        """The network, without its wrappers."""
        return self.network.model

    @property
    def layers(self) -> tuple[str, ...]:
        """Keys of the layers, in the order asked; known after the first batch."""
        return self.network.layers

    @property
    def left_out(self) -> dict[str, str]:
        """Layers met by a pattern that are not explained, with the reason: no maps, a single cell, same as another."""
        return self.network.left_out

    def maps(
        self, images: Tensor, masks: Tensor | None = None, *, regions: Tensor | None = None
    ) -> dict[MapKey, Tensor]:
        """Compute the maps of a batch.

        Parameters
        ----------
        images : (B, C, H, W) Tensor
            As the network takes them.
        masks : (B, H, W) integer Tensor, optional
            True classes, 255 for pixels that are ignored; needed where the region is the true mask.
        regions : (B, K, H, W) Tensor, optional
            Pixels over which each class is scored, 0 or 1, in place of those that `region` names: such as those of
            `Atlas.regions` for another network.

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
        return self.maps_and_regions(images, masks, regions=regions)[0]

    def maps_and_regions(
        self, images: Tensor, masks: Tensor | None = None, *, regions: Tensor | None = None, first_case: int = 0
    ) -> tuple[dict[MapKey, Tensor], Tensor]:
        """Compute maps as `maps` does, and the regions (B, K, H, W) over which the classes were scored.

        Random maps are those of the cases number `first_case` and on.
        """
        batch = self._batch(images, masks, first_case=first_case, regions=regions)
        made: dict[MapKey, Tensor] = {}

        def take(layer: str, index: int, maps: dict[str, Tensor]) -> None:
            for method, values in maps.items():
                made[method, layer, batch.classes[index]] = batch.at_image_size(values)

        batch.make(take)
        ordered = {
            (method, layer, cls): made[method, layer, cls]
            for method in self.settings.methods
            for layer in self.layers
            for cls in batch.classes
        }
        return ordered, batch.regions

    def regions(self, images: Tensor, masks: Tensor | None = None) -> Tensor:
        """Find the pixels over which each class is scored, (B, K, H, W) of 0 and 1; arguments as for `maps`."""
        batch = self._batch(images, masks, first_case=0)
        batch.settle()
        return batch.regions

    def _batch(
        self, images: Tensor, masks: Tensor | None, *, first_case: int, regions: Tensor | None = None
    ) -> BatchMaps:
        ids = [str(first_case + number) for number in range(len(images))]
        return BatchMaps(
            self.network, self.settings, images, masks, ids=ids, first_case=first_case, regions=regions
        )

    def update(
        self,
        images: Tensor,
        masks: Tensor,
        *,
        groups: Iterable[object] | None = None,
        ids: Iterable[object] | None = None,
        regions: Tensor | None = None,
    ) -> None:
        """Measure the maps of a batch; only their sums are kept.

        Parameters
        ----------
        images, masks
            As for `maps`; masks are needed whatever the region, since they are what maps are compared with.
        groups : iterable, optional
            Patient (or other unit) of each case; by default each case is its own.
        ids : iterable, optional
            Name of each case; by default its number.
        regions : (B, K, H, W) Tensor, optional
            Pixels over which each class is scored, in place of those that `region` names, as for `maps`.

        Raises
        ------
        DataError, ModelError
            As `maps`; what was collected before stays.
        """
        count = len(images)
        names = [str(name) for name in ids] if ids is not None else [str(self._seen + n) for n in range(count)]
        units = [str(group) for group in groups] if groups is not None else names
        if not len(names) == len(units) == count:
            raise DataError(f"There are {count} images, {len(names)} ids and {len(units)} groups.")
        batch = BatchMaps(
            self.network, self.settings, images, masks, ids=names, first_case=self._seen, regions=regions
        )
        self._parts.append(sum_up(batch, units))
        self._seen += count

    def sums(self) -> MapSums:
        """Return the sums of all cases so far.

        Raises
        ------
        DataError
            When there is no case yet.
        """
        joined = MapSums.join(self._parts)
        self._parts = [joined]
        return joined

    def add(self, part: MapSums) -> None:
        """Add sums that were stored earlier, as if their cases had just been seen."""
        self._parts.append(part)
        self._seen += len(part.ids)

    def cases(self) -> pd.DataFrame:
        """Make a table of the measures of every case.

        Returns
        -------
        DataFrame
            Columns case, group, method, layer, class, area, empty, absent and the measures, each under the first of
            its normalisations: ``varrho_prime`` is that of maps as they are, ``cam_dice`` that of maps scaled to [0, 1].
        """
        return case_table(self.sums())

    def summary(self) -> pd.DataFrame:
        """Average over cases, with 95 % intervals over groups or, with fewer than 6 groups, their range.

        Returns
        -------
        DataFrame
            Columns method, layer, class, measure, normalization, mean, ci_low, ci_high, range_low, range_high, n,
            n_groups, n_empty, n_absent; the layer ``(mean)`` is the mean over layers of each case's values. Cases
            from which the class is absent (n_absent) are left out; maps that are zero everywhere (n_empty) count
            with the value 0.
        """
        return summarize_layers(self.sums())

    def reset(self) -> None:
        """Drop the cases seen so far."""
        self._parts, self._seen = [], 0
