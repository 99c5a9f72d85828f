"""Hooks of MkDocs: tables and reference pages that are derived from the package, not written by hand."""

from __future__ import annotations

import importlib
import inspect
import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

PACKAGE = "prismseg"
Table = tuple[tuple[str, ...], Iterable[tuple[object, ...]]]  # head and rows
MARK = re.compile(r"^<!-- (?P<what>table|registry|reference): (?P<name>[\w.-]+) -->$", re.MULTILINE)
# What a browser loads by itself; links that a reader may follow are none of it.
ELSEWHERE = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?P<address>(?:https?:)?//[^"'>\s]+)"""
    r"""|<link\b[^>]*\brel=["']?(?:stylesheet|icon|preload)[^>]*\bhref=["']?(?P<sheet>(?:https?:)?//[^"'>\s]+)"""
)

EXTRAS = {
    "monitor": "the bedside monitor",
    "encoders": "pretrained encoders, `train --encoder-weights imagenet`",
    "csq": "films of FLIR cameras that are compressed (CSQ)",
    "camera": "USB cameras at the monitor",
    "dicom": "reports as DICOM, DICOM images in data sets",
    "nifti": "NIfTI images and masks",
    "slides": "pyramids and compressed tiles of large TIFFs",
    "sso": "the monitor with the hospital's accounts (LDAP, OpenID Connect)",
    "postgresql": "the monitor on PostgreSQL",
    "onnx": "`prismseg export --onnx`",
    "cluster": "studies on Ray and Dask",
    "tracking": "`prismseg train --tracking`",
    "dist": "`make dist`",
    "docs": "`make docs`",
    "dev": "tests and checks",
}


def on_page_markdown(markdown: str, **_: object) -> str:
    """Replace each line that is one of these comments by what the package says.

    ``<!-- table: NAME -->`` by a table of `TABLES`, ``<!-- registry: MODULE.NAME -->`` by the entries of a registry,
    ``<!-- reference: MODULE -->`` by a module's public names with their docstrings.
    """
    return MARK.sub(lambda match: SOURCES[match["what"]](match["name"]), markdown)


def on_post_page(output: str, **_: object) -> str:
    """Refuse a page that loads anything from another host: without a network it would lack that."""
    elsewhere = ELSEWHERE.search(output)
    if elsewhere:
        address = elsewhere["address"] or elsewhere["sheet"]
        raise LookupError(f"A page loads {address} from another host; keep a copy in docs/assets.")
    return output


def _table(name: str) -> str:
    return _lines(*TABLES[name]())


def _registry(name: str) -> str:
    module, _, attribute = name.rpartition(".")
    registry = getattr(importlib.import_module(module), attribute)
    return _lines((registry.kind, ""), [(f"`{entry}`", summary) for entry, summary in registry.rows()])


def _reference(name: str) -> str:
    """Public names of a module: a table of them all, then what mkdocstrings finds in the docstring of each."""
    module = importlib.import_module(name)
    exports = {export: getattr(module, export) for export in sorted(module.__all__, key=str.lower)}
    documented = {export: target for export, target in exports.items() if _is_defined(target)}
    constants = [
        (f"`{export}`", f"`{_shortened(target)}`")
        for export, target in exports.items()
        if export not in documented
    ]
    # The top of the package repeats names of its rooms, whose pages document them.
    at = {export: _room(export, target) if name == PACKAGE else name for export, target in documented.items()}
    rows = [(f"[`{export}`][{at[export]}.{export}]", _first_line(target)) for export, target in documented.items()]
    parts = [_first_line(module), _lines(("name", "is"), rows)]
    if constants:
        parts.append(_lines(("constant", "value"), constants))
    parts += [f"::: {name}.{export}" for export in documented if at[export] == name]
    return "\n\n".join(parts)


def _room(export: str, target: object) -> str:
    """Room that documents a name of the package's top."""
    for page in sorted(Path(__file__).with_name("reference").glob("*.md")):
        if page.stem == PACKAGE:
            continue
        name = f"{PACKAGE}.{page.stem}"
        room = importlib.import_module(name)
        if export in room.__all__ and getattr(room, export) is target:
            return name
    raise LookupError(f"{PACKAGE}.{export} is public, and no page of docs/reference documents it.")


def _is_defined(target: object) -> bool:
    """Whether an export is a class or function, which has a docstring of its own."""
    return inspect.isclass(target) or inspect.isroutine(target)


def _first_line(target: object) -> str:
    return (inspect.getdoc(target) or "").partition("\n")[0]


def _shortened(value: object) -> str:
    if isinstance(value, ModuleType):
        return value.__name__
    text = " ".join(repr(value).split())
    return text if len(text) <= 90 else f"{text[:87]}..."


def _models() -> Table:
    from prismseg import list_models

    rows = [(f"`{model.name}`", model.arch, model.skip, model.multiplier) for model in list_models()]
    return ("name", "architecture", "skips", "multiplier"), rows


def _map_methods() -> Table:
    from prismseg.explain import list_methods

    rows = [
        (row["title"], f"`{row['method']}`", row["needs"], f"${row['formula']}$", row["citation"])
        for row in list_methods().to_dict("records")
    ]
    return ("method", "name", "needs", "map", "source"), rows


def _frame_readers() -> Table:
    from prismseg.thermal import FRAME_READERS

    rows = [(name, what, " ".join(FRAME_READERS[name].suffixes)) for name, what in FRAME_READERS.rows()]
    return ("reader", "files", "suffixes"), rows


def _flags() -> Table:
    from prismseg.thermal import FLAG_RULES

    return ("flag", "when"), FLAG_RULES.rows()


def _thresholds() -> Table:
    from prismseg.thermal import list_thresholds

    rows = [
        (flag, f"`{name}`", f"{value} {unit}".strip(), meaning)
        for flag, name, value, unit, meaning in list_thresholds()
    ]
    return ("flag", "threshold", "default", "meaning"), rows


def _extras() -> Table:
    project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    if EXTRAS.keys() != extras.keys():
        raise LookupError(f"The extras of pyproject.toml are {', '.join(extras)}; describe each in EXTRAS.")
    names = {extra: ", ".join(re.split(r"[<>=]", part)[0] for part in parts) for extra, parts in extras.items()}
    rows = [(f"`{extra}`", what, names[extra] if extra != "dev" else "") for extra, what in EXTRAS.items()]
    return ("extra", "for", "packages"), rows


def _lines(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


TABLES: dict[str, Callable[[], Table]] = {
    "extras": _extras,
    "flags": _flags,
    "frame-readers": _frame_readers,
    "map-methods": _map_methods,
    "models": _models,
    "thresholds": _thresholds,
}
SOURCES: dict[str, Callable[[str], str]] = {"table": _table, "registry": _registry, "reference": _reference}
