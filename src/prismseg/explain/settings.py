"""Settings of an atlas and of an explanation; they are checked before torch is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prismseg.base import ConfigError
from prismseg.explain.maps.method import ScoreCamOptions
from prismseg.explain.registries import BASELINES, DEFAULT_REGION, FILLS, METHODS, NULLS, REGIONS

if TYPE_CHECKING:
    from prismseg.explain.target.logits import OutputChoice
    from prismseg.explain.trace.adapters import Adapter
    from prismseg.explain.trace.layers import LayerChoice


@dataclass(frozen=True, kw_only=True)
class AtlasSettings:
    """How an `Atlas` explains a network; its attributes are the arguments of `Atlas`.

    Raises
    ------
    ConfigError
        For a method, region or baseline that does not exist, and other values that make no sense.
    """

    layers: LayerChoice
    methods: tuple[str, ...]
    region: str
    classes: tuple[int, ...] | None
    class_names: tuple[str, ...] | None
    output: OutputChoice
    adapter: Adapter | None
    border: int
    perturb: bool
    memory: float
    score_cam: ScoreCamOptions
    seed: int

    def __post_init__(self) -> None:
        _check_methods(self.methods)
        REGIONS.require(self.region)
        if self.border < 1 or self.border != int(self.border):
            raise ConfigError(
                f"The band around contours must reach a whole number of pixels, at least 1, not {self.border}."
            )
        if self.classes is not None and not self.classes:
            raise ConfigError("Name at least one of the classes to explain, or none for all.")
        names = self.class_names
        if names is not None and len(set(names)) < len(names):
            raise ConfigError(f"Classes of one name cannot be told apart in tables: {', '.join(names)}.")
        if not self.score_cam.temperature > 0:
            raise ConfigError(
                f"The temperature of Score-CAM's softmax must be above 0, not {self.score_cam.temperature}."
            )
        BASELINES.require(self.score_cam.baseline)

    def class_label(self, cls: int) -> str:
        """Name class `cls` in tables: by its number, where there are no names."""
        return self.class_names[cls] if self.class_names is not None else str(cls)


@dataclass(frozen=True)
class ExplainSettings:
    """What `prismseg explain` explains, and how.

    Attributes
    ----------
    layers : tuple of str
        As `Atlas` takes them; ``("all",)`` for every convolution.
    methods : tuple of str
        Of `prismseg.explain.METHODS`; the first is the one whose maps are shown large. The random map and the region
        as a map are always added, as the nulls.
    regions : tuple of str
        Of `prismseg.explain.REGIONS`; the first is the one that is shown large.
    border : int
        Half width of the band around contours, pixels of the network's input.
    perturb : bool
        Also measure drop, increase and gain: one forward pass more for each map.
    faithfulness : tuple of str
        Of `prismseg.explain.FILLS`: what pixels are hidden by to see whether the network uses what the maps light;
        none: this is not measured.
    memory : float
        MiB that a batch may take.
    seed : int
        Of random maps, scrambled layers, hidden pixels and the bootstrap.

    Raises
    ------
    ConfigError
        For a method or region that does not exist, a list without an entry, or no memory.

    Examples
    --------
    >>> ExplainSettings(methods=("hirescam",)).all_methods
    ('hirescam', 'random', 'region')
    >>> ExplainSettings(regions=("foot",))
    Traceback (most recent call last):
    prismseg.base.errors.ConfigError: There is no region 'foot'; choose one of prediction, truth, image, ...
    """

    layers: tuple[str, ...] = ("all",)
    methods: tuple[str, ...] = ("layercam", "gradcam")
    regions: tuple[str, ...] = (DEFAULT_REGION, "truth")
    border: int = 3
    perturb: bool = False
    faithfulness: tuple[str, ...] = ()
    memory: float = 2048
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("layers", "methods", "regions"):
            once = tuple(dict.fromkeys(getattr(self, name)))
            if not once:
                raise ConfigError(f"Name at least one of the {name} to explain.")
            object.__setattr__(self, name, once)  # one that is named twice would count twice
        _check_methods(self.methods)
        for region in self.regions:
            REGIONS.require(region)
        for fill in self.faithfulness:
            FILLS.require(fill)
        object.__setattr__(self, "faithfulness", tuple(dict.fromkeys(self.faithfulness)))
        if not self.memory > 0:
            raise ConfigError(f"A batch must be allowed some memory, not {self.memory} MiB.")

    @property
    def method(self) -> str:
        """The method whose maps are shown large."""
        return self.methods[0]

    @property
    def region(self) -> str:
        """The region that is shown large."""
        return self.regions[0]

    @property
    def shown(self) -> str:
        """Name method and region that are shown large, for titles."""
        return f"{self.method}, region {self.region}"

    @property
    def all_methods(self) -> tuple[str, ...]:
        """The methods with the nulls."""
        return tuple(dict.fromkeys((*self.methods, *NULLS)))


def _check_methods(names: Sequence[str]) -> None:
    """Refuse names of methods that do not exist, or none."""
    if not names:
        raise ConfigError(f"Name at least one map method of {', '.join(METHODS)}.")
    for name in names:
        METHODS.require(name)
