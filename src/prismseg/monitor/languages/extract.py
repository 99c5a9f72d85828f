"""Every text that the monitor can show, collected from the sources, so that no catalogue misses one.

``python -m prismseg.monitor.languages.extract`` prints the missing entries of each catalogue, ready to be translated.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract

from prismseg.monitor.languages.language import languages
from prismseg.thermal import sentences

ROOT = Path(__file__).parents[2]
_SENTENCES = ("base", "thermal", "monitor", "train/feet.py")
_MONITOR = "monitor"


def templates() -> dict[str, list[str]]:
    """Collect all templates, sorted, each with the files it stands in.

    ``Message("…")`` counts in the rooms whose sentences reach the monitor; there ``_("…")`` in Python, ``{{ _("…") }}`` and
    ``{% trans %}`` in pages, ``t("…")`` in scripts; and the words of `prismseg.thermal.sentences`.
    """
    found: dict[str, set[str]] = {}
    for text, place in (*_messages(), *_interface(), *((text, "thermal/words.py") for text in sentences())):
        found.setdefault(text, set()).add(place)
    return {text: sorted(places) for text, places in sorted(found.items())}


def _messages() -> Iterator[tuple[str, str]]:
    for part in _SENTENCES:
        path = ROOT / part
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            names = {"Message", "_"} if part == _MONITOR else {"Message"}
            for text in literals(file.read_text(encoding="utf-8"), names):
                yield text, file.relative_to(ROOT).as_posix()


def _interface() -> Iterator[tuple[str, str]]:
    kinds = {".html": ("jinja2.ext:babel_extract", ("_", "gettext")), ".js": ("javascript", ("t",))}
    for file in sorted((ROOT / _MONITOR).rglob("*")):
        if file.suffix not in kinds:
            continue
        method, names = kinds[file.suffix]
        with file.open("rb") as source:
            for _, message, _, _ in extract(method, source, keywords=dict.fromkeys(names), options=_OPTIONS):
                text = message if isinstance(message, str) else message[0]
                if text:
                    yield text, file.relative_to(ROOT).as_posix()


_OPTIONS = {"encoding": "utf-8", "silent": "false"}  # a page that cannot be parsed must not pass as one without texts


def literals(source: str, names: set[str]) -> Iterator[str]:
    """First arguments of calls of these names, where they are literals with a letter."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names and node.args):
            continue
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str) and has_words(first.value):
            yield first.value


def has_words(template: str) -> bool:
    """Whether a template has letters outside its fields."""
    outside, depth = [], 0
    for character in template:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth == 0:
            outside.append(character)
    return any(map(str.isalpha, outside))


def missing() -> dict[str, dict[str, list[str]]]:
    """Templates without a translation, by language; English needs none."""
    wanted = templates()
    return {
        code: {text: places for text, places in wanted.items() if text not in language.texts}
        for code, language in languages().items()
        if code != "en"
    }


def _entry(text: str, places: list[str]) -> str:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'#: {" ".join(places)}\nmsgid "{quoted}"\nmsgstr ""\n'


def _main() -> None:
    for code, texts in missing().items():
        print(f"# {code}: {len(texts)} missing\n")
        print("\n".join(_entry(text, places) for text, places in texts.items()))


if __name__ == "__main__":
    _main()
