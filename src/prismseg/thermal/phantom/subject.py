"""One person in several frames of a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from prismseg.base.deprecation import renamed
from prismseg.thermal.phantom.body.physiology import FootCourse, draw_courses
from prismseg.thermal.phantom.camera.export import Export, draw_session_export
from prismseg.thermal.phantom.camera.sensor import Camera, draw_camera
from prismseg.thermal.phantom.distributions import Normal
from prismseg.thermal.phantom.frame import REFERENCE_SIZE, PhantomFrame, View, check_choice, render_frame
from prismseg.thermal.phantom.painting.canvas import Motion
from prismseg.thermal.phantom.scene.ingredients import NO_INGREDIENTS, Extras, Ingredients, draw_extras
from prismseg.thermal.phantom.scene.spec import SceneSpec
from prismseg.thermal.phantom.scene.temperatures import Temperatures, draw_temperatures

MILLISECONDS = 60_000  # in a minute: the resolution at which frames differ


@dataclass(frozen=True)
class MotionParameters:
    """How people and hand-held cameras move between two frames of a session.

    Chosen so that the masks of two frames overlap by more than half, and are not the same.
    """

    zoom: Normal = Normal(0.0, 0.03)  # relative change of the distance
    down: Normal = Normal(0.0, 0.012)  # image heights
    right: Normal = Normal(0.0, 0.02)  # image heights
    roll: Normal = Normal(0.0, 0.015)  # of the camera, radians
    turn: Normal = Normal(0.0, 0.05)  # of each foot, radians


MOTION = MotionParameters()


@renamed(climate="temperatures", picture="frame_at")
@dataclass(frozen=True)
class Subject:
    """What stays the same in all frames of one person.

    Attributes
    ----------
    seed : tuple of int
        Decides feet, pose, bed and body, and the noise of each frame.
    domain, framing : str
        See `PhantomFrame`.
    courses : (FootCourse, FootCourse)
        Temperatures of the left and of the right foot.
    temperatures : Temperatures
        Temperatures at the start.
    camera, export : Camera, Export
        What measures and shows the scene.
    extras : Extras
        What there is beside clean feet, in every frame.
    """

    seed: tuple[int, ...]
    domain: str
    framing: str
    courses: tuple[FootCourse, FootCourse]
    temperatures: Temperatures
    camera: Camera
    export: Export
    extras: Extras = Extras()  # noqa: RUF009 (frozen)

    def frame_at(
        self, minute: float, *, size: tuple[int, int] = REFERENCE_SIZE, motion: Motion | None = None
    ) -> PhantomFrame:
        """Simulate the frame of `minute` after the test dose.

        Parameters
        ----------
        minute : float
            0 or more.
        size : (int, int)
            Height and width, pixels.
        motion : Motion, optional
            What moved; by default people stir a little, and so do cameras, otherwise in each minute.

        Examples
        --------
        >>> person = draw_subject(seed=7, number=31)
        >>> person.frame_at(0, size=(60, 80)).celsius.shape
        (60, 80)
        """
        noise = np.random.default_rng([*self.seed, 1, round(minute * MILLISECONDS)])
        view = View(draw_motion(noise) if motion is None else motion, size=size)
        return render_frame(
            np.random.default_rng([*self.seed, 2]),
            noise,
            domain=self.domain,
            spec=SceneSpec(
                self.framing, self.temperatures.at(self.courses, minute), varied=False, extras=self.extras
            ),
            camera=self.camera,
            export=self.export,
            view=view,
        )


def draw_subject(
    seed: int,
    number: int,
    domains: Sequence[str] | None = None,
    framings: Sequence[str] = ("soles",),
    *,
    ingredients: Ingredients = NO_INGREDIENTS,
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
    ingredients : Ingredients
        Chances of what their frames have beside clean feet; by default nothing. How warm the feet are, their courses
        say.

    Raises
    ------
    ConfigError
        For unknown domains or framings.

    Examples
    --------
    >>> draw_subject(seed=7, number=31, domains=["blob"]).domain
    'blob'
    """
    domains = check_choice(domains, framings)
    rng = np.random.default_rng([seed, number, 0])
    courses = draw_courses(rng)
    extras = draw_extras(np.random.default_rng([seed, number, 3]), ingredients)
    return Subject(
        seed=(seed, number),
        domain=domains[int(rng.integers(len(domains)))],
        framing=framings[int(rng.integers(len(framings)))],
        courses=courses,
        temperatures=draw_temperatures(rng, courses),
        camera=draw_camera(rng),
        export=replace(draw_session_export(rng), relief=extras.relief),
        extras=extras,
    )


def draw_motion(rng: np.random.Generator, parameters: MotionParameters = MOTION) -> Motion:
    """Draw what moved until the next frame: people stir, and so do hand-held cameras."""
    p = parameters
    return Motion(
        zoom=float(1 + p.zoom.draw(rng)),
        shift=(float(p.down.draw(rng)), float(p.right.draw(rng))),
        roll=float(p.roll.draw(rng)),
        turns=(float(p.turn.draw(rng)), float(p.turn.draw(rng))),
    )
