from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from tests.thermal.sessions.test_session import course

import prismseg.thermal
from prismseg.base import DataError, Message
from prismseg.thermal import SIDE_NAMES, SIDES, Caution, Concern, Frame, Session, Soles, Status, translatable_texts

SPANISH = {
    "left": "izquierda",
    "Every pixel has {value:g} °C: a closed shutter or a broken export. Take the frame again.": "Todo: {value:g} °C.",
}
ROOM = Path(prismseg.thermal.__file__).parent
ERRORS = {"DataError", "ConfigError"}
# Folders whose sentences the monitor shows in the reader's language.
SPEAKING = [
    file for folder in ("frames", "output", "sessions", "soles") for file in sorted((ROOM / folder).rglob("*.py"))
]
# They write many files at once for the command line.
FOR_THE_COMMAND_LINE = {"frame_files.py", "session_files.py", "summary.py"}


def calls(tree: ast.AST) -> list[tuple[str, ast.Call]]:
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    return [(node.func.id, node) for node in nodes if isinstance(node.func, ast.Name)]


@pytest.mark.parametrize("file", SPEAKING, ids=lambda file: file.name)
def test_errors_are_raised_with_messages_of_literal_templates(file: Path) -> None:
    assert len(SPEAKING) > 30
    for name, call in calls(ast.parse(file.read_text(encoding="utf-8"))):
        texts = [argument for argument in call.args if isinstance(argument, ast.JoinedStr | ast.Constant)]
        if name in ERRORS and file.name not in FOR_THE_COMMAND_LINE:
            assert not texts, f"{file.name}:{call.lineno}: raise it with a Message"
        if name == "Message":
            formatted = [text for text in texts if isinstance(text, ast.JoinedStr)]
            assert not formatted, f"{file.name}:{call.lineno}: give the values by name"


def test_enumerations_and_names_are_among_the_sentences() -> None:
    members = {member.message for each in (Concern, Caution, Status) for member in each}
    assert members | set(SIDES) | {"whole sole", "sural", "warming", "clear"} <= set(translatable_texts())
    assert all(isinstance(member, Message) for member in members)
    assert [SIDE_NAMES[side].translated(lambda text: SPANISH.get(text, "")) for side in SIDES] == ["izquierda", ""]


def test_what_a_session_says_is_translatable_throughout() -> None:
    asked: list[str] = []

    def translate(template: str) -> str:
        asked.append(template)
        return template

    session = course((0, 27.0, 27.0), (5, 28.4, 27.0), (10, 28.6, 27.0), (20, 28.6, 27.0))
    session.add_failed(25, "Not by us.", "x.jpg")
    for flag in session.flags():
        assert flag.sentence.translated(translate) == flag.sentence
        assert flag.source.translated(translate) == flag.source
    for entry in session.entries:
        assert entry.statement.translated(translate) == entry.statement
        assert all(isinstance(text, Message) for text in (entry.reason, entry.status, *entry.cautions))
    assert "left" in asked and "{first:g} to {last:g} min" in asked and "Not by us." in asked
    assert not any("28.6" in template for template in asked)


def test_an_error_on_the_way_stays_translatable() -> None:
    with pytest.raises(DataError) as caught:
        Frame(np.zeros((4, 4), np.float32), source="tiny")
    assert caught.value.message.template.startswith("{source} has {height} x {width} pixels")
    entry = Session().add(np.full((60, 80), 25.5, np.float32), np.zeros((60, 80), bool), minute=0)
    assert entry.reason.translated(lambda text: SPANISH.get(text, text), ",") == "Todo: 25,5 °C."
    refused = Session().add(np.zeros((4, 4), np.float32), np.zeros((4, 4), bool), minute=0)
    assert refused.reason.translated(str).startswith("frame has 4 x 4 pixels")
    assert Soles.from_mask(np.zeros((60, 80), bool)).message.values["part0"] == "No foot is in the mask. " + (
        "Point the camera at both soles, or draw the mask by hand."
    )
