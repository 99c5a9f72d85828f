from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from prismseg.base import Message, PrismsegError
from prismseg.monitor.languages import LANGUAGES, Language, languages, pick, register_language
from prismseg.monitor.languages.extract import missing, rendered
from prismseg.thermal import Estimate, FlagSettings, Session, find_flags, read_frame
from prismseg.thermal.sessions.entry import Concern, Entry, Observation
from prismseg.thermal.soles.status import Caution

ENGLISH, SPANISH = languages()["en"], languages()["es"]


def entry(minute: float, left: float, right: float, *observations: Observation) -> Entry:
    estimates = {
        side: {"whole sole": Estimate(1000, mean, 0.5, mean, 0.05, 0.0, 0.0)}
        for side, mean in (("left", left), ("right", right))
    }
    return Entry(minute, "a.jpg", estimates=estimates, observations=observations)  # type: ignore[arg-type]


def test_a_flag_in_spanish() -> None:
    remark = Observation(Concern.MASK, Caution.SPLIT.message)
    frames = [entry(0, 27.0, 27.0), entry(5, 28.25, 27.1, remark), entry(10, 28.4, 27.2)]
    (flag, apart, quality) = find_flags(frames, frames[0], FlagSettings(warming=1.2))
    assert flag.sentence == (
        "The left sole was warmer than at baseline by 1.2 °C or more in 2 consecutive frames (5 to 10 min), by at most "
        "1.4 ± 0.1 °C. The threshold lies within its uncertainty. Remarks on its frames: unusable mask."
    )
    assert SPANISH(flag.sentence) == (
        "La planta izquierda ha estado más caliente que en el registro basal, con una diferencia de 1,2 °C o más en 2 "
        "imágenes consecutivas (de 5 a 10 min), como máximo 1,4 ± 0,1 °C. El umbral queda dentro de su incertidumbre. "
        "Advertencias sobre sus imágenes: máscara no utilizable."
    )
    assert SPANISH(flag.source) == "Stevens 2006; Park, 185 bloqueos simpáticos lumbares, AUC 0,971"
    assert [SPANISH(caution) for caution in flag.evidence["cautions"]] == ["máscara no utilizable"]
    assert (
        SPANISH(quality.sentence)
        == "5 min: Las plantas se tocaban y se han separado por el estrechamiento entre ellas."
    )
    assert (SPANISH(flag.name), SPANISH(flag.level), SPANISH("left")) == ("calentamiento", "presente", "izquierda")
    assert (apart.name, SPANISH(apart.level)) == ("asymmetric", "sin confirmar")
    assert SPANISH(apart.sentence).startswith(
        "La planta izquierda se calentó más que la derecha. Sus cambios desde la basal difirieron en 1,2 ± 0,2 °C"
    )


def test_no_sign_is_said_with_care_in_spanish() -> None:
    frames = [entry(0, 33.9, 27.0), entry(20, 34.0, 27.1)]
    sentence = find_flags(frames, frames[0])[-1].sentence
    assert SPANISH(sentence) == (
        "A los 20 min ninguna planta está más caliente que en el registro basal en 1 °C (izquierda +0,1 ± 0,1, derecha "
        "+0,1 ± 0,1 °C). Esto NO descarta un bloqueo eficaz: en un estudio los dedos del pie se habían calentado a los "
        "20 min en solo 14 de 29 bloqueos eficaces. El registro basal no dejaba margen para un ascenso (izquierda)."
    )


def test_a_frame_without_numbers_in_spanish(tmp_path: Path) -> None:
    session = Session()
    celsius = np.linspace(20, 30, 60 * 80, dtype=np.float32).reshape(60, 80)
    failed = session.add(celsius, np.zeros((60, 80), bool), minute=2.5)
    assert failed.statement.startswith("2.5 min: no numbers. No foot")
    assert SPANISH(failed.statement) == (
        "2,5 min: sin valores. No hay ningún pie en la máscara. Apunte la cámara a ambas plantas o dibuje la máscara a "
        "mano."
    )
    path = tmp_path / "t0.5.jpg"
    path.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(PrismsegError) as caught:
        read_frame(path)
    unreadable = session.add_failed(3, caught.value.message)
    assert SPANISH(unreadable.reason) == (
        f"{path} está incompleto o dañado (no hay segmento JPEG en el byte 2); cópielo de nuevo desde la cámara o "
        "prescinda de él."
    )
    assert ENGLISH(unreadable.reason) == unreadable.reason == str(caught.value)


def test_changed_parameters_in_spanish() -> None:
    change = Message(
        "{name} {now} instead of {before}", name=Message("emissivity"), now=0.95, before=Message("not stated")
    )
    assert SPANISH(change) == "emisividad 0,95 en lugar de no indicado"


def test_templates_are_translated_and_filled() -> None:
    assert SPANISH("{minute:g} min: measured.", minute=2.5) == "2,5 min: medida."
    assert SPANISH("Nobody translated {this:.1f}", this=0.5) == "Nobody translated 0,5"
    assert SPANISH("{braces} stay") == "{braces} stay"
    assert ENGLISH("{minute:g} min", minute=2.5) == "2.5 min"
    assert (ENGLISH.name, SPANISH.name, SPANISH.decimal) == ("English", "Español", ",")


def test_numbers_dates_and_the_clock() -> None:
    moment = datetime(2026, 5, 31, 22, 5, tzinfo=UTC)
    madrid = ZoneInfo("Europe/Madrid")
    spanish = Language("es", "Español", ",", "es_ES", zone=madrid)
    english = Language("en", "English", ".", "en_GB", zone=madrid)
    assert spanish.time(moment) == english.time(moment) == "00:05"
    assert (spanish.date(moment), english.date(moment)) == ("1 jun 2026", "1 Jun 2026")
    assert SPANISH.time(moment) == moment.astimezone().strftime("%H:%M")
    assert (SPANISH.number(1.25), SPANISH.number(1.25, 2, sign=True), ENGLISH.number(-0.5)) == (
        "1,2",
        "+1,25",
        "-0.5",
    )
    clocks = {12.5: "12:30", 0: "0:00", -2: "-2:00", 75: "75:00", -0.001: "0:00", 1.999: "2:00"}
    assert {minutes: SPANISH.clock(minutes) for minutes in clocks} == clocks


@pytest.mark.parametrize(
    ("accepted", "chosen", "code"),
    [
        ("es-ES,es;q=0.9,en;q=0.8", None, "es"),
        ("xq-XQ, en-US;q=0.5, es;q=0.7", None, "es"),
        ("es;q=0.1,en", None, "en"),
        ("es;q=0", None, "en"),
        ("de", None, "en"),
        ("es", "en", "en"),
        (None, "es", "es"),
        ("es", "xx", "es"),
        ("", None, "en"),
        (";;q=x,,es;q=high", None, "en"),
        ("es;q=nan", None, "en"),
    ],
)
def test_the_language_is_picked(accepted: str | None, chosen: str | None, code: str) -> None:
    assert pick(accepted, chosen).code == code


def test_one_registration_adds_a_language(tmp_path: Path) -> None:
    """Its catalogue is read, its numbers and dates follow its region, a browser that asks for it gets it."""
    catalogue = tmp_path / "fr.po"
    catalogue.write_text(rendered("fr", {"Log in": "Se connecter"}), encoding="utf-8")
    register_language("fr", "Français", "fr_FR", catalogue)
    try:
        french = pick("fr-FR,fr;q=0.9,en;q=0.5")
        assert list(languages()) == ["en", "es", "fr"]
        assert (french.name, french("Log in"), french.number(-1.25, 2)) == ("Français", "Se connecter", "-1,25")
        assert french.date(datetime(2026, 5, 31, tzinfo=UTC)) == "31 mai 2026"
        assert "1 capture" in missing(french.texts) and "Log in" not in missing(french.texts)
    finally:
        LANGUAGES.unregister("fr")
    assert list(languages()) == ["en", "es"]
