"""Old names of arguments, attributes and exports work, warn, and name the new one."""

import warnings
from dataclasses import dataclass
from enum import Enum
from importlib import import_module

import pytest

from prismseg.base.deprecation import renamed, renamed_exports


@renamed(seconds="duration")
def wait(duration: float) -> float:
    return duration


@renamed(length="duration", of="parse")
@dataclass(frozen=True)
class Pause:
    duration: float

    @classmethod
    def parse(cls, text: str) -> "Pause":
        return cls(float(text))


@renamed(SWIFT="FAST")
class Speed(Enum):
    FAST = 1


def test_an_old_argument_is_taken_for_the_new_one() -> None:
    with pytest.warns(DeprecationWarning, match="wait: seconds is called duration"):
        assert wait(seconds=3) == 3  # type: ignore[call-arg]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert wait(duration=3) == 3


def test_both_names_of_an_argument_are_one_too_many() -> None:
    with pytest.raises(TypeError, match="leave out 'seconds'"):
        wait(duration=3, seconds=3)  # type: ignore[call-arg]


def test_old_fields_and_methods_of_a_class() -> None:
    with pytest.warns(DeprecationWarning, match="Pause: length is called duration"):
        pause = Pause(length=2)  # type: ignore[call-arg]
    with pytest.warns(DeprecationWarning):
        assert pause.length == 2  # type: ignore[attr-defined]
    with pytest.warns(DeprecationWarning, match="of is called parse"):
        assert Pause.of("2") == pause  # type: ignore[attr-defined]


def test_an_old_member_of_an_enumeration_is_the_new_one() -> None:
    with pytest.warns(DeprecationWarning):
        assert Speed.SWIFT is Speed.FAST  # type: ignore[attr-defined]
    assert list(Speed) == [Speed.FAST]


def test_a_package_gives_what_the_new_name_does_and_nothing_else() -> None:
    load = renamed_exports("prismseg.base", Oops="DataError")
    with pytest.warns(DeprecationWarning, match="Oops is called DataError"):
        assert load("Oops") is import_module("prismseg.base").DataError
    with pytest.raises(AttributeError, match="nothing"):
        load("nothing")
