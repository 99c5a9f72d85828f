"""Passwords and PINs that anybody would try first."""

from __future__ import annotations

import pytest

from prismseg.base import ConfigError
from prismseg.monitor.web.security.passwords import check_password, check_pin


@pytest.mark.parametrize(
    "password",
    [
        "short one",
        "x" * 201,
        "aaaaaaaaaaaa",
        "1212121212",
        "1234567890",
        "password123",
        "P@ssw0rd2026!",
        "Contraseña1",
        "qwertyuiop",
        "hospital2026",
        "labourward1",
        "matrona2026",
        "midwife-midwife",
        "Anna.Serra.77",
        "0123456789abcdef",
        "administrator",
        "1q2w3e4r5t",
        "zaq12wsxcde3",
        "yaq12wsxcde3",  # the same on a German keyboard
        "1qaz2wsx3edc",
        "!QAZ2wsx#EDC",
        "azertyuiop26",
        "Sommer2025!!",
        "Ver@no2025!!",
        "Febrero.2026",
        "Frühling#2026",
        "Kreissaal1!!",
        "Quirófano2026",
        "aserra2026!!",
        "arreS.annA.77",
        "Paritorio.Norte.1",
        "maternidad2026x",
        "147258369147",
    ],
)
def test_easy_passwords_are_refused_and_not_repeated(password: str) -> None:
    with pytest.raises(ConfigError, match="password") as told:
        check_password(password, "Anna Serra", "Paritorio Norte")
    assert password not in str(told.value)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "another long password",
        "tibia-Kolibri-74",
        "Ñandú verde lejos",
        "xK4#pq91Lm!z",
        "tree were pool dress",
        "verde sommer tinta",
    ],
)
def test_others_are_taken(password: str) -> None:
    check_password(password, "Anna Serra")


@pytest.mark.parametrize(
    "pin",
    ["12345", "123456", "654321", "111111", "121212", "4711", "a12345", "٤٧١١٤٧", "1" * 13, "274274", "147258"],
)
def test_easy_pins_are_refused(pin: str) -> None:
    with pytest.raises(ConfigError, match="PIN"):
        check_pin(pin)


def test_other_pins_are_taken() -> None:
    check_pin("274915")


def test_the_name_of_the_ward_is_no_password(services):
    with pytest.raises(ConfigError, match="password"):
        services.users.add("Eva", "Paritorio.Norte.1", ward="Paritorio Norte")
    services.users.add("Eva", "correct horse battery", ward="Paritorio Norte")
    with pytest.raises(ConfigError, match="password"):
        services.users.add("Eva", "Paritorio.Norte.1")


def test_two_users_are_not_told_apart_by_capitals_alone(services):
    services.users.add("Ana Ruiz", "correct horse battery")
    for name in ("ana ruiz", "Ana  Ruiz", "AnaRuiz", "Ａna Ruiz"):
        with pytest.raises(ConfigError, match="Ana Ruiz already"):
            services.users.add(name, "correct horse battery")
        assert services.users.admit(name, role="administrator", ward=None) is None
    services.users.add("Ana Ruiz", "another long password")  # the same one has a new password
    assert list(services.users.accounts()) == ["Ana Ruiz"]


def test_who_was_disabled_does_not_come_back_under_other_capitals(services):
    assert services.users.admit("eva", role="staff", ward=None) is not None
    services.users.disable("eva")
    assert [services.users.admit(name, role="staff", ward=None) for name in ("eva", "Eva", "E va")] == [None] * 3
