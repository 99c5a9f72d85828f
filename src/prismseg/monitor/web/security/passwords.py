"""What makes a password too easy to guess."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from prismseg.base import ConfigError, Message

SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
SHORTEST_PIN, LONGEST_PIN = 6, 12
_FEWEST_DIFFERENT = 5  # characters
# What people write for a letter.
_LETTERS = str.maketrans("0134578@$!", "oieasteasi")
_RUNS = ("0123456789", "9876543210", "abcdefghijklmnopqrstuvwxyz", "147258369", "963852741")
_RUN = 4  # characters of a run that make it one
_SHIFTED = str.maketrans("!@#$%^&*()", "1234567890")
# Rows of keys, each shifted to the right against the one above.
_SHIFTS = (0.0, 0.5, 0.75, 1.25)
_LAYOUTS = (
    ("1234567890", "qwertyuiop", "asdfghjklñ", "zxcvbnm"),
    ("1234567890", "qwertzuiopü", "asdfghjklöä", "yxcvbnm"),
    ("1234567890", "azertyuiop", "qsdfghjklm", "wxcvbn"),
)
_NEAR = 1.3  # widths of a key between two that touch
_WALK, _LINE = 6, 3  # keys, one beside the other, in a zigzag and in a line, that make a walk
_SPARE = 1  # letters beside words that make no password of them


def check_password(password: str, name: str, ward: str = "") -> None:
    """Refuse a password that is short, long, or among the first that anybody would try.

    Parameters
    ----------
    password : str
        As typed.
    name, ward : str
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
    if _is_common(password, f"{name} {ward}"):
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


def _is_common(password: str, names: str) -> bool:
    """Tell whether nothing is left of a password without common words, the user's names, walks over keys and numbers."""
    words = {*_common_words(), *_variants(_unaccented(names))}
    plain = _unaccented(password)
    # Digits in the middle may be letters; those at both ends are years and counters.
    inside = plain.strip("0123456789!@#$%&*.,-_ ?")
    texts = (_without_walks(password.lower()), plain.translate(_LETTERS), inside.translate(_LETTERS), plain)
    return any(_is_made_of(_letters(text), words) for text in texts)


def _unaccented(text: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(each))


def _variants(names: str) -> Iterator[str]:
    """Name a person or a ward as they are written in passwords: parts, initials, backwards."""
    parts = [part for part in re.split(r"[\W_]+", names) if part]
    for part in parts:
        if len(part) > 2:
            yield from (part, part[::-1])
            yield from (each[0] + part for each in parts)
            yield from (part + each[0] for each in parts)
    yield "".join(part[0] for part in parts)


def _letters(text: str) -> str:
    return re.sub(r"[\W\d_]+", "", _without_runs(text))


def _without_runs(text: str) -> str:
    for run in _RUNS:
        for start in range(len(run) - _RUN + 1):
            for end in range(len(run), start + _RUN - 1, -1):
                text = text.replace(run[start:end], "")
    return text


def _without_walks(text: str) -> str:
    """Leave out keys that touch one another in a row; which keyboard somebody has is not known."""
    return min((_off_keyboard(text.translate(_SHIFTED), keys) for keys in map(_places, _LAYOUTS)), key=len)


def _off_keyboard(text: str, keys: Mapping[str, tuple[float, float]]) -> str:
    kept, start = "", 0
    for end in range(1, len(text) + 1):
        if end < len(text) and _touch(keys, text[end - 1], text[end]):
            continue
        walk = text[start:end]
        line = len(walk) >= _LINE and len({_step(keys, *pair) for pair in pairwise(walk)}) == 1
        kept += "" if line or len(walk) >= _WALK else walk
        start = end
    return kept


def _touch(keys: Mapping[str, tuple[float, float]], one: str, other: str) -> bool:
    return one in keys and other in keys and math.dist(keys[one], keys[other]) <= _NEAR


def _step(keys: Mapping[str, tuple[float, float]], one: str, other: str) -> tuple[bool, int]:
    """Tell in which direction one goes: to the right or not, and how many rows down."""
    return keys[other][0] > keys[one][0], round(keys[other][1] - keys[one][1])


def _places(layout: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    return {
        key: (shift + column, float(row))
        for row, (keys, shift) in enumerate(zip(layout, _SHIFTS, strict=True))
        for column, key in enumerate(keys)
    }


def _is_made_of(text: str, words: set[str]) -> bool:
    """Tell whether a text is a chain of words with hardly a letter between; an empty one is."""
    fewest = [0]  # letters outside of words, up to each place
    for end in range(1, len(text) + 1):
        within = [fewest[start] for start in range(end) if text[start:end] in words]
        fewest.append(min([fewest[-1] + 1, *within]))
    return fewest[-1] <= (_SPARE if len(text) > _SPARE else 0)


@lru_cache(maxsize=1)
def _common_words() -> frozenset[str]:
    return frozenset(_unaccented((Path(__file__).parent / "common_words.txt").read_text("utf-8")).split())
