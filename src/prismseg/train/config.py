"""Every setting of a training run, with its default, its limits and its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from prismseg.base import ConfigError, read_text, write_text


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class DataConfig(_Settings):
    """Where the images are and how they are grouped (see `prismseg.data.open_dataset`)."""

    path: str
    layout: str = "auto"
    group: str = "auto"
    binary: bool = False
    classes: tuple[str, ...] | None = None
    mask_suffix: str | None = None
    channels: int | None = Field(default=None, ge=1)
    colours: dict[str, str] | None = None


class SplitConfig(_Settings):
    """How the cases are parted; a group (patient) is never shared between parts.

    With `folds` the data are cut into that many folds and this run tests on number `fold`; otherwise
    `fractions` names the shares of training, validation and test. With `predefined` the parts are those that
    the data set brings along, number `fold` of them. `limit` (or `fraction`) then keeps that many (that share) of
    the training images, nested: the first 10 are among the first 20 of the same seed.
    """

    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
    folds: int | None = Field(default=None, ge=2)
    fold: int = Field(default=0, ge=0)
    predefined: bool = False
    seed: int = Field(default=0, ge=0)
    limit: int | None = Field(default=None, ge=1)
    fraction: float | None = Field(default=None, gt=0, le=1)

    @model_validator(mode="after")
    def _possible(self) -> SplitConfig:
        if self.folds is not None and self.fold >= self.folds:
            raise ValueError(f"fold {self.fold} does not exist; {self.folds} folds are numbered from 0")
        if self.limit is not None and self.fraction is not None:
            raise ValueError("give either a limit or a fraction of the training images, not both")
        return self


class ModelConfig(_Settings):
    """The network (see `prismseg.nets.create_model`)."""

    arch: Literal["unet", "fcn", "resunet"] = "unet"
    skip: Literal["none", "conv", "crffg"] = "crffg"
    multiplier: Literal[1, 3] = 1
    preset: Literal["default", "thesis"] = "default"
    width: float = Field(default=1.0, gt=0)
    norm: Literal["batch", "group", "instance"] = "batch"


class OptimConfig(_Settings):
    """Loss, optimiser and schedule. Lengths are optimiser steps, so that a small set gets enough of them."""

    loss: Literal["dice", "ce", "dice_ce", "focal", "tversky", "unified_focal"] = "dice"
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    lr: float = Field(default=3e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    momentum: float = Field(default=0.99, ge=0, lt=1)
    schedule: Literal["poly", "cosine", "onecycle", "constant"] = "onecycle"
    steps: int = Field(default=1000, ge=1)
    batch_size: int = Field(default=16, ge=1)
    accumulate: int = Field(default=1, ge=1)
    clip: float | None = Field(default=1.0, gt=0)
    ema: float | None = Field(default=0.99, gt=0, lt=1)

    @model_validator(mode="after")
    def _accumulation_divides(self) -> OptimConfig:
        if self.batch_size % self.accumulate:
            raise ValueError(
                f"batch_size {self.batch_size} cannot be cut into {self.accumulate} equal parts; "
                "choose an `accumulate` that divides it"
            )
        return self


class PhantomConfig(_Settings):
    """Train on simulated frames, each seen once, instead of the data set's cases (see `prismseg.phantom`)."""

    domains: tuple[str, ...]
    framings: tuple[str, ...] = ("soles", "above")
    size: tuple[int, int] = (240, 320)
    seed: int = Field(default=0, ge=0)


class TrainConfig(_Settings):
    """One training run, whole: the same configuration and seed give the same weights."""

    data: DataConfig
    phantoms: PhantomConfig | None = None
    split: SplitConfig = SplitConfig()
    model: ModelConfig = ModelConfig()
    optim: OptimConfig = OptimConfig()
    size: tuple[int, int] = (224, 224)
    intensity: Literal["zscore", "unit"] = "zscore"
    fit: Literal["stretch", "area"] = "stretch"
    postprocess: Literal["none", "two-feet"] = "none"
    initial: str | None = None
    augmentation: Literal["none", "thesis", "default"] = "default"
    evaluate_every: int = Field(default=100, ge=1)
    patience: int | None = Field(default=None, ge=1)
    checkpoint_every: int = Field(default=50, ge=1)
    precision: Literal["fp32", "bf16"] = "fp32"
    compile: Literal["auto", "yes", "no"] = "auto"
    cache_mib: int = Field(default=4096, ge=0)
    tracking: tuple[Literal["tensorboard", "mlflow"], ...] = ()
    seed: int = Field(default=0, ge=0)


def make_config(values: dict[str, Any]) -> TrainConfig:
    """Check `values` and return the configuration; a `ConfigError` names each setting that is wrong."""
    try:
        return TrainConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_explain(error)) from error


def _explain(error: ValidationError) -> str:
    lines = []
    for fault in error.errors():
        where = ".".join(str(part) for part in fault["loc"]) or "the settings"
        known = " (no such setting)" if fault["type"] == "extra_forbidden" else ""
        lines.append(f"{where}{known}: {fault['msg']}")
    return "These settings cannot be used: " + "; ".join(lines) + "."


def read_config(path: str | Path) -> TrainConfig:
    """Read a YAML configuration such as the `config.yaml` of a run folder."""
    text = read_text(path)
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML ({error}).") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds no settings; a configuration needs at least data.path.")
    return make_config(values)


def write_config(path: str | Path, config: TrainConfig) -> Path:
    """Write `config` as YAML; `read_config` gives it back unchanged."""
    return write_text(path, yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))


def differences(ours: TrainConfig, theirs: TrainConfig) -> list[str]:
    """Name the settings in which two configurations differ, as `optim.lr: 0.001 -> 0.01`."""

    def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key, value in values.items():
            out |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
        return out

    left, right = flat(ours.model_dump()), flat(theirs.model_dump())
    return [f"{key}: {left[key]} -> {right[key]}" for key in left if left[key] != right[key]]


def configure(
    chosen: dict[str, Any], base: str | Path | None = None, *, initial: dict[str, Any] | None = None
) -> TrainConfig:
    """Lay the `chosen` settings (None: not chosen) over those of the YAML file `base`, or over the defaults.

    With `initial`, the settings of a trained network (`prismseg.train.finetune.settings_of`), these come between.

    A size may be written ``"224"`` or ``"240x320"`` (height x width).
    """
    values = read_config(base).model_dump(mode="json") if base is not None else {"data": {}}
    for key, value in [*(initial or {}).items(), *chosen.items()]:
        if isinstance(value, dict):
            values.setdefault(key, {}).update({name: item for name, item in value.items() if item is not None})
        elif value is not None:
            values[key] = parse_size(value) if isinstance(value, str) and key == "size" else value
    if "path" not in values["data"]:
        raise ConfigError("No data set is named; give its folder, or a --config that names it.")
    return make_config(values)


def parse_size(text: str) -> tuple[int, int]:
    """Height and width from ``"224"`` or ``"240x320"``."""
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise ConfigError(f"{text!r} is no size; write 224, or 240x320 for height x width.")
    return int(parts[0]), int(parts[-1])
