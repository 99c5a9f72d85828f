"""What makes a password too easy to guess."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from prismseg.base import ConfigError, Message

SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
SHORTEST_PIN, LONGEST_PIN = 6, 12
_FEWEST_DIFFERENT = 5  # characters
# What people write for a letter.
_LETTERS = str.maketrans("0134578@$!", "oieasteasi")
_RUNS = ("0123456789", "9876543210", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_RUN = 4  # characters of a run that make it one


def check_password(password: str, name: str) -> None:
    """Refuse a password that is short, long, or among the first that anybody would try.

    Parameters
    ----------
    password : str
        As typed.
    name : str
        Of the user, which must not be all of it.

    Raises
    ------
    ConfigError
        Saying what is wrong with it; the password itself is not repeated.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ConfigError(
            Message("A password has {least} to {most} characters.", least=SHORTEST_PASSWORD, most=LONGEST_PASSWORD)
        )
    if len(set(password.lower())) < _FEWEST_DIFFERENT:
        raise ConfigError(
            Message(
                "This password has fewer than {least} different characters; choose another one.",
                least=_FEWEST_DIFFERENT,
            )
        )
    if _is_common(password, name):
        raise ConfigError(
            Message(
                "This password is made of words, names or rows of keys that are tried first; take three or four words "
                "that have nothing to do with each other."
            )
        )


def check_pin(pin: str) -> None:
    """Refuse a PIN that is no number of 6 to 12 digits, or one that anybody would try.

    Raises
    ------
    ConfigError
        Saying what is wrong with it.
    """
    if not (pin.isascii() and pin.isdigit() and SHORTEST_PIN <= len(pin) <= LONGEST_PIN):
        raise ConfigError(f"A PIN has {SHORTEST_PIN} to {LONGEST_PIN} digits.")
    if len(set(pin)) < 3 or not _without_runs(pin) or pin[: len(pin) // 2] * 2 == pin:
        raise ConfigError("This PIN is one of the first that would be tried; choose another one.")


def _is_common(password: str, name: str) -> bool:
    """Tell whether nothing is left of a password without common words, the user's name, runs of keys and numbers."""
    words = {*_common_words(), *(part for part in re.split(r"\W+", name.lower()) if len(part) > 2)}
    plain = password.lower()
    return any(_is_made_of(_letters(text), words) for text in (plain, plain.translate(_LETTERS), _stripped(plain)))


def _stripped(text: str) -> str:
    """Read digits in the middle as letters and leave those at both ends, where years and counters are."""
    return text.strip("0123456789!@#$%&*.,-_ ?").translate(_LETTERS)


def _letters(text: str) -> str:
    return re.sub(r"[\W\d_]+", "", _without_runs(text))


def _without_runs(text: str) -> str:
    for run in _RUNS:
        for start in range(len(run) - _RUN + 1):
            for end in range(len(run), start + _RUN - 1, -1):
                text = text.replace(run[start:end], "")
    return text


def _is_made_of(text: str, words: set[str]) -> bool:
    """Tell whether a text is a chain of words; an empty one is."""
    reached = {0}
    for end in range(1, len(text) + 1):
        if any(start in reached and text[start:end] in words for start in range(end)):
            reached.add(end)
    return len(text) in reached


@lru_cache(maxsize=1)
def _common_words() -> frozenset[str]:
    return frozenset((Path(__file__).parent / "common_words.txt").read_text("utf-8").split())
