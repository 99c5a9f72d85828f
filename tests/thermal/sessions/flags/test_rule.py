"""One registration adds a flag: its thresholds, tables, words and files follow."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.thermal.sessions.test_session import course

from prismseg.base import ConfigError, Message
from prismseg.thermal import (
    FLAG_RULES,
    Flag,
    FlagRule,
    FlagSettings,
    Session,
    SessionCurves,
    ThresholdSettings,
    list_thresholds,
    threshold,
    translatable_texts,
    write_session,
)
from prismseg.thermal.sessions.flags.rules.warming import WarmingSettings


@dataclass(frozen=True)
class ShortSettings(ThresholdSettings):
    shortest: float = threshold(20.0, "min", "Length of a session below which it is called short.")


def find_short(curves: SessionCurves, settings: ShortSettings) -> list[Flag]:
    last = curves.entries[-1].minute
    said = Message("The session ended after {minute:g} min.", minute=last)
    evidence = {"threshold": settings.shortest, "after": len(curves.found)}
    return [Flag("short session", "notice", None, (last,), said, evidence)] if last < settings.shortest else []


RULE = FlagRule(
    ShortSettings, find_short, title=Message("Short session"), caveat=Message("It says nothing of the block.")
)


@pytest.fixture
def short() -> Iterator[None]:
    with FLAG_RULES.temporarily("short session", RULE, summary="A session that ended early."):
        yield


@pytest.mark.usefixtures("short")
def test_a_registered_rule_finds_its_flag_after_all_others(tmp_path: Path) -> None:
    session = course((0, 27.0, 27.0), (5, 28.6, 27.0), (10, 28.6, 27.0))
    *others, flag = session.flags()
    assert flag.name == "short session" and flag.sentence == "The session ended after 10 min."
    assert flag.evidence == {"threshold": 20.0, "after": len(others)} and others[0].name == "warming"
    write_session(session, tmp_path)
    written = json.loads((tmp_path / "session.json").read_text())
    assert written["flags"][-1]["name"] == "short session" and written["settings"]["shortest"] == 20.0


@pytest.mark.usefixtures("short")
def test_its_thresholds_are_flag_settings_and_its_words_are_translated() -> None:
    assert FlagSettings(shortest=5).group(ShortSettings) == ShortSettings(5)
    session = course((0, 27.0, 27.0), (10, 27.0, 27.0), session=Session(flags=FlagSettings(shortest=5)))
    assert "short session" not in {flag.name for flag in session.flags()}
    row = ("short session", "shortest", 20.0, "min", "Length of a session below which it is called short.")
    assert row in list_thresholds()
    assert {"short session", "Short session", "It says nothing of the block."} <= set(translatable_texts())


def test_without_it_nothing_is_left() -> None:
    assert "short session" not in FLAG_RULES and "short session" not in translatable_texts()
    with pytest.raises(ConfigError, match="no flag setting 'shortest'"):
        FlagSettings(shortest=5)
    with pytest.raises(AttributeError, match="shortest"):
        _ = FlagSettings().shortest


def test_settings_are_values() -> None:
    settings = FlagSettings(warming=1.5, frames=3)
    assert (settings.warming, settings.frames, settings.clear_warming) == (1.5, 3, 2.0)
    assert settings == FlagSettings(frames=3, warming=1.5) != FlagSettings()
    assert len({settings, FlagSettings(frames=3, warming=1.5)}) == 1
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert settings.group(WarmingSettings) == WarmingSettings(warming=1.5)
    assert settings.to_dict()["plausible"] == (5.0, 50.0) and "warming=1.5" in repr(settings)


def test_every_threshold_has_a_meaning_and_a_name_of_its_own() -> None:
    rows = list_thresholds()
    assert len({name for _, name, *_ in rows}) == len(rows) == len(FlagSettings().to_dict())
    assert all(meaning.endswith(".") for *_, meaning in rows)
    assert {flag for flag, *_ in rows} == {"several", *FLAG_RULES}


def test_thresholds_as_they_are_written_on_a_command_line() -> None:
    parsed = FlagSettings.parse(["warming=1.5", " frames = 3", "plausible=4:45"])
    assert parsed == FlagSettings(warming=1.5, frames=3, plausible=(4.0, 45.0))
    assert FlagSettings.parse([]) == FlagSettings()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("warming", "'warming' is not written"),
        ("warming=x", "not written"),
        ("frames=2.5", "not written"),
        ("plausible=5", "not written"),
        ("warming=1:2", "not written"),
        ("worming=1", "no flag setting 'worming'"),
        ("warming=-1", "0 or more"),
    ],
)
def test_thresholds_that_cannot_be(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        FlagSettings.parse([text])
