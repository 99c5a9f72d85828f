"""Every text that the monitor can show, collected from the sources, so that no catalogue misses one.

``python -m prismseg.monitor.languages.extract`` prints what each catalogue misses; with ``--add`` it puts these entries
into the catalogues, to be translated there, and takes out those that the sources no longer have.
"""

from __future__ import annotations

import ast
import json
import string
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from babel.messages.extract import extract

from prismseg.base import write_text
from prismseg.monitor.languages.language import LANGUAGES, languages
from prismseg.monitor.languages.retired import RETIRED
from prismseg.thermal import translatable_texts

ROOT = Path(__file__).parents[2]
_MONITOR = "monitor"
_ROOMS = ("base", "thermal", _MONITOR)
_PAGES = {".html": ("jinja2.ext:babel_extract", ("_", "gettext")), ".js": ("javascript", ("t",))}
_OPTIONS = {
    "encoding": "utf-8",
    "silent": "false",
}  # a page that cannot be parsed must not pass as one without texts


def templates(root: Path = ROOT) -> dict[str, list[str]]:
    """Collect all templates, sorted, each with the files it stands in.

    ``Message("…")`` counts in the rooms whose sentences reach the monitor; in the monitor itself also ``_("…")`` in
    Python, ``{{ _("…") }}`` and ``{% trans %}`` in pages (``.html``) and ``t("…")`` in scripts (``.js``), but for
    scripts of others (in a folder ``vendor``); then the words of `prismseg.thermal.translatable_texts`,
    and sentences that earlier versions stored.
    """
    found: dict[str, set[str]] = {}
    words = ((text, "thermal/output/texts.py") for text in translatable_texts())
    retired = ((text, "monitor/languages/retired.py") for text in RETIRED)
    for text, place in (*_messages(root), *_interface(root), *words, *retired):
        found.setdefault(text, set()).add(place)
    return {text: sorted(places) for text, places in sorted(found.items())}


def _messages(root: Path) -> Iterator[tuple[str, str]]:
    for room in _ROOMS:
        path = root / room
        names = {"Message", "_"} if room == _MONITOR else {"Message"}
        for file in sorted(path.rglob("*.py")):
            for text in _literals(file.read_text(encoding="utf-8"), names):
                yield text, file.relative_to(root).as_posix()


def _literals(source: str, names: set[str]) -> Iterator[str]:
    """First arguments of calls of these names, where they are literals with words of their own."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and _has_words(first.value):
                yield first.value


def _has_words(template: str) -> bool:
    literals = (part[0] for part in string.Formatter().parse(template))
    return any(character.isalpha() for literal in literals for character in literal)


def _interface(root: Path) -> Iterator[tuple[str, str]]:
    for file in sorted((root / _MONITOR).rglob("*")):
        if file.suffix not in _PAGES or "vendor" in file.parts:
            continue
        method, names = _PAGES[file.suffix]
        with file.open("rb") as source:
            for _, text, _, _ in extract(method, source, keywords=dict.fromkeys(names), options=_OPTIONS):
                yield text if isinstance(text, str) else text[0], file.relative_to(root).as_posix()


def missing(texts: Mapping[str, str]) -> dict[str, list[str]]:
    """Templates that have no translation among `texts`, each with the files it stands in."""
    return {text: places for text, places in templates().items() if not texts.get(text)}


def rendered(code: str, texts: Mapping[str, str]) -> str:
    """Catalogue in gettext's format: sorted, one line a text, so that two people's additions seldom meet."""
    head = ("", f"Language: {code}\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n")
    entries = (head, *sorted(texts.items()))
    return "\n".join(f"msgid {_quoted(text)}\nmsgstr {_quoted(translation)}\n" for text, translation in entries)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # escapes as gettext does what a sentence can hold


def _main(add: bool) -> None:
    for code, source in LANGUAGES.items():
        if source.catalogue is None:
            continue
        known = languages()[code].texts
        for text, places in missing(known).items():
            print(f"{code}: {_quoted(text)} ({', '.join(places)})")
        if add:
            texts = {text: known.get(text, "") for text in templates()}
            write_text(source.catalogue, rendered(code, texts))


if __name__ == "__main__":
    _main(add="--add" in sys.argv[1:])
