"""Synthetic soles of known place, side and temperature, drawn from the template's own outlines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.draw import polygon2mask

from prismseg.thermal import Frame
from prismseg.thermal.soles.template import sole_outline, territory_at

SIZE = (240, 320)


@dataclass(frozen=True)
class Foot:
    """One foot of the patient, toes up; `turn` in degrees, positive towards the image's right."""

    side: str
    centre: tuple[float, float]
    length: float = 130.0
    turn: float = 0.0
    mirrored: bool = False
    width: float = 1.0

    def axes(self) -> tuple[np.ndarray, np.ndarray]:
        turn = np.deg2rad(self.turn)
        along = np.array([-np.cos(turn), np.sin(turn)])
        medial = 1 if (self.side == "right") != self.mirrored else -1
        return along, medial * np.array([along[1], -along[0]])

    def mask(self, size: tuple[int, int] = SIZE) -> np.ndarray:
        along, across = self.axes()
        outline = sole_outline()
        points = np.outer(outline[:, 0] - 0.5, along) + self.width * np.outer(outline[:, 1], across)
        return polygon2mask(size, np.array(self.centre) + self.length * points)

    def sole_coordinates(self, size: tuple[int, int] = SIZE) -> tuple[np.ndarray, np.ndarray]:
        along, across = self.axes()
        away = np.stack(np.mgrid[: size[0], : size[1]], axis=-1) - np.array(self.centre)
        return away @ along / self.length + 0.5, away @ across / (self.length * self.width)

    def truth(self, size: tuple[int, int] = SIZE) -> np.ndarray:
        return territory_at(*self.sole_coordinates(size)) * self.mask(size)


def pair(
    shift: tuple[float, float] = (0.0, 0.0),
    turn: float = 0.0,
    drawn_up: float = 0.0,
    mirrored: bool = False,
    **more,
) -> tuple[Foot, Foot]:
    """Left and right foot; `turn` turns the whole picture about its middle, `drawn_up` raises the left foot."""
    middle = np.array(SIZE) / 2
    angle = np.deg2rad(turn)
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    feet = []
    for side in ("left", "right"):
        at_right = (side == "left") != mirrored
        away = np.array([-drawn_up if side == "left" else 0.0, 55.0 if at_right else -55.0])
        centre = middle + rotation @ away + np.array(shift)
        feet.append(Foot(side, (float(centre[0]), float(centre[1])), turn=-turn, mirrored=mirrored, **more))
    return feet[0], feet[1]


def mask_of(*feet: Foot) -> np.ndarray:
    return np.logical_or.reduce([foot.mask() for foot in feet])


def frame_of(
    left: float,
    right: float,
    feet: tuple[Foot, Foot] | None = None,
    *,
    ground: float = 22.0,
    seed: int = 0,
    **more,
) -> tuple[Frame, np.ndarray]:
    """A frame with soles of even temperature before an even ground, and its mask."""
    found = feet or pair()
    celsius = np.full(SIZE, ground) + np.random.default_rng(seed).normal(0, 0.05, SIZE)
    for foot, warmth in zip(found, (left, right), strict=True):
        celsius[foot.mask()] += warmth - ground
    return Frame(celsius.astype(np.float32), **more), mask_of(*found)


def ragged(mask: np.ndarray, pixels: float, seed: int) -> np.ndarray:
    """The mask with its contour moved by smooth noise of a standard deviation."""
    signed = np.where(
        mask, ndimage.distance_transform_edt(mask) - 0.5, 0.5 - ndimage.distance_transform_edt(~mask)
    )
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=mask.shape), 3.0)
    moved = signed + pixels * noise / noise.std() > 0
    labels, _ = ndimage.label(moved)
    return ndimage.binary_fill_holes(labels == np.argmax(np.bincount(labels[labels > 0])))
