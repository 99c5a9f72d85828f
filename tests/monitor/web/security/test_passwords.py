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
    ],
)
def test_easy_passwords_are_refused_and_not_repeated(password: str) -> None:
    with pytest.raises(ConfigError, match="password") as told:
        check_password(password, "Anna Serra")
    assert password not in str(told.value)


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "another long password", "tibia-Kolibri-74", "Ñandú verde lejos", "xK4#pq91Lm!z"],
)
def test_others_are_taken(password: str) -> None:
    check_password(password, "Anna Serra")


@pytest.mark.parametrize(
    "pin", ["12345", "123456", "654321", "111111", "121212", "4711", "a12345", "٤٧١١٤٧", "1" * 13, "274274"]
)
def test_easy_pins_are_refused(pin: str) -> None:
    with pytest.raises(ConfigError, match="PIN"):
        check_pin(pin)


def test_other_pins_are_taken() -> None:
    check_pin("274915")


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
