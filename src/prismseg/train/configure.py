"""Settings of a run from several places: what is chosen, over a file, over a trained network, over the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from prismseg.base import ConfigError
from prismseg.base.registry.choices import Choice
from prismseg.train.config import STATED, DataConfig, TrainConfig, make_config, read_values

# Of each pair one setting counts: choosing one drops the other that a file names.
_EXCLUSIVE: dict[tuple[str, ...], tuple[tuple[str, str], ...]] = {
    ("split",): (("folds", "fractions"), ("limit", "fraction")),
    ("data",): (("classes", "colours"),),
}


_SIZES = ("size", "crop")


def configure(
    chosen: dict[str, Any], base: str | Path | None = None, *, initial: dict[str, Any] | None = None
) -> TrainConfig:
    """Put together the settings of a run: the `chosen` ones, over those of the YAML file `base`, over the defaults.

    Parameters
    ----------
    chosen : dict
        Settings, nested as in the file; None means not chosen, ``"none"`` that an optional setting is to be none. A size
        may be written ``"224"`` or ``"240x320"`` (height x width).
    base : path, optional
        YAML file, such as the ``config.yaml`` of a run.
    initial : dict, optional
        Of a trained network to go on from (`prismseg.train.finetune`): its form and input stand over the
        file's, since its weights fit no other; its short training stands under the file.

    Raises
    ------
    ConfigError
        Naming each setting that is wrong.

    Examples
    --------
    >>> config = configure({"data": {"path": "nerves"}, "size": "240x320", "optim": {"clip": "none", "lr": None}})
    >>> config.size, config.optim.clip, config.optim.lr
    ((240, 320), None, 0.003)
    """
    return make_config(merge_settings(chosen, base, initial=initial))


def merge_settings(
    chosen: dict[str, Any], base: str | Path | None = None, *, initial: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Lay settings over one another as `configure` does, without the defaults: what somebody has stated, unchecked.

    Raises
    ------
    ConfigError
        When no data set is named, or the file cannot be used.

    Examples
    --------
    >>> merge_settings({"data": {"path": "nerves"}, "size": "64", "optim": {"lr": None, "clip": "none"}})
    {'data': {'path': 'nerves'}, 'size': (64, 64), 'optim': {'clip': None}}
    """
    values: dict[str, Any] = {"data": {}}
    start = initial or {}
    _lay_over(values, {key: value for key, value in start.items() if key not in _FORM})
    if base is not None:
        _lay_over(values, _read_stated(base))
    _lay_over(values, {key: value for key, value in start.items() if key in _FORM})
    _lay_over(values, chosen)
    if not values["data"].get("path"):
        raise ConfigError("No data set is named; give its folder, or a --config that names it.")
    return values


def choose_data(chosen: Mapping[str, Any], data: DataConfig) -> DataConfig:
    """Lay the `chosen` options of a data set over `data`, by the rules of `configure`.

    Raises
    ------
    ConfigError
        Naming each option that is wrong.

    Examples
    --------
    >>> choose_data({"group": "prefix"}, DataConfig(path="nerves", binary=True)).binary
    True
    """
    values = {"data": data.model_dump()}
    _lay_over(values, {"data": dict(chosen)})
    return make_config(values).data


# What a trained network settles when training goes on from it.
_FORM = ("initial", "data", "model", "size", "intensity", "fit", "shrink", "postprocess")


def _read_stated(path: str | Path) -> dict[str, Any]:
    """Read the settings that a file states, with "none" for null, so that it covers what lies below it."""
    values = read_values(path)
    stated = values.get("data")
    if (isinstance(stated, dict) and "path" not in stated) or stated is None:
        # The data set may be named by the caller instead.
        values = values | {"data": {"path": "", **(stated or {})}}

    def filled(values: dict[str, Any]) -> dict[str, Any]:
        return {
            key: filled(value) if isinstance(value, dict) else "none" if value is None else value
            for key, value in values.items()
        }

    return filled(make_config(values).model_dump(mode="json", exclude_unset=True, context=STATED))


def _lay_over(values: dict[str, Any], upper: dict[str, Any], path: tuple[str, ...] = ()) -> None:
    """Lay the settings `upper` over `values`, in place."""
    for pair in _EXCLUSIVE.get(path, ()):
        named = [name for name in pair if upper.get(name) not in (None, "none")]
        if len(named) == 1:
            for name in set(pair) - set(named):
                values.pop(name, None)
    for key, value in upper.items():
        if isinstance(value, dict) and _is_section((*path, key)):
            lower = values.get(key)
            # Settings of one kind of source mean nothing to another kind.
            if not isinstance(lower, dict) or value.get("kind", lower.get("kind")) != lower.get("kind"):
                values[key] = {}
            _lay_over(values[key], value, (*path, key))
        elif value == "none" and _may_be_none((*path, key)):
            values[key] = None
        elif value is not None:
            values[key] = parse_size(value) if isinstance(value, str) and key in _SIZES else value


def _is_section(path: tuple[str, ...]) -> bool:
    return any(hasattr(kind, "model_fields") for kind in _kinds(path))


def _may_be_none(path: tuple[str, ...]) -> bool:
    return type(None) in _kinds(path)


def _kinds(path: tuple[str, ...]) -> tuple[Any, ...]:
    """Types that the setting at `path` may have; none for an unknown setting."""
    kinds: tuple[Any, ...] = (TrainConfig,)
    for name in path:
        model = next((kind for kind in kinds if hasattr(kind, "model_fields")), None)
        field = None if model is None else model.model_fields.get(name)
        if field is None:
            return ()
        kinds = get_args(field.annotation) or (field.annotation,)
    return kinds


def setting_names(setting: str) -> tuple[str, ...]:
    """List what may be chosen for a setting that is chosen by name, or of fixed values.

    Examples
    --------
    >>> setting_names("precision")
    ('fp32', 'bf16')
    >>> setting_names("optim.loss")[:2]
    ('auto', 'dice')
    """
    *sections, name = setting.split(".")
    model = next(kind for kind in _kinds(tuple(sections)) if hasattr(kind, "model_fields"))
    field = model.model_fields[name]
    waiting, names = [field.annotation, *field.metadata], []
    while waiting:
        part = waiting.pop(0)
        if isinstance(part, Choice):
            return part.names()
        if get_origin(part) is Literal:
            names += [str(value) for value in get_args(part)]
        elif get_origin(part) is Annotated:
            waiting += [*get_args(part)]
        else:
            waiting += [kind for kind in get_args(part) if kind is not Ellipsis]
    return tuple(names)


def parse_size(text: str) -> tuple[int, int]:
    """Height and width from ``"224"`` or ``"240x320"``.

    Examples
    --------
    >>> parse_size("240x320")
    (240, 320)
    """
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise ConfigError(f"{text!r} is no size; write 224, or 240x320 for height x width.")
    return int(parts[0]), int(parts[-1])
