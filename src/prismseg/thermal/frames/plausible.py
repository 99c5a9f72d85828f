"""Parameters that a file states and that cannot be: they are left out and named, never used."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from prismseg.base import ConfigError, Message
from prismseg.thermal.frames.frame import PARAMETER_NAMES, Parameters


def possible_parameters(
    own: Mapping[str, float], stated: Collection[str] = ()
) -> tuple[dict[str, float], list[Message]]:
    """Part a file's own parameters into those that can be and a sentence for each that cannot.

    Parameters
    ----------
    own : mapping of str to float
        As the file has them, by the names of `Parameters`.
    stated : collection of str
        Names for which another value is stated, so that the file's own does not matter.

    Returns
    -------
    tuple of dict and list of Message
        The possible ones by name, and what is wrong with the others.

    Examples
    --------
    >>> possible, impossible = possible_parameters({"emissivity": 0.0, "distance": 1.0, "humidity": 5000.0}, ["humidity"])
    >>> possible, [str(sentence)[:22] for sentence in impossible]
    ({'distance': 1.0}, ['The emissivity is 0, w'])
    """
    possible: dict[str, float] = {}
    impossible: list[Message] = []
    for name in PARAMETER_NAMES:
        if name not in own or name in stated:
            continue
        try:
            Parameters(**{name: own[name]})
        except ConfigError as error:
            impossible.append(error.message)
        else:
            possible[name] = own[name]
    return possible, impossible
