"""Every setting of a training run, with its default, its limits and its reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import yaml
from pydantic import (
    BeforeValidator,
    Field,
    SerializationInfo,
    SerializeAsAny,
    ValidationError,
    model_serializer,
    model_validator,
)

from prismseg.base import ConfigError, read_text, write_text
from prismseg.base.registry.choices import Choice
from prismseg.base.settings import Settings, explain_errors
from prismseg.data.options import DataOptions
from prismseg.data.preparation.settings import AUGMENTATIONS, Fit, Intensity
from prismseg.inference.postprocess import POSTPROCESSORS
from prismseg.nets.choices import Multiplier, Preset
from prismseg.nets.settings import ARCHITECTURES, BOTTLENECKS, DECODERS, ENCODERS, NORMS, SKIPS
from prismseg.train.instant.settings import InstantSettings
from prismseg.train.registries import (
    DEFAULT_LOSS,
    FORMER_SETTINGS,
    LOSSES,
    OPTIMIZERS,
    PRESET_LOSSES,
    SAMPLERS,
    SCHEDULES,
    SOURCES,
    TRACKERS,
)
from prismseg.train.sources import CasesSettings, SourceSettings

EncoderNorm = Literal["auto", "train", "frozen"]
FRACTIONS = (0.8, 0.1, 0.1)
_NEVER = object()  # equal to no setting
# Settings that may change when a run is resumed, since they do not decide what is learnt from what.
CHANGEABLE = frozenset(
    {"data.path", "patience", "checkpoint_every", "cache_mib", "tracking", "device", "optim.steps"}
)


def _spell(path: object) -> object:
    return str(path) if isinstance(path, Path) else path


# Settings are written as YAML, so they hold the text of a path; a `Path` is taken too.
PathText = Annotated[str, BeforeValidator(_spell)]


STATED = "stated"  # context of `model_dump`


class _LaterSettings(Settings):
    """Settings of which some came later: those are written where they are chosen, so that older runs keep their hash.

    With the context `STATED` every setting is written that was set.
    """

    later: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _omit_later_defaults(
        self, handler: Callable[[Any], dict[str, Any]], info: SerializationInfo
    ) -> dict[str, Any]:
        if info.context == STATED:
            return handler(self)
        defaults = {name: type(self).model_fields[name].default for name in self.later}
        return {name: value for name, value in handler(self).items() if value != defaults.get(name, _NEVER)}


class DataConfig(DataOptions, _LaterSettings):
    """Where the images are, and how they are read."""

    later: ClassVar = frozenset({"annotators", "multilabel"})

    path: PathText


class SplitConfig(Settings):
    """How the cases are parted; a group (patient) is never shared between parts.

    A split that the data set brings along is used, number `fold` of them; `predefined` says whether there must be one
    (true) or it is to be ignored (false). Otherwise the data are cut into `folds`, of which this run tests number `fold`
    (none named: all of them, one run each), or into `fractions` for training, validation and test, by default
    `FRACTIONS`. `limit` (or `fraction`) then keeps that many (that share) of the training images, nested: the first 10
    are among the first 20 of the same seed. They are all the labelled images that such a run may use: its validation
    part is empty, and the last weights are kept.
    """

    fractions: tuple[float, float, float] | None = None
    folds: int | None = Field(default=None, ge=2)
    fold: int | None = Field(default=None, ge=0)
    predefined: bool | None = None
    seed: int = Field(default=0, ge=0)
    limit: int | None = Field(default=None, ge=1)
    fraction: float | None = Field(default=None, gt=0, le=1)

    @model_validator(mode="after")
    def _possible(self) -> SplitConfig:
        if self.folds is not None and self.fold is not None and self.fold >= self.folds:
            raise ValueError(f"fold {self.fold} does not exist; {self.folds} folds are numbered from 0")
        if self.limit is not None and self.fraction is not None:
            raise ValueError("give either a limit or a fraction of the training images, not both")
        return self


class ModelConfig(_LaterSettings):
    """The network (see `prismseg.nets.create_model`); `weights` are those of its encoder.

    A network that `refines` is a correction of the run's `initial` network, which stays as it is
    (`prismseg.nets.Refined`).
    """

    later: ClassVar = frozenset({"encoder", "decoder", "bottleneck", "weights", "options", "refines"})

    arch: Annotated[str, Choice(ARCHITECTURES)] = "unet"
    skip: Annotated[str, Choice(SKIPS)] = "crffg"
    multiplier: Multiplier = 1
    preset: Preset = "default"
    width: float = Field(default=1.0, gt=0)
    norm: Annotated[str, Choice(NORMS)] = "batch"
    encoder: Annotated[str, Choice(ENCODERS)] | None = None
    decoder: Annotated[str, Choice(DECODERS)] | None = None
    bottleneck: Annotated[str, Choice(BOTTLENECKS)] | None = None
    weights: str | None = None
    options: dict[str, Any] | None = None
    refines: bool = False


class OptimConfig(_LaterSettings):
    """Loss, optimiser and schedule. Lengths are optimiser steps, so that a small set gets enough of them.

    The loss "auto" is that of the network's preset (`prismseg.train.registries.PRESET_LOSSES`); a run stores what it
    became.

    The encoder stays as it is for the first `freeze_encoder_steps` and then learns at `encoder_lr_factor` times the rate
    of the rest. `encoder_norm` says whether its batch normalisation takes the statistics of each batch ("train") or keeps
    those that it has ("frozen"); "auto" keeps those of a pretrained encoder where batches are small.

    `class_weights` are those of the classes in the loss, background first; "balanced": for each class the number of
    labelled training pixels over that of the class's and of the classes (as scikit-learn means it).

    With `deep_supervision` the coarser levels of the decoder are trained to segment too, each counting half as much as
    the next finer one.

    With `relevance` above 0 the share of the relevance that lies farther than `relevance_margin` pixels (of the network's
    input) from the foreground is added to the loss with that weight, on one of `relevance_every` steps with as much more.
    """

    later: ClassVar = frozenset(
        {
            "freeze_encoder_steps",
            "encoder_lr_factor",
            "encoder_norm",
            "deep_supervision",
            "class_weights",
        }
        | {"relevance", "relevance_margin", "relevance_every", "sampling"}
    )
    loss: Annotated[str, Choice(LOSSES, also=("auto",))] = "auto"
    optimizer: Annotated[str, Choice(OPTIMIZERS)] = "adamw"
    lr: float = Field(default=3e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    momentum: float = Field(default=0.99, ge=0, lt=1)
    schedule: Annotated[str, Choice(SCHEDULES)] = "onecycle"
    steps: int = Field(default=1000, ge=1)
    batch_size: int = Field(default=16, ge=1)
    accumulate: int = Field(default=1, ge=1)
    clip: float | None = Field(default=1.0, gt=0)
    ema: float | None = Field(default=0.99, gt=0, lt=1)
    freeze_encoder_steps: int = Field(default=0, ge=0)
    encoder_lr_factor: float = Field(default=1.0, gt=0)
    encoder_norm: EncoderNorm = "auto"
    deep_supervision: bool = False
    class_weights: Literal["balanced"] | tuple[Annotated[float, Field(ge=0)], ...] | None = None
    sampling: Annotated[str, Choice(SAMPLERS)] = "shuffled"
    relevance: float = Field(default=0.0, ge=0)
    relevance_margin: int = Field(default=3, ge=0)
    relevance_every: int = Field(default=4, ge=1)

    @model_validator(mode="after")
    def _accumulation_divides(self) -> OptimConfig:
        if self.batch_size % self.accumulate:
            raise ValueError(
                f"batch_size {self.batch_size} cannot be cut into {self.accumulate} equal parts; "
                "choose an `accumulate` that divides it"
            )
        return self


Precision = Literal["fp32", "bf16"]
Compile = Literal["auto", "yes", "no"]


def make_source_settings(value: object) -> SourceSettings:
    """Make the settings of a source from a dictionary with its `kind`, or take them as they are.

    Raises
    ------
    ConfigError
        For an unknown kind.
    ValueError
        Naming what is missing or wrong.

    Examples
    --------
    >>> make_source_settings({"kind": "cases"})
    CasesSettings(kind='cases')
    """
    if isinstance(value, SourceSettings):
        return value
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        raise ValueError("a source is given by its kind and the settings of that kind, such as {'kind': 'cases'}")
    try:
        return SOURCES[value["kind"]].model_validate(value)
    except ValidationError as error:
        raise ValueError(explain_errors(error)) from error


class TrainConfig(_LaterSettings):
    """One training run, whole: the same configuration gives the same weights on the same machine.

    What other processors and numbers of threads do to them, `prismseg.base.provenance.machine` says.

    With `crop` (height, width) each step learns from random windows of the prepared images, a share `crop_foreground` of
    them centred on a class other than the background; predictions are made of whole images. With `test_mirror` they are
    averaged over the mirrors that the augmentation has.

    With `soft_labels` each step learns from the mask of one annotator, drawn at random, of a case that several drew: in
    the mean over steps the cross-entropy is that against the share of the annotators who gave a pixel each label.
    """

    later: ClassVar = frozenset({"crop", "crop_foreground", "test_mirror", "instant", "shrink", "soft_labels"})

    data: DataConfig
    source: Annotated[SerializeAsAny[SourceSettings], BeforeValidator(make_source_settings)] = CasesSettings()
    split: SplitConfig = SplitConfig()
    model: ModelConfig = ModelConfig()
    optim: OptimConfig = OptimConfig()
    instant: InstantSettings | None = None
    size: tuple[int, int] = (224, 224)
    intensity: Intensity = "zscore"
    fit: Fit = "stretch"
    shrink: int = Field(default=1, ge=1)
    crop: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = None
    crop_foreground: float = Field(default=1 / 3, ge=0, le=1)
    soft_labels: bool = False
    postprocess: Annotated[str, Choice(POSTPROCESSORS)] = "none"
    initial: PathText | None = None
    augmentation: Annotated[str, Choice(AUGMENTATIONS)] = "default"
    test_mirror: bool = False
    evaluate_every: int = Field(default=100, ge=1)
    patience: int | None = Field(default=None, ge=1)
    checkpoint_every: int = Field(default=50, ge=1)
    precision: Precision = "fp32"
    device: str = "auto"
    compile: Compile = "auto"
    cache_mib: int = Field(default=4096, ge=0)
    force: bool = False
    tracking: tuple[Annotated[str, Choice(TRACKERS)], ...] = ()
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _upgrade(cls, values: Any) -> Any:
        """Read sections that earlier versions wrote."""
        if not isinstance(values, dict):
            return values
        former = [name for name in values if name not in cls.model_fields and name in FORMER_SETTINGS]
        kept = {name: value for name, value in values.items() if name not in former}
        for name in former:
            kept |= FORMER_SETTINGS[name](values[name])
        return kept

    @model_validator(mode="after")
    def _start_from_one(self) -> TrainConfig:
        if self.model.refines and self.initial is None:
            raise ValueError("a network that refines needs an initial one, which it corrects (--from)")
        if self.initial is not None and self.model.weights is not None and not self.model.refines:
            raise ValueError(
                f"the encoder cannot have the weights {self.model.weights} and those of the network {self.initial}; "
                "leave one of them out"
            )
        return self

    @model_validator(mode="after")
    def _shrink_native(self) -> TrainConfig:
        if self.shrink > 1 and self.fit != "native":
            raise ValueError(
                f"only images that keep their pixels (fit native) are shrunk, not with fit {self.fit}"
            )
        return self

    @model_validator(mode="after")
    def _mirror_as_trained(self) -> TrainConfig:
        augmentation = AUGMENTATIONS[self.augmentation]
        if self.test_mirror and not (augmentation.flip or augmentation.flip_vertical):
            raise ValueError(
                f"test_mirror averages over mirrored images, but the augmentation {self.augmentation!r} mirrors none; "
                "choose another augmentation, or predict without"
            )
        return self

    @model_validator(mode="after")
    def _choose_loss(self) -> TrainConfig:
        if self.optim.loss == "auto":
            optim = self.optim.model_copy(update={"loss": PRESET_LOSSES.get(self.model.preset, DEFAULT_LOSS)})
            object.__setattr__(self, "optim", optim)
        return self


def make_config(values: dict[str, Any]) -> TrainConfig:
    """Check `values` and return the configuration; a `ConfigError` names each setting that is wrong.

    Examples
    --------
    >>> config = make_config({"data": {"path": "nerves"}, "model": {"preset": "thesis"}})
    >>> config.optim.loss, config.size
    ('dice', (224, 224))
    """
    try:
        return TrainConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"These settings cannot be used: {explain_errors(error)}.") from error


def read_config(path: str | Path) -> TrainConfig:
    """Read a YAML configuration such as the `config.yaml` of a run folder.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> config = make_config({"data": {"path": "nerves"}})
    >>> read_config(write_config(Path(mkdtemp()) / "config.yaml", config)) == config
    True
    """
    return make_config(read_values(path))


def read_values(path: str | Path) -> dict[str, Any]:
    """Read the settings that a YAML file states, unchecked.

    Raises
    ------
    ConfigError
        When it is no such file.
    """
    text = read_text(path)
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML ({error}).") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds no settings; a configuration needs at least data.path.")
    return values


def write_config(path: str | Path, config: TrainConfig) -> Path:
    """Write `config` as YAML; `read_config` gives it back unchanged."""
    return write_text(path, yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))


def differences(ours: TrainConfig, theirs: TrainConfig) -> list[str]:
    """Name the settings in which two configurations differ, as `optim.lr: 0.001 -> 0.01`."""
    return [f"{name}: {before} -> {after}" for name, (before, after) in _changes(ours, theirs).items()]


def refused_changes(started: TrainConfig, now: TrainConfig) -> list[str]:
    """Name the changes that a run which was `started` so cannot take on when it is resumed.

    It may be lengthened, and what is `CHANGEABLE` may change.
    """
    return [
        f"{name}: {before} -> {after}"
        for name, (before, after) in _changes(started, now).items()
        if name not in CHANGEABLE or (name == "optim.steps" and after < before)
    ]


def _changes(ours: TrainConfig, theirs: TrainConfig) -> dict[str, tuple[Any, Any]]:
    left, right = flat_settings(ours.model_dump()), flat_settings(theirs.model_dump())
    return {key: (left.get(key), right.get(key)) for key in left | right if left.get(key) != right.get(key)}


def flat_settings(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as ``{"optim.lr": 0.001}``."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= flat_settings(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
