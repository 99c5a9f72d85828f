"""Temperatures of one scene: room, bed, body and both feet."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from prismseg.thermal.anatomy import LEFT
from prismseg.thermal.phantom.body.physiology import PHYSIOLOGY, FootCourse, draw_courses
from prismseg.thermal.phantom.distributions import FoldedNormal, Mixture, Normal, Uniform

BELOW_ROOM = 0.3  # °C by which sweat may cool skin below the air
BELOW_FOOT = 4.0  # °C by which a foot's coldest toes may be below its mean


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
        return min(self.room - BELOW_ROOM, self.left - BELOW_FOOT, self.right - BELOW_FOOT)

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


@dataclass(frozen=True)
class TemperatureParameters:
    """What the surroundings of a labour session are drawn from; all in °C.

    Room, bed and the scene's extremes follow the images of 30 labour sessions (`prismseg.thermal.phantom.calibrate`).
    """

    room: Normal = Normal(21.8, 1.3)
    below_feet: float = 1.0  # how far the room is below the coldest foot at least
    bed_above_room: FoldedNormal = FoldedNormal(0.9, 0.7)
    sheet_below_bed: FoldedNormal = FoldedNormal(0.2, 0.4)
    skin: Normal = Normal(30.0, 1.3)  # of the bare legs
    skin_above_feet: Uniform = Uniform(-0.3, 1.5)  # legs are seldom colder than the warmer foot
    skin_limits: tuple[float, float] = (26.0, 35.0)
    gown_below_skin: Uniform = Uniform(0.5, 4.0)
    face_above_gown: Uniform = Uniform(0.5, 3.0)
    warmest_face: float = 36.0


@dataclass(frozen=True)
class VariedTemperatureParameters:
    """What temperatures beyond those of labour are drawn from; all in °C."""

    usual_chance: float = 0.4  # that they are those of a labour session all the same
    minute: Uniform = Uniform(0.0, 30.0)  # of that session
    room: Uniform = Uniform(15.0, 27.0)  # from an unheated room to a summer's ward
    feet_above_room: Uniform = Uniform(-0.5, 13.0)
    least_above_room: float = 0.3
    above_plateau: float = 1.0  # how far the mean of both feet may be above the plateau of labour
    difference: Normal = Normal(0.0, 0.8)  # left minus right
    large_difference_chance: float = 0.25
    large_difference: Uniform = Uniform(-5.0, 5.0)  # added to the usual one
    foot_above_plateau: float = 1.5  # how far a single foot may be above it
    bed_above_room: Mixture = Mixture((Uniform(-0.5, 2.0), Uniform(0.0, 5.0)))  # an empty bed, a bed just left
    skin: Uniform = Uniform(27.0, 36.0)  # of legs whatever the feet are
    skin_above_feet: Uniform = Uniform(-3.0, 5.0)  # of legs like the feet
    skin_above_room: float = 1.0  # at least
    warmest_skin: float = 36.5
    gown_share: Uniform = Uniform(0.2, 1.0)  # where the gown is between room and skin
    sheet_above_bed: Normal = Normal(-0.2, 0.8)
    face_above_gown: Uniform = Uniform(0.0, 3.0)  # or above the skin where that is warmer
    warmest_face: float = 37.0
    warming: Uniform = Uniform(0.0, 5.0)  # of each foot, which shapes its pattern


TEMPERATURES = TemperatureParameters()
VARIED_TEMPERATURES = VariedTemperatureParameters()


def draw_temperatures(
    rng: np.random.Generator,
    courses: tuple[FootCourse, FootCourse],
    parameters: TemperatureParameters = TEMPERATURES,
) -> Temperatures:
    """Draw the surroundings of a labour session with these courses, at its start."""
    p = parameters
    coldest = min(course.baseline + min(course.drift, 0.0) for course in courses)
    warmest = max(course.baseline for course in courses)
    room = min(p.room.draw(rng), coldest - p.below_feet)
    bed = room + p.bed_above_room.draw(rng)
    skin = np.clip(max(p.skin.draw(rng), warmest + p.skin_above_feet.draw(rng)), *p.skin_limits)
    gown = skin - p.gown_below_skin.draw(rng)
    temperatures = Temperatures(
        room=float(room),
        bed=float(bed),
        sheet=float(bed - p.sheet_below_bed.draw(rng)),
        skin=float(skin),
        gown=float(gown),
        face=float(min(gown + p.face_above_gown.draw(rng), p.warmest_face)),
        left=0.0,
        right=0.0,
    )
    return temperatures.at(courses, 0.0)


def draw_varied_temperatures(
    rng: np.random.Generator, parameters: VariedTemperatureParameters = VARIED_TEMPERATURES
) -> Temperatures:
    """Draw temperatures beyond those of labour: feet colder than their bed, warmer than the leg, unlike each other."""
    p, plateau, coldest = parameters, PHYSIOLOGY.plateau, PHYSIOLOGY.coldest
    courses, minute = draw_courses(rng), p.minute.draw(rng)
    usual = draw_temperatures(rng, courses).at(courses, float(minute))
    room = p.room.draw(rng)
    mean = np.clip(room + p.feet_above_room.draw(rng), room + p.least_above_room, plateau + p.above_plateau)
    difference = p.difference.draw(rng)
    difference += (rng.random() < p.large_difference_chance) * p.large_difference.draw(rng)
    bed = room + p.bed_above_room.draw(rng)
    skins = [mean + p.skin_above_feet.draw(rng), p.skin.draw(rng)]
    skin = np.clip(rng.choice(skins), room + p.skin_above_room, p.warmest_skin)
    gown = room + (skin - room) * p.gown_share.draw(rng)
    left, right = (
        float(np.clip(mean + half * difference, min(coldest, room), plateau + p.foot_above_plateau))
        for half in (0.5, -0.5)
    )
    drawn = Temperatures(
        room=float(room),
        bed=float(bed),
        sheet=float(bed + p.sheet_above_bed.draw(rng)),
        skin=float(skin),
        gown=float(gown),
        face=float(min(max(skin, gown) + p.face_above_gown.draw(rng), p.warmest_face)),
        left=left,
        right=right,
        warming_left=float(p.warming.draw(rng)),
        warming_right=float(p.warming.draw(rng)),
    )
    return usual if rng.random() < p.usual_chance else drawn
