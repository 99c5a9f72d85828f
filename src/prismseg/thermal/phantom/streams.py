"""Endless frames for training, each a pure function of a seed and its number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from prismseg.thermal.phantom.camera.export import draw_export
from prismseg.thermal.phantom.camera.sensor import draw_camera, draw_varied_camera
from prismseg.thermal.phantom.distributions import Normal, Uniform
from prismseg.thermal.phantom.domains import DOMAINS
from prismseg.thermal.phantom.frame import (
    REFERENCE_SIZE,
    PhantomFrame,
    View,
    check_choice,
    check_size,
    render_frame,
)
from prismseg.thermal.phantom.painting.canvas import Motion
from prismseg.thermal.phantom.scene.ingredients import INGREDIENTS, Ingredients, draw_extras, vary_feet
from prismseg.thermal.phantom.scene.spec import FRAMINGS, SceneSpec
from prismseg.thermal.phantom.scene.temperatures import draw_varied_temperatures

Pair = tuple[NDArray[np.uint8] | NDArray[np.float32], NDArray[np.uint8]]
"""An image (H, W), in grey levels (uint8) or °C (float32), and the mask (H, W) of its feet."""

CELSIUS_EVERY = 4  # one pair in four has an image in °C, the others have exported grey levels


@dataclass(frozen=True)
class ViewParameters:
    """How cameras are held and what they are, in the stream for training.

    Mostly upright, as images of a ward's camera are, with enough others that a network does not rely on it.
    """

    level_chance: float = 0.8  # that the camera is held about level
    roll: Normal = Normal(0.0, 0.05)  # turn of a level camera about its axis, radians
    large_roll: Normal = Normal(0.0, 0.3)  # of any other, radians
    zoom: Uniform = Uniform(0.9, 1.1)  # magnification
    upside_down: float = 0.03  # share of the frames
    sideways: float = 0.04  # share of the frames that are turned by a quarter
    mirrored: float = 0.1  # share of the frames
    usual_camera: float = 0.4  # share of cameras of the usual quality


VIEW = ViewParameters()


def frame_at(
    seed: int,
    number: int,
    domains: Sequence[str] | None = None,
    framings: Sequence[str] = FRAMINGS,
    *,
    size: tuple[int, int] = REFERENCE_SIZE,
    ingredients: Ingredients = INGREDIENTS,
) -> PhantomFrame:
    """Return frame `number` of the stream with this seed, without those before it.

    Parameters
    ----------
    seed, number : int
        Both 0 or more. Every pair is another frame.
    domains : sequence of str, optional
        Which generators to take from, each as often as the others; all by default. Leave one out to test on it.
    framings : sequence of str
        ``"soles"`` (to the camera, from the foot end), ``"above"``, or both.
    size : (int, int)
        Height and width, pixels.
    ingredients : Ingredients
        Chances of what frames have beside clean feet, such as close-ups, cut feet or embossed edges (MSX).

    Raises
    ------
    ConfigError
        For unknown domains or framings, or frames of less than 32 pixels a side.

    Examples
    --------
    >>> frame = frame_at(seed=7, number=12, domains=["spline"], framings=["soles"], size=(60, 80))
    >>> frame.celsius.shape, frame.celsius.dtype, frame.domain, frame.framing
    ((60, 80), dtype('float32'), 'spline', 'soles')
    """
    domains = check_choice(domains, framings)
    check_size(size)
    first = np.random.default_rng([seed, number])
    domain = domains[int(first.integers(len(domains)))]
    # Another domain's frame of this number shall not be the same pose in other skin.
    choice, scene, noise, added = np.random.default_rng([seed, number, list(DOMAINS).index(domain)]).spawn(4)
    framing = framings[int(choice.integers(len(framings)))]
    roll = (VIEW.roll if choice.random() < VIEW.level_chance else VIEW.large_roll).draw(choice)
    zoom = VIEW.zoom.draw(choice)
    turns = _draw_turns(choice)
    camera = draw_camera(choice) if choice.random() < VIEW.usual_camera else draw_varied_camera(choice)
    extras = draw_extras(added, ingredients)
    temperatures = vary_feet(added, draw_varied_temperatures(choice), ingredients)
    spec = SceneSpec(framing, temperatures, varied=True, extras=extras)
    export = replace(draw_export(choice), relief=extras.relief)
    if extras.close_up and framing == "above" and added.random() < ingredients.upside_down:
        turns = 2
    mirrored = bool(choice.random() < VIEW.mirrored)
    view = View(Motion(zoom=float(zoom), roll=float(roll)), turns, mirrored, size)
    return render_frame(scene, noise, domain=domain, spec=spec, camera=camera, export=export, view=view)


def stream(
    seed: int,
    domains: Sequence[str] | None = None,
    framings: Sequence[str] = FRAMINGS,
    *,
    start: int = 0,
    step: int = 1,
    size: tuple[int, int] = REFERENCE_SIZE,
    ingredients: Ingredients = INGREDIENTS,
) -> Iterator[PhantomFrame]:
    """Yield the frames `start`, `start` + `step`, … without end; see `frame_at`.

    Worker k of n takes ``start=k, step=n``; to resume, start at the next number.

    Examples
    --------
    >>> frames = stream(seed=7, start=1, step=2, size=(32, 32))
    >>> bool((next(frames).celsius == frame_at(7, 1, size=(32, 32)).celsius).all())
    True
    """
    for number in count(start, step):
        yield frame_at(seed, number, domains, framings, size=size, ingredients=ingredients)


def pair_at(
    seed: int,
    number: int,
    domains: Sequence[str] | None = None,
    framings: Sequence[str] = FRAMINGS,
    *,
    size: tuple[int, int] = REFERENCE_SIZE,
    ingredients: Ingredients = INGREDIENTS,
) -> Pair:
    """Return what a network is trained on: frame `number` as it is met in practice, and its mask; see `frame_at`.

    Returns
    -------
    image : (H, W) uint8 or float32
        Grey levels of unknown range, or °C.
    mask : (H, W) uint8
        1 on a foot.

    Examples
    --------
    >>> [pair_at(7, number, size=(32, 32))[0].dtype.name for number in (0, 1)]
    ['float32', 'uint8']
    """
    frame = frame_at(seed, number, domains, framings, size=size, ingredients=ingredients)
    return (frame.celsius if number % CELSIUS_EVERY == 0 else frame.grey), frame.mask


def _draw_turns(rng: np.random.Generator) -> int:
    """Draw quarter turns of the camera."""
    chance = rng.random()
    if chance < VIEW.upside_down:
        return 2
    return int(rng.choice([1, 3])) if chance < VIEW.upside_down + VIEW.sideways else 0
