"""Legends: files that say which colour, or which stored number, of a mask is which class."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from PIL import ImageColor

from prismseg.base import ConfigError, read_text
from prismseg.data.images.decoding import MaskError
from prismseg.data.images.reading import read_colours, read_mask
from prismseg.data.images.source import Source
from prismseg.data.masks.labels import BACKGROUND_NAMES
from prismseg.data.sample import IGNORE

IGNORE_NAMES = ("ignore", "void")

_RANGE = re.compile(r"(-?\d+)(?:\s*-\s*(-?\d+))?")
_TRIPLE = re.compile(r"\(?\[?\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})\s*\]?\)?")
_EXAMPLE = "such as '#ff0000: nerve' (colours) or '30: nerve' and '0-127: background' (stored numbers)"
_SHOWN = 5


@dataclass(frozen=True)
class Legend:
    """What the pixels of masks mean.

    Attributes
    ----------
    classes : tuple of str
        Class names, background first.
    ranges : tuple of (int, int, int)
        Lowest and highest value and the class index (255: counts nowhere) it stands for.
    by_colour : bool
        Whether values are colours, ``65536 * red + 256 * green + blue``; else they are stored labels.
    """

    classes: tuple[str, ...]
    ranges: tuple[tuple[int, int, int], ...]
    by_colour: bool

    @classmethod
    def from_entries(cls, entries: Mapping[str, str]) -> Legend:
        """Make a legend of entries colour (or number) → class, as `read_legend` gives them.

        Classes are numbered in the order of the entries, but the one named background (or bg) is the first, also where
        none is. Several entries may name one class; ``ignore`` (or void) marks pixels that count nowhere.

        Raises
        ------
        ConfigError
            When an entry is no colour and no number, colours and numbers are mixed, two entries overlap, there are fewer
            than two classes, or black or 0 is another class and none is named background.
        """
        values = {key: _value(key) for key in entries}
        kinds = {by_colour for _, _, by_colour in values.values()}
        if len(kinds) > 1:
            raise ConfigError(f"A legend maps either colours or stored numbers, not both: {', '.join(entries)}.")
        names = [name for name in dict.fromkeys(entries.values()) if name.lower() not in IGNORE_NAMES]
        background = [name for name in names if name.lower() in BACKGROUND_NAMES]
        if len(background) > 1 or len(names) < 2:
            raise ConfigError(
                f"A legend needs two classes or more, one of them named 'background' where there is any; this one names "
                f"{', '.join(names) or 'none'}."
            )
        for key, name in entries.items():
            if not background and name in names and values[key][0] <= 0 <= values[key][1]:
                raise ConfigError(
                    f"The legend calls {key} {name!r} and no class 'background'. Call that one so, or 'ignore' if its "
                    "pixels count nowhere."
                )
        # Where every pixel belongs to a class, as in pictures of streets, no pixel is background.
        classes = ((background or BACKGROUND_NAMES)[0], *(name for name in names if name not in background))
        ranges = sorted(
            (low, high, IGNORE if name.lower() in IGNORE_NAMES else classes.index(name))
            for (low, high, _), name in zip(values.values(), entries.values(), strict=True)
        )
        for (_, high, _), (low, _, _) in pairwise(ranges):
            if low <= high:
                raise ConfigError(f"Two entries of the legend cover the value {_spell(low, kinds == {True})}.")
        return cls(classes, tuple(ranges), kinds == {True})

    @property
    def coding(self) -> dict[int, int]:
        """What `read` gives -> class index, as a layout states it that fixes its labels."""
        return {index: index for index in (*range(len(self.classes)), IGNORE)}

    def read(self, path: str | Source) -> NDArray[np.uint8]:
        """Class indices (H, W) of the mask at `path`.

        Raises
        ------
        MaskError
            Naming the file and what it holds that is not in the legend.
        DataError
            When the file cannot be read.
        """
        values = read_colours(path) if self.by_colour else read_mask(path)
        starts = np.array([low for low, _, _ in self.ranges])
        ends = np.array([high for _, high, _ in self.ranges])
        indices = np.array([index for _, _, index in self.ranges], np.uint8)
        entry = np.searchsorted(starts, values, side="right") - 1
        strange = (entry < 0) | (values > ends[entry])
        if strange.any():
            unknown, counts = np.unique(values[strange], return_counts=True)
            worst = unknown[np.argsort(-counts, kind="stable")][:_SHOWN]
            share = strange.mean()
            raise MaskError(
                "not in the legend",
                f"The mask {path} holds {unknown.size} {'colours' if self.by_colour else 'labels'} in {share:.2%} of its "
                f"pixels that are not in the legend: {', '.join(_spell(int(value), self.by_colour) for value in worst)}"
                f"{' …' if unknown.size > _SHOWN else ''}. Add them to it"
                + (
                    "; if JPEG or scaling has blurred the colours, export the mask anew as PNG."
                    if unknown.size > _SHOWN
                    else ", or correct the mask."
                ),
            )
        decoded: NDArray[np.uint8] = indices[entry]
        return decoded


def read_legend(path: str | Path) -> dict[str, str]:
    """Read a legend file.

    ``.json`` and ``.yaml`` hold a mapping of colours (or stored numbers) to class names, or of class names to
    colours. ``.csv`` has a heading and a column of names (name, class or label) and either one of colours (colour,
    color or value) or three (r, g, b). ``.txt`` is CVAT's labelmap, ``name:r,g,b::`` a line. Colours are written
    ``#ff0000``, ``255,0,0`` or ``red``; numbers ``30`` or, for a range, ``0-127``.

    Returns
    -------
    dict
        Colour ``"#rrggbb"`` or number ``"30"``, ``"0-127"`` → class name, in the order of the file.

    Raises
    ------
    ConfigError
        Naming the file, when it cannot be read or its entries make no sense.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "legend.json"
    >>> _ = path.write_text('{"black": "background", "255,0,0": "nerve"}')
    >>> read_legend(path)
    {'#000000': 'background', '#ff0000': 'nerve'}
    """
    path = Path(path)
    text = read_text(path).lstrip("\ufeff")
    suffix = path.suffix.lower()
    try:
        if suffix == ".csv":
            pairs = _table_pairs(path, text)
        elif suffix == ".txt":
            pairs = _labelmap_pairs(text)
        elif suffix in (".json", ".yaml", ".yml"):
            pairs = _mapping_pairs(path, _mapping(text, suffix))
        else:
            raise ConfigError(f"A legend is a .csv, .json, .yaml or .txt (CVAT labelmap) file, not {path}.")
        entries: dict[str, str] = {}
        for key, name in pairs:
            low, high, by_colour = _value(key)
            spelled = _spell(low, by_colour) if low == high else f"{low}-{high}"
            if spelled in entries:
                raise ConfigError(f"{spelled} is named twice.")
            if not name.strip():
                raise ConfigError(f"{spelled} has no class name; write 'ignore' where it counts nowhere.")
            entries[spelled] = name
        Legend.from_entries(entries)
    except ConfigError as error:
        raise ConfigError(f"The legend {path} cannot be used: {error}") from error
    except (ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"The legend {path} cannot be read ({str(error).splitlines()[0]}).") from error
    return entries


def _mapping(text: str, suffix: str) -> Any:
    """Read JSON or YAML in which no key stands twice; usual readers keep the last one without a word."""
    if suffix == ".json":
        return json.loads(text, object_pairs_hook=_once)
    return yaml.load(text, _OnceLoader)


def _once(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    keys = [str(key) for key, _ in pairs]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise ConfigError(f"{twice} is named twice.")
    return dict(pairs)


class _OnceLoader(yaml.SafeLoader):
    """YAML without objects, in which no key stands twice."""


def _construct_once(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    return _once(
        [(loader.construct_object(key, True), loader.construct_object(value, True)) for key, value in node.value]
    )


_OnceLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct_once)


def _mapping_pairs(path: Path, content: Any) -> list[tuple[str, str]]:
    if not isinstance(content, dict) or not content:
        raise ConfigError(f"{path} must map colours or numbers to class names, {_EXAMPLE}.")
    spelled = [(str(key), value) for key, value in content.items()]
    if all(isinstance(value, str) and _is_value(key) for key, value in spelled):
        return [(key, str(value)) for key, value in spelled]
    pairs = []
    for name, value in spelled:
        several = isinstance(value, list) and all(isinstance(item, str | list) for item in value)
        pairs += [(_key(item), name) for item in (value if several else [value])]
    return pairs


def _key(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _table_pairs(path: Path, text: str) -> list[tuple[str, str]]:
    try:
        # Only what parts the columns is guessed from the heading: how quotes are written it does not tell.
        mark = csv.Sniffer().sniff(text.splitlines()[0], delimiters=",;\t").delimiter if text.strip() else ","
    except csv.Error:
        mark = ","
    rows = [
        {
            (name or "").strip().lower(): (value or "").strip()
            for name, value in row.items()
            if isinstance(value, str)
        }
        for row in csv.DictReader(io.StringIO(text), delimiter=mark)
    ]
    heading = set(rows[0]) if rows else set()
    named = _first(heading, ("name", "class", "label"))
    colour = _first(heading, ("colour", "color", "value"))
    channels = [_first(heading, (long, long[0])) for long in ("red", "green", "blue")]
    if named is None or (colour is None and None in channels):
        raise ConfigError(
            f"{path} needs a column of names (name, class or label) and one of colours (colour or value) or three "
            "(r, g, b)."
        )
    if colour is not None:
        return [(row.get(colour, ""), row.get(named, "")) for row in rows]
    return [(",".join(row.get(str(channel), "") for channel in channels), row.get(named, "")) for row in rows]


def _first(heading: set[str], names: Iterable[str]) -> str | None:
    return next((name for name in names if name in heading), None)


def _labelmap_pairs(text: str) -> list[tuple[str, str]]:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    fields = [line.split(":") for line in lines]
    if not fields or any(len(parts) < 2 for parts in fields):
        raise ConfigError("each line of a CVAT labelmap reads 'name:r,g,b::'")
    return [(parts[1], parts[0]) for parts in fields]


def _value(key: str) -> tuple[int, int, bool]:
    """Lowest and highest value that `key` means, and whether it is a colour."""
    text = key.strip()
    if match := _RANGE.fullmatch(text):
        low = int(match[1])
        high = int(match[2]) if match[2] is not None else low
        if high < low:
            raise ConfigError(f"The range {key!r} ends before it begins.")
        return low, high, False
    if match := _TRIPLE.fullmatch(text):
        channels = tuple(int(part) for part in match.groups())
    else:
        try:
            channels = ImageColor.getrgb(text)[:3]
        except ValueError as error:
            raise ConfigError(f"{key!r} is neither a colour nor a number, {_EXAMPLE}.") from error
    if max(channels) > 255:
        raise ConfigError(f"The colour {key!r} has a channel above 255.")
    red, green, blue = channels
    value = (red << 16) + (green << 8) + blue
    return value, value, True


def _is_value(key: str) -> bool:
    text = key.strip()
    return bool(_RANGE.fullmatch(text) or _TRIPLE.fullmatch(text) or _is_colour(text))


def _is_colour(text: str) -> bool:
    try:
        ImageColor.getrgb(text)
    except ValueError:
        return False
    return True


def _spell(value: int, by_colour: bool) -> str:
    return f"#{value:06x}" if by_colour else str(value)
