from __future__ import annotations

import string
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from prismseg.monitor.languages import languages
from prismseg.monitor.languages.extract import missing, rendered, templates
from prismseg.monitor.languages.language import LANGUAGES
from prismseg.monitor.languages.retired import RETIRED, REWORDED
from prismseg.thermal import translatable_texts
from prismseg.thermal.soles.status import Caution

OTHERS = [code for code in languages() if code != "en"]
WHAT_TO_DO = "run `python -m prismseg.monitor.languages.extract --add` and translate the new entries"


def fields(template: str) -> Counter[tuple[str, str, str]]:
    """Placeholders with their format specifications."""
    parsed = string.Formatter().parse(template)
    return Counter(
        (name, spec or "", conversion or "") for _, name, spec, conversion in parsed if name is not None
    )


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_is_translated(code: str) -> None:
    lacking = missing(languages()[code].texts)
    listed = "\n".join(f"  {text!r} in {', '.join(places)}" for text, places in lacking.items())
    assert not lacking, f"{len(lacking)} texts have no translation in {code}.po; {WHAT_TO_DO}:\n{listed}"


@pytest.mark.parametrize("code", OTHERS)
def test_no_translation_is_obsolete(code: str) -> None:
    obsolete = sorted(set(languages()[code].texts) - set(templates()))
    assert not obsolete, f"{code}.po translates what the sources do not have; {WHAT_TO_DO}: {obsolete}"


@pytest.mark.parametrize("code", OTHERS)
def test_translations_have_the_same_fields(code: str) -> None:
    different = {
        text: translation
        for text, translation in languages()[code].texts.items()
        if fields(REWORDED.get(text, text)) != fields(translation)
        or text[-1:].isspace() != translation[-1:].isspace()
    }
    assert not different


@pytest.mark.parametrize("code", OTHERS)
def test_catalogues_are_sorted(code: str) -> None:
    path = LANGUAGES[code].catalogue  # of a package's language it lies in that package
    with path.open("rb") as file:
        texts = {
            str(entry.id): str(entry.string)
            for entry in read_po(file, locale=code, abort_invalid=True)
            if entry.id
        }
    assert path.read_text(encoding="utf-8") == rendered(code, texts), f"{code}.po is not as written; {WHAT_TO_DO}"


def test_sentences_and_words_are_collected() -> None:
    found = templates()
    assert set(translatable_texts()) <= set(found) and Caution.SIDES_SWAPPED.value in found
    assert {"thermal/anatomy.py", "thermal/output/texts.py"} <= set(found["left"])
    assert found["The threshold lies within its uncertainty."] == ["thermal/sessions/flags/rules/wording.py"]
    assert not any(text.startswith("{part0}") or text == "{value:.4g}" for text in found)


def test_all_places_of_the_monitor_are_searched(tmp_path: Path) -> None:
    sources = {
        "monitor/app.py": 'from x import Message\nMessage("A message {n}", n=1)\n_("Python " "text")\nother("no")\nf(_)',
        "monitor/pages/a.html": (
            '<p>{{ _("A page") }}{% trans %}A block{% endtrans %}{{ _("With {n}", n=3) }} _("no")</p>'
            """<b title="{{ _('An "attribute"') }}">{% if x %}{{ _('Inner') }}{% endif %}</b>"""
        ),
        "monitor/static/a.js": 'a = t("A script"); b.text = t(\'One {n}\', {n: 3}); at("no"); // t("no")',
        "monitor/static/vendor/b.js": 't("no")',
        "thermal/a.py": 'Message("Thermal")\n_("no")\nMessage("{a:.1f} ± {b}", a=1, b=2)\nMessage(no)\nMessage(f"{no}")',
        "train/loop.py": 'Message("no")',
    }
    for name, content in sources.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    found = set(templates(tmp_path)) - set(translatable_texts()) - set(RETIRED)
    assert found == {
        "A message {n}", "Python text", "A page", "A block", "With {n}", 'An "attribute"', "Inner", "A script",
        "One {n}", "Thermal",
    }  # fmt: skip


def test_a_catalogue_survives_quotes_and_lines(tmp_path: Path) -> None:
    texts = {'He said "so"\\': "Él lo «dijo»\n", "One\ttab": "Uno\ttabulador"}
    (tmp_path / "es.po").write_text(rendered("es", texts), encoding="utf-8")
    with (tmp_path / "es.po").open("rb") as file:
        again = {str(entry.id): str(entry.string) for entry in read_po(file, locale="es") if entry.id}
    assert again == texts
