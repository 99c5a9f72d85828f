"""Options that several verbs share."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from prismseg.base import ConfigError
from prismseg.base.registry.choices import list_choices

if TYPE_CHECKING:
    from typer.core import TyperCommand

# How data are read: `prismseg.data.options.DataOptions`, an option a field. None of them has a default here, since a
# file or a run may say the same, and an option that is not given must not look as if it were.
_DATA = {
    "layout": (str, typer.Option(help="Folder layout: {names}.", rich_help_panel="Data")),
    "group": (
        str,
        typer.Option(
            help=(
                "What counts as one patient: auto, image, prefix (text before the first _), block:N (N consecutive "
                "file numbers), csv, or regex:PATTERN with one group in parentheses."
            ),
            rich_help_panel="Data",
        ),
    ),
    "binary": (
        bool,
        typer.Option(
            "--binary/--no-binary",
            help="Every label above 0 is foreground (instance labels).",
            show_default=False,
            rich_help_panel="Data",
        ),
    ),
    "classes": (
        str,
        typer.Option(help="Class names, background first: background,nerve,vessel", rich_help_panel="Data"),
    ),
    "mask_suffix": (
        str,
        typer.Option(help="What mask names add to image names, such as _mask.", rich_help_panel="Data"),
    ),
    "channels": (
        str,
        typer.Option(help="Read images as 1 (grey) or 3 (RGB) channels.", rich_help_panel="Data"),
    ),
    "annotators": (
        str,
        typer.Option(
            help=(
                "How the masks that several people drew of an image become one: staple (the default), majority, or the "
                "name of the annotator whose masks are meant."
            ),
            rich_help_panel="Data",
        ),
    ),
    "multilabel": (
        bool,
        typer.Option(
            "--multilabel/--one-label",
            help="Classes overlap: masks/CLASS/, columns mask_CLASS of a table, or regions of nnU-Net.",
            show_default=False,
            rich_help_panel="Data",
        ),
    ),
    "colours": (
        Path,
        typer.Option(
            help=(
                "Legend of the masks: a CSV, JSON, YAML or CVAT labelmap that says which colour (or stored number) is "
                "which class."
            ),
            rich_help_panel="Data",
        ),
    ),
}


def with_data_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options that say how data are read; it gets them as ``data_options``.

    That parameter of the verb, a dictionary, holds what was given and None for the rest; "none" takes back what a file
    or a run says.
    """

    @wraps(verb)
    def command(**values: Any) -> None:
        given = {name: values.pop(name) for name in _DATA}
        given["classes"], given["colours"] = names(given["classes"]), legend(given["colours"])
        verb(**values, data_options=given)

    parameters, hints = [], get_type_hints(verb, include_extras=True)
    for parameter in inspect.signature(verb).parameters.values():
        if parameter.name != "data_options":
            parameters.append(parameter.replace(annotation=hints[parameter.name]))
            continue
        parameters += [
            inspect.Parameter(name, parameter.kind, default=None, annotation=Annotated[kind | None, option])
            for name, (kind, option) in _DATA.items()
        ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del command.__wrapped__  # whose signature would be taken instead
    return command


def list_settings(**options: str) -> type[TyperCommand]:
    """Make a command class whose ``--help`` lists what may be chosen for settings.

    Parameters
    ----------
    **options : str
        By parameter of the command: a setting of a training run, such as ``loss="optim.loss"``, or a registry,
        "package.module:attribute"; see `prismseg.base.registry.choices.list_choices`.
    """

    def names_for(setting: str) -> tuple[str, ...]:
        from prismseg.train.configure import setting_names

        return setting_names(setting)

    return list_choices(
        **{option: where if ":" in where else partial(names_for, where) for option, where in options.items()}
    )


_SPLIT = "Split"
Fractions = Annotated[
    str | None,
    typer.Option(
        help=(
            "Shares of training, validation and test: 0.8,0.1,0.1. 1,0,0 trains on everything; instant fits what is for "
            "validation too."
        ),
        rich_help_panel=_SPLIT,
    ),
]
Folds = Annotated[
    str | None,
    typer.Option(help="Cross-validate: a run without each of this many folds.", rich_help_panel=_SPLIT),
]
Fold = Annotated[str | None, typer.Option(help="Run this fold alone.", rich_help_panel=_SPLIT)]
PredefinedSplit = Annotated[
    bool | None,
    typer.Option(
        "--predefined-split/--ignore-split",
        help="A split that the data bring along is used; demand it, or ignore it.",
        show_default=False,
        rich_help_panel=_SPLIT,
    ),
]
Limit = Annotated[
    str | None,
    typer.Option(
        help="Use this many training images (nested), and no other labelled ones.", rich_help_panel=_SPLIT
    ),
]
Fraction = Annotated[
    str | None,
    typer.Option(
        help="Use this share of the training images (nested), and no other labelled ones.", rich_help_panel=_SPLIT
    ),
]
SplitSeed = Annotated[int | None, typer.Option(help="Seed of the split.", rich_help_panel=_SPLIT)]
Intensity = Annotated[str | None, typer.Option(help="{names}.", rich_help_panel="Data")]
Fit = Annotated[
    str | None,
    typer.Option(
        help="{names}; with area images keep their shape, with native their pixels.", rich_help_panel="Data"
    ),
]
Device = Annotated[str, typer.Option(help="Where to compute: cpu, cuda, cuda:1, mps …")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bars.")]
Mirror = Annotated[
    bool | None,
    typer.Option(
        "--mirror/--no-mirror",
        help="Average with the predictions of the mirrored image (test-time augmentation); by default as trained for.",
        show_default=False,
    ),
]
Within = Annotated[
    str | None,
    typer.Option(
        help="Longest time that training may take on this machine, such as 90s, 10m or 2h; its speed is measured first.",
        rich_help_panel="Training",
    ),
]
Out = Annotated[Path | None, typer.Option(help="Folder for the results.")]


def refuse_idle(context: typer.Context, *rules: tuple[bool, str, tuple[str, ...]]) -> None:
    """Refuse options that were given on the command line though nothing reads them there.

    Parameters
    ----------
    context : typer.Context
        Of the verb.
    *rules : (bool, str, tuple of str)
        Whether nothing reads them, why (as in "without --relevance"), and the names of their parameters.

    Raises
    ------
    ConfigError
        Naming the first of them.
    """
    spelt = {parameter.name: parameter.opts[0] for parameter in context.command.params}
    for idle, why, parameters in rules:
        for name in parameters:
            source = context.get_parameter_source(name) if idle else None
            if source is not None and source.name == "COMMANDLINE":
                shown = spelt[name] if spelt[name].startswith("-") else spelt[name].upper()
                raise ConfigError(f"{shown} has no effect {why}; leave it out.")


DATA_OPTIONS = tuple(_DATA)


def duration(text: str | None) -> float | None:
    """Read a time such as ``"90s"``, ``"10m"`` or ``"1.5h"`` in seconds.

    Examples
    --------
    >>> duration("90s"), duration("10m"), duration("1.5h")
    (90.0, 600.0, 5400.0)
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh])", text.strip().lower())
    if found is None or float(found[1]) == 0:
        raise typer.BadParameter(f"{text!r} is no time; write it with its unit, such as 90s, 10m or 2h.")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def names(text: str | None) -> tuple[str, ...] | str | None:
    """Split ``"a,b"``; "none" stays what it is, and takes back what a file says."""
    if text is None or text.strip() == "none":
        return None if text is None else "none"
    return tuple(name.strip() for name in text.split(","))


def legend(path: Path | None) -> dict[str, str] | str | None:
    """Read the legend at `path`; "none" stays what it is, and takes back what a file says."""
    from prismseg.data import read_legend

    if path is None or str(path) == "none":
        return None if path is None else "none"
    return read_legend(path)
