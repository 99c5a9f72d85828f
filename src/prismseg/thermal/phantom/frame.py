"""One simulated frame with its truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ConfigError
from prismseg.thermal.anatomy import LEFT, RIGHT
from prismseg.thermal.phantom.camera.export import Export
from prismseg.thermal.phantom.camera.relief import draw_relief
from prismseg.thermal.phantom.camera.sensor import Camera
from prismseg.thermal.phantom.domains import DOMAINS
from prismseg.thermal.phantom.painting.canvas import Canvas, Layer, Motion
from prismseg.thermal.phantom.scene.spec import FRAMINGS, SceneSpec

REFERENCE_SIZE = (240, 320)
Scalar = TypeVar("Scalar", np.float32, np.uint8)
SMALLEST_SIDE = 32  # pixels; below, toes are no longer drawn apart


@dataclass(frozen=True)
class PhantomFrame:
    """A simulated frame and its truth.

    Attributes
    ----------
    celsius : (H, W) float32
        Temperatures as the camera measures them, °C.
    grey : (H, W) uint8
        The image that the camera exports: unknown range, overlay, compression.
    mask : (H, W) uint8
        1 on a foot, 0 elsewhere: where it covers at least half of the pixel.
    labels : (H, W) uint8
        1 on the patient's left foot, 2 on the right one.
    territories : (H, W) uint8
        1 to 5 on soles, in the order of `prismseg.thermal.TERRITORIES`; 0 elsewhere, and on feet that show their insteps.
    truth : (H, W) float32
        Temperatures of the scene, before optics and noise, °C.
    left, right : float
        Mean of `truth` over the visible pixels of each foot, °C; NaN where there is none.
    layers : tuple of Layer
        Every opaque outline in the order of painting, in pixels.
    domain, framing : str
        Which generator, and ``"soles"`` or ``"above"``.
    """

    celsius: NDArray[np.float32]
    grey: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    territories: NDArray[np.uint8]
    truth: NDArray[np.float32]
    left: float
    right: float
    layers: tuple[Layer, ...]
    domain: str
    framing: str


@dataclass(frozen=True)
class View:
    """How the camera is held.

    Attributes
    ----------
    motion : Motion
        What moved since the person was first seen.
    turns : int
        Quarter turns of the camera; the frame keeps its `size`.
    mirrored : bool
        Whether the frame is mirrored.
    size : (int, int)
        Height and width of the frame, pixels.
    """

    motion: Motion = Motion()  # noqa: RUF009 (frozen)
    turns: int = 0
    mirrored: bool = False
    size: tuple[int, int] = REFERENCE_SIZE

    @property
    def upright_size(self) -> tuple[int, int]:
        """Height and width of the scene before the camera is turned, pixels."""
        height, width = self.size
        return (height, width) if self.turns % 2 == 0 else (width, height)

    def turn_pixels(self, upright: NDArray[Scalar]) -> NDArray[Scalar]:
        """Turn and mirror an upright image."""
        turned = np.rot90(upright, self.turns)
        return np.ascontiguousarray(turned[:, ::-1] if self.mirrored else turned)

    def turn_layer(self, layer: Layer) -> Layer:
        """Turn and mirror outlines as `turn_pixels` does pixels."""
        height, width = self.upright_size
        curves = list(layer.curves)
        for _ in range(self.turns % 4):
            curves = [np.column_stack([width - 1 - curve[:, 1], curve[:, 0]]) for curve in curves]
            height, width = width, height
        if self.mirrored:
            curves = [np.column_stack([curve[:, 0], width - 1 - curve[:, 1]]) for curve in curves]
        return Layer(layer.label, tuple(curves))


def render_frame(
    scene: np.random.Generator,
    noise: np.random.Generator,
    *,
    domain: str,
    spec: SceneSpec,
    camera: Camera,
    export: Export,
    view: View,
) -> PhantomFrame:
    """Paint a scene and measure it.

    Parameters
    ----------
    scene : numpy.random.Generator
        Decides who and what is seen: equal generators give the same person in the same bed.
    noise : numpy.random.Generator
        Decides the camera's noise and its overlay.
    domain : str
        One of `DOMAINS`.
    spec : SceneSpec
        Framing and temperatures.
    camera, export : Camera, Export
        What measures the scene, and how it is shown.
    view : View
        How the camera is held.

    Raises
    ------
    ConfigError
        For an unknown domain or framing.
    """
    check_choice((domain,), (spec.framing,))
    canvas = Canvas(view.upright_size, view.motion)
    DOMAINS[domain](scene, canvas, spec)
    labels = view.turn_pixels(canvas.labels())
    territories = np.where(labels > 0, view.turn_pixels(canvas.territories), 0).astype(np.uint8)
    truth = view.turn_pixels(canvas.celsius)
    celsius = camera.measure(noise, truth)
    layers = tuple(view.turn_layer(layer) for layer in canvas.layers)
    visible = draw_relief(noise.spawn(1)[0], layers, view.size) if export.relief > 0 else None
    left, right = (
        float(truth[labels == label].mean(dtype=np.float64)) if (labels == label).any() else float("nan")
        for label in (LEFT, RIGHT)
    )
    return PhantomFrame(
        celsius=celsius,
        grey=export.to_grey(noise, celsius, visible),
        mask=(labels > 0).astype(np.uint8),
        labels=labels,
        territories=territories,
        truth=truth,
        left=left,
        right=right,
        layers=layers,
        domain=domain,
        framing=spec.framing,
    )


def check_choice(domains: Sequence[str] | None, framings: Sequence[str]) -> tuple[str, ...]:
    """Return the chosen domains, all for None; refuse those that do not exist, and empty choices."""
    chosen_domains = tuple(DOMAINS if domains is None else domains)
    for chosen, known, word in ((chosen_domains, tuple(DOMAINS), "domain"), (framings, FRAMINGS, "framing")):
        unknown = [name for name in chosen if name not in known]
        if unknown or not chosen:
            what = f"the {word} {unknown[0]!r} does not exist" if unknown else f"at least one {word} is needed"
            raise ConfigError(f"Phantoms: {what}; choose from {', '.join(known)}.")
    return chosen_domains


def check_size(size: tuple[int, int]) -> None:
    """Refuse frames on which feet cannot be drawn."""
    if min(size) < SMALLEST_SIDE:
        raise ConfigError(
            f"Images of {size[0]} x {size[1]} pixels are too small; use {SMALLEST_SIDE} or more a side."
        )
