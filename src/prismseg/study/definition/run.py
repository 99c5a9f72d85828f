"""One run of a study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Run:
    """One point of a study's grid.

    Attributes
    ----------
    labels : dict of str to str
        Its value on each axis, as tables show it.
    settings : dict
        What it does; nested, checked, with every default.
    key : str
        Hash of kind and settings: the same in every study that asks for the same.
    """

    labels: dict[str, str]
    settings: dict[str, Any]
    key: str

    @property
    def name(self) -> str:
        """Its labels as text, "its only run" where the grid has no axis.

        Examples
        --------
        >>> Run({"skip": "none", "seed": "0"}, {}, "key").name
        'skip none, seed 0'
        """
        return ", ".join(f"{axis} {label}" for axis, label in self.labels.items()) or "its only run"
