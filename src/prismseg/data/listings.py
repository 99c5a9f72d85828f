"""What a data set consists of, as options say: cases, legend, whose masks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from prismseg.base import ConfigError, DataError
from prismseg.data.layouts import Listing, list_cases
from prismseg.data.layouts.annotators import as_multilabel, choose_masks
from prismseg.data.masks.legend import Legend
from prismseg.data.options import DataOptions


def named_path(path: str | Path) -> Path:
    """Path of a data set; an empty text is no name of the folder one is in.

    Raises
    ------
    DataError
        For an empty text.

    Examples
    --------
    >>> named_path("nerves").name
    'nerves'
    """
    if isinstance(path, str) and not path.strip():
        raise DataError("The path of the data set is empty; name its folder, or a CSV that lists it.")
    return Path(path)


def list_with(root: Path, options: DataOptions) -> tuple[Listing, Legend | None]:
    """List the cases at `root` as `options` say, with the legend of their masks: the one given, else the layout's own.

    Raises
    ------
    ConfigError
        When the legend cannot be used.
    DataError
        When no layout fits.
    """
    legend = open_legend(options)
    listing = list_cases(root, layout=options.layout, mask_suffix=options.mask_suffix)
    if options.multilabel:
        given = {"colours": options.colours, "classes": options.classes, "annotators": options.annotators}
        if chosen := [
            name for name, value in {**given, "binary": options.binary or None}.items() if value is not None
        ]:
            raise ConfigError(
                f"Classes that overlap (--multilabel) are named by the data; leave out --{' and --'.join(chosen)}."
            )
        return as_multilabel(listing, root), None
    if listing.regions is not None:
        raise ConfigError(
            f"The classes of {root} are regions, sets of labels that overlap; add --multilabel to read them."
        )
    listing = replace(listing, cases=choose_masks(listing.cases, options.annotators, root))
    if legend is None and listing.colours is not None:
        legend = Legend.from_entries(listing.colours)
    if legend is not None:
        listing = replace(listing, coding=legend.coding, classes=legend.classes)
    return listing, legend


def open_legend(options: DataOptions) -> Legend | None:
    """Legend that ``options.colours`` holds; None without one.

    Raises
    ------
    ConfigError
        When it cannot be used, or classes are named beside it.
    """
    if options.colours is None:
        return None
    if options.classes is not None:
        raise ConfigError("A legend (--colours) names the classes already; leave out --classes.")
    return Legend.from_entries(options.colours)
