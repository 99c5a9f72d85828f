"""Temperatures of one picture: room, bed, body and both feet."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from prismseg.thermal.anatomy import LEFT
from prismseg.thermal.phantom.body.physiology import COLDEST, PLATEAU, FootCourse, draw_courses

BELOW_ROOM = 0.3  # °C by which sweat may cool skin below the air


@dataclass(frozen=True)
class Temperatures:
    """Temperatures, °C.

    Attributes
    ----------
    room, bed, sheet : float
        The wall, the mattress behind the feet and the sheet before them.
    skin, gown, face : float
        Bare legs, the covered body, and the face.
    left, right : float
        Mean of each foot.
    warming_left, warming_right : float
        How much of it is due to the block.
    """

    room: float
    bed: float
    sheet: float
    skin: float
    gown: float
    face: float
    left: float
    right: float
    warming_left: float = 0.0
    warming_right: float = 0.0

    @property
    def floor(self) -> float:
        """Temperature below which no skin falls."""
        return min(self.room - BELOW_ROOM, self.left - 4, self.right - 4)

    def foot(self, label: int) -> tuple[float, float]:
        """Mean temperature and warming of the foot `label`."""
        if label == LEFT:
            return self.left, self.warming_left
        return self.right, self.warming_right

    def at(self, courses: tuple[FootCourse, FootCourse], minute: float) -> Temperatures:
        """Return the same with the feet of the left and right `courses` at `minute`."""
        left, right = courses
        return replace(
            self,
            left=left.temperature(minute),
            right=right.temperature(minute),
            warming_left=left.warming(minute),
            warming_right=right.warming(minute),
        )


def draw_temperatures(rng: np.random.Generator, courses: tuple[FootCourse, FootCourse]) -> Temperatures:
    """Draw the surroundings of a labour session with these courses, at its start."""
    coldest = min(course.baseline + min(course.drift, 0.0) for course in courses)
    warmest = max(course.baseline for course in courses)
    room = min(rng.normal(21.8, 1.3), coldest - 1.0)
    bed = room + abs(rng.normal(0.9, 0.7))
    skin = np.clip(max(rng.normal(30.0, 1.3), warmest + rng.uniform(-0.3, 1.5)), 26, 35)
    gown = skin - rng.uniform(0.5, 4.0)
    temperatures = Temperatures(
        room=float(room),
        bed=float(bed),
        sheet=float(bed - abs(rng.normal(0.2, 0.4))),
        skin=float(skin),
        gown=float(gown),
        face=float(min(gown + rng.uniform(0.5, 3.0), 36)),
        left=0.0,
        right=0.0,
    )
    return temperatures.at(courses, 0.0)


def draw_varied_temperatures(rng: np.random.Generator) -> Temperatures:
    """Draw temperatures beyond those of labour: feet colder than their bed, warmer than the leg, unlike each other."""
    courses, minute = draw_courses(rng), rng.uniform(0, 30)
    usual = draw_temperatures(rng, courses).at(courses, float(minute))
    room = rng.uniform(15, 27)
    mean = np.clip(room + rng.uniform(-0.5, 13), room + 0.3, PLATEAU + 1)
    apart = rng.normal(0, 0.8) + (rng.random() < 0.25) * rng.uniform(-5, 5)
    bed = room + rng.choice([rng.uniform(-0.5, 2), rng.uniform(0, 5)])
    skin = np.clip(rng.choice([mean + rng.uniform(-3, 5), rng.uniform(27, 36)]), room + 1, 36.5)
    gown = room + (skin - room) * rng.uniform(0.2, 1.0)
    left, right = (float(np.clip(mean + half * apart, min(COLDEST, room), PLATEAU + 1.5)) for half in (0.5, -0.5))
    drawn = Temperatures(
        room=float(room),
        bed=float(bed),
        sheet=float(bed + rng.normal(-0.2, 0.8)),
        skin=float(skin),
        gown=float(gown),
        face=float(min(max(skin, gown) + rng.uniform(0, 3), 37)),
        left=left,
        right=right,
        warming_left=float(rng.uniform(0, 5)),
        warming_right=float(rng.uniform(0, 5)),
    )
    return usual if rng.random() < 0.4 else drawn
