from __future__ import annotations

import math

import pytest

from prismseg.base import Message
from prismseg.monitor.report.words import Words
from prismseg.thermal import Value

from .conftest import START, in_utc

ENGLISH, SPANISH = Words(in_utc("en")), Words(in_utc("es"))


@pytest.mark.parametrize(
    ("value", "digits", "sign", "english", "spanish"),
    [
        (1.25, 2, True, "+1.25", "+1,25"),
        (-1.25, 2, False, "−1.25", "−1,25"),
        (-0.04, 1, True, "0.0", "0,0"),
        (0.0, 0, True, "0", "0"),
        (10.0, 0, False, "10", "10"),
    ],
)
def test_numbers(value: float, digits: int, sign: bool, english: str, spanish: str) -> None:
    assert ENGLISH.number(value, digits, sign=sign) == english
    assert SPANISH.number(value, digits, sign=sign) == spanish


def test_measured_values_have_half_their_interval() -> None:
    assert SPANISH.measured(Value(-1.26, 0.1), sign=True) == "−1,3 ± 0,2"
    assert SPANISH.measured(Value(math.nan, math.nan)) == "–"


def test_minutes_are_whole_where_they_are() -> None:
    assert [ENGLISH.minute(each) for each in (0.0, -1.5, 5.02, 10.24, 19.97)] == ["0", "−1.5", "5", "10.2", "20"]


def test_hyphens_that_join_stay_hyphens() -> None:
    text = Message("L3-L4, by -1.5 °C ({one:+.1f}), 2026-05-04, one-2", one=-2)
    assert ENGLISH(text) == "L3-L4, by −1.5 °C (−2.0), 2026-05-04, one-2"


def test_parameters_have_names_and_units() -> None:
    parameters = {"emissivity": 0.98, "distance": 0.7, "window_temperature": 20.0, "gain": 2.0}
    assert ENGLISH.parameters(parameters) == "emissivity 0.98, distance 0.7 m, window temperature 20 °C, gain 2"
    assert SPANISH.parameters({"emissivity": 0.98}) == "emisividad 0,98"


def test_moments_are_local() -> None:
    assert SPANISH.moment(START) == "4 may 2026, 14:00"
