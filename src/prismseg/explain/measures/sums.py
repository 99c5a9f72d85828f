"""Sums of the maps of every case, layer and class that an atlas has seen, in memory and as a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError, atomic_path
from prismseg.explain.measures.masks import SUMS, Array
from prismseg.explain.measures.perturbation import PERTURBATION_MEASURES
from prismseg.explain.measures.relevance import Relevance

_ARRAYS = ("sums", "perturbed", "residual", "area", "band", "region", "hit", "pixels")


@dataclass(frozen=True)
class Axes:
    """Names along the axes of the sums."""

    methods: tuple[str, ...]
    layers: tuple[str, ...]
    classes: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Lengths (M, L, K)."""
        return len(self.methods), len(self.layers), len(self.classes)


@dataclass(frozen=True)
class MapSums:
    """Sums of the maps of n cases.

    Attributes
    ----------
    axes : Axes
        Methods (M), layers (L) and classes (K).
    ids, groups : tuple of str
        Of each case.
    sums : (n, M, L, K, 8)
        As `SUMS` names them.
    perturbed : (n, M, L, K, 3) or (n, M, L, K, 0)
        Drop, increase and gain, where they were asked for; NaN where the region is empty.
    residual : (n, M, K)
        How far the relevance of a method is from what it must add up to, as a share (`ImageMaps`); NaN for methods that
        say nothing of it.
    area, band, region, hit : (n, K)
        How many pixels each class's mask has, the band around its contour, the region over which its score is taken,
        and the part of that region that lies inside the mask.
    pixels : (n,)
        How many pixels are valid.
    """

    axes: Axes
    ids: tuple[str, ...]
    groups: tuple[str, ...]
    sums: Array
    perturbed: Array
    residual: Array
    area: Array
    band: Array
    region: Array
    hit: Array
    pixels: Array

    @classmethod
    def join(cls, parts: Sequence[MapSums]) -> MapSums:
        """Put the cases of several parts one after the other.

        Raises
        ------
        DataError
            When there is none, or their methods, layers or classes differ.
        """
        if not parts:
            raise DataError("The atlas has seen no case yet; call update first.")
        other = next((part for part in parts if part.axes != parts[0].axes), None)
        if other is not None:
            raise DataError(f"Two parts of an atlas differ: {parts[0].axes} and {other.axes}.")
        arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS}
        ids = tuple(name for part in parts for name in part.ids)
        groups = tuple(name for part in parts for name in part.groups)
        return cls(axes=parts[0].axes, ids=ids, groups=groups, **arrays)

    def take(self, positions: Sequence[int]) -> MapSums:
        """Take the cases at `positions`, in that order."""
        chosen = list(positions)
        return MapSums(
            axes=self.axes,
            ids=tuple(self.ids[place] for place in chosen),
            groups=tuple(self.groups[place] for place in chosen),
            **{name: getattr(self, name)[chosen] for name in _ARRAYS},
        )

    def relevance(self, method: int) -> Relevance:
        """Take the sums of one method, arrays that broadcast to (n, L, K)."""
        each = {name: self.sums[:, method, :, :, place] for place, name in enumerate(SUMS)}
        return Relevance(
            **each,
            area=self.area[:, None, :],
            band=self.band[:, None, :],
            region=self.region[:, None, :],
            hit=self.hit[:, None, :],
            pixels=self.pixels[:, None, None],
        )

    def perturbation(self, method: int) -> dict[str, Array]:
        """Drop, increase and gain (n, L, K) of one method; empty where they were not asked for."""
        if self.perturbed.shape[-1] == 0:
            return {}
        return {name: self.perturbed[:, method, :, :, place] for place, name in enumerate(PERTURBATION_MEASURES)}

    @property
    def absent(self) -> NDArray[np.bool_]:
        """Where a class is absent from a case, (n, K): it has no measures there."""
        missing: NDArray[np.bool_] = self.area == 0
        return missing

    def empty(self, method: int) -> NDArray[np.bool_]:
        """Where a map is zero everywhere, (n, L, K): its measures are 0, and its excess minus the region's rho."""
        zero: NDArray[np.bool_] = self.sums[:, method, :, :, SUMS.index("highest")] == 0
        return zero

    def write(self, path: str | Path) -> None:
        """Store everything in one NPZ file, atomically."""
        facts = json.dumps(
            {
                "methods": self.axes.methods,
                "layers": self.axes.layers,
                "classes": self.axes.classes,
                "ids": self.ids,
                "groups": self.groups,
            }
        )
        with atomic_path(Path(path)) as temporary:
            np.savez_compressed(
                temporary, facts=np.array(facts), **{name: getattr(self, name) for name in _ARRAYS}
            )

    @classmethod
    def read(cls, path: str | Path) -> MapSums:
        """Read what `write` stored.

        Raises
        ------
        DataError
            When the file is damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                facts = json.loads(str(stored["facts"]))
                arrays = {name: stored[name] for name in _ARRAYS}
            axes = Axes(*(tuple(facts[name]) for name in ("methods", "layers", "classes")))
            return cls(axes=axes, ids=tuple(facts["ids"]), groups=tuple(facts["groups"]), **arrays)
        except (OSError, KeyError, ValueError, EOFError, BadZipFile) as error:
            raise DataError(
                f"{path} is damaged ({error}); remove it, and its cases are explained anew."
            ) from error
