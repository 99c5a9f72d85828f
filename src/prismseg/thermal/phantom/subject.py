"""One person pictured several times during a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prismseg.thermal.phantom.body.physiology import FootCourse, draw_courses
from prismseg.thermal.phantom.camera.export import Export, draw_session_export
from prismseg.thermal.phantom.camera.sensor import Camera, draw_camera
from prismseg.thermal.phantom.distributions import Normal
from prismseg.thermal.phantom.frame import REFERENCE_SIZE, PhantomFrame, check_choice, render_frame
from prismseg.thermal.phantom.painting.canvas import Motion
from prismseg.thermal.phantom.scene.spec import SceneSpec
from prismseg.thermal.phantom.scene.temperatures import Temperatures, draw_temperatures

MILLISECONDS = 60_000  # in a minute: the resolution at which pictures differ


@dataclass(frozen=True)
class MotionParameters:
    """How people and hand-held cameras move between two images of a session.

    Chosen so that the masks of two images overlap by 50 to 99 %.
    """

    zoom: Normal = Normal(0.0, 0.03)  # relative change of the distance
    down: Normal = Normal(0.0, 0.012)  # image heights
    right: Normal = Normal(0.0, 0.02)  # image heights
    roll: Normal = Normal(0.0, 0.015)  # of the camera, radians
    turn: Normal = Normal(0.0, 0.05)  # of each foot, radians


MOTION = MotionParameters()


@dataclass(frozen=True)
class Subject:
    """What stays the same in all pictures of one person.

    Attributes
    ----------
    seed : tuple of int
        Decides feet, pose, bed and body, and the noise of each picture.
    domain, framing : str
        See `PhantomFrame`.
    courses : (FootCourse, FootCourse)
        Temperatures of the left and of the right foot.
    temperatures : Temperatures
        Temperatures at the start.
    camera, export : Camera, Export
        What takes and shows the pictures.
    """

    seed: tuple[int, ...]
    domain: str
    framing: str
    courses: tuple[FootCourse, FootCourse]
    temperatures: Temperatures
    camera: Camera
    export: Export

    def picture(self, minute: float, *, size: tuple[int, int] = REFERENCE_SIZE) -> PhantomFrame:
        """Take the picture of `minute` after the test dose; small movements and noise are new in each."""
        noise = np.random.default_rng([*self.seed, 1, round(minute * MILLISECONDS)])
        return render_frame(
            np.random.default_rng([*self.seed, 2]),
            noise,
            domain=self.domain,
            spec=SceneSpec(self.framing, self.temperatures.at(self.courses, minute), varied=False),
            camera=self.camera,
            export=self.export,
            motion=draw_motion(noise),
            size=size,
        )


def draw_subject(
    seed: int, number: int, domains: Sequence[str] | None = None, framings: Sequence[str] = ("soles",)
) -> Subject:
    """Draw person `number` of a study with this seed, whoever else is in it.

    Parameters
    ----------
    seed, number : int
        Both 0 or more.
    domains : sequence of str, optional
        Generators to choose from; all by default.
    framings : sequence of str
        ``"soles"``, ``"above"``, or both.

    Raises
    ------
    ConfigError
        For unknown domains or framings.
    """
    domains = check_choice(domains, framings)
    rng = np.random.default_rng([seed, number, 0])
    courses = draw_courses(rng)
    return Subject(
        seed=(seed, number),
        domain=domains[int(rng.integers(len(domains)))],
        framing=framings[int(rng.integers(len(framings)))],
        courses=courses,
        temperatures=draw_temperatures(rng, courses),
        camera=draw_camera(rng),
        export=draw_session_export(rng),
    )


def draw_motion(rng: np.random.Generator, parameters: MotionParameters = MOTION) -> Motion:
    """Draw what moved until the next image: people stir, and so do hand-held cameras."""
    p = parameters
    return Motion(
        zoom=float(1 + p.zoom.draw(rng)),
        shift=(float(p.down.draw(rng)), float(p.right.draw(rng))),
        roll=float(p.roll.draw(rng)),
        turns=(float(p.turn.draw(rng)), float(p.turn.draw(rng))),
    )
