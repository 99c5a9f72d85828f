"""Endless pictures for training, each a pure function of a seed and its number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

import numpy as np

from prismseg.thermal.phantom.camera import draw_camera, draw_wild_camera
from prismseg.thermal.phantom.canvas import Motion
from prismseg.thermal.phantom.climate import draw_wild_climate
from prismseg.thermal.phantom.domains import DOMAINS
from prismseg.thermal.phantom.export import draw_export
from prismseg.thermal.phantom.flat import Brief
from prismseg.thermal.phantom.frame import (
    FRAMINGS,
    REFERENCE_SIZE,
    PhantomFrame,
    check_choice,
    check_size,
    take_picture,
)

MIRRORED, UPSIDE_DOWN, SIDEWAYS = 0.1, 0.03, 0.04


def frame_at(
    seed: int,
    number: int,
    domains: Sequence[str] | None = None,
    framings: Sequence[str] = FRAMINGS,
    *,
    size: tuple[int, int] = REFERENCE_SIZE,
) -> PhantomFrame:
    """Return picture `number` of the stream with this seed, without those before it.

    Parameters
    ----------
    seed, number : int
        Both 0 or more. Every pair is another picture.
    domains : sequence of str, optional
        Which generators to take from, each as often as the others; all by default. Leave one out to test on it.
    framings : sequence of str
        ``"soles"`` (to the camera, from the foot end), ``"above"``, or both.
    size : (int, int)
        Height and width, pixels.

    Raises
    ------
    ConfigError
        For unknown domains or framings, or pictures of less than 32 pixels a side.
    """
    domains = check_choice(domains, framings)
    check_size(size)
    first = np.random.default_rng([seed, number])
    domain = domains[int(first.integers(len(domains)))]
    # Another domain's picture of this number shall not be the same pose in other skin.
    choice, scene, noise = np.random.default_rng([seed, number, list(DOMAINS).index(domain)]).spawn(3)
    framing = framings[int(choice.integers(len(framings)))]
    roll = choice.normal(0, 0.05) if choice.random() < 0.8 else choice.normal(0, 0.3)
    zoom = choice.uniform(0.9, 1.1)
    turned = choice.random()
    turns = 2 if turned < UPSIDE_DOWN else int(choice.choice([1, 3])) if turned < UPSIDE_DOWN + SIDEWAYS else 0
    camera = draw_camera(choice) if choice.random() < 0.4 else draw_wild_camera(choice)
    return take_picture(
        scene,
        noise,
        domain=domain,
        brief=Brief(framing, draw_wild_climate(choice), wild=True),
        camera=camera,
        export=draw_export(choice),
        motion=Motion(zoom=float(zoom), roll=float(roll)),
        turns=turns,
        mirrored=bool(choice.random() < MIRRORED),
        size=size,
    )


def stream(
    seed: int,
    domains: Sequence[str] | None = None,
    framings: Sequence[str] = FRAMINGS,
    *,
    start: int = 0,
    step: int = 1,
    size: tuple[int, int] = REFERENCE_SIZE,
) -> Iterator[PhantomFrame]:
    """Yield pictures `start`, `start` + `step`, … without end; see `frame_at`.

    Worker k of n takes ``start=k, step=n``; to resume, start at the next number.
    """
    for number in count(start, step):
        yield frame_at(seed, number, domains, framings, size=size)
