"""What common cameras and their apps show around and in an image: own drawings, not their artwork.

Places are shares of the image's width or height from the top left corner, sizes multiples of the letters' height.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from prismseg.thermal.phantom.camera.overlay import OVERLAY, Grey, Overlay, OverlayParameters
from prismseg.thermal.phantom.distributions import Integers, Uniform

READING_WORDS = ("Max ", "Spot ", "Punkt ", "", "~ ", "Sp1 ")
DEGREES = "\N{DEGREE SIGN}C"


@dataclass(frozen=True)
class OwnScreenParameters:
    """Where the monitor's own screen has its marks: (column, row)."""

    battery: tuple[float, float] = (0.015, 0.03)
    logo: tuple[float, float] = (0.01, 0.92)
    warmest: tuple[float, float] = (0.97, 0.03)
    coldest: tuple[float, float] = (0.97, 0.98)


@dataclass(frozen=True)
class MixedScreenParameters:
    """Which marks another camera's screen has, and where."""

    bar_chance: float = 0.6  # of a scale bar with its limits
    upright_bar_chance: float = 0.75
    warmest_column: float = 0.98
    warmest_row: Uniform = Uniform(0.02, 0.1)
    coldest_columns: tuple[float, float] = (0.98, 0.2)
    coldest_row: float = 0.98
    logo_chance: float = 0.5
    logo_columns: tuple[float, float] = (0.01, 0.68)
    logo_rows: tuple[float, float] = (0.02, 0.9)
    battery_chance: float = 0.4
    battery_columns: tuple[float, float] = (0.015, 0.9)
    battery_row: float = 0.02
    spot_chance: float = 0.5
    spot_place: Uniform = Uniform(0.2, 0.8)  # row and column
    spot_reading_chance: float = 0.6
    reading_chance: float = 0.5  # of a large temperature in the corner
    reading: Uniform = Uniform(20.0, 36.0)  # °C, whatever the scene is
    reading_column: float = 0.01
    reading_row: Uniform = Uniform(0.01, 0.16)
    reading_size: float = 1.4  # letters
    date_chance: float = 0.35
    years: Integers = Integers(2012, 2026)
    date_column: Uniform = Uniform(0.3, 0.6)
    date_rows: tuple[float, float] = (0.01, 0.93)
    time_row: float = 0.07
    date_size: float = 0.8  # letters
    settings_chance: float = 0.25  # of a line of the camera's settings
    emissivity: Uniform = Uniform(0.9, 0.99)
    distance: Uniform = Uniform(0.5, 2.0)  # m
    reflected: Uniform = Uniform(18.0, 24.0)  # °C
    settings_place: tuple[float, float] = (0.01, 0.97)
    settings_size: float = 0.7  # letters


@dataclass(frozen=True)
class AppScreenParameters:
    """What the screens of single makers have, and where: (column, row)."""

    mark: Uniform = Uniform(0.15, 0.85)  # row and column of readings in the image
    readings: Integers = Integers(0, 3)
    shown: float = 0.8  # chance of each mark that can be switched off
    header_size: float = 1.5  # letters, of a large temperature
    logo: tuple[float, float] = (0.01, 0.93)
    header: tuple[float, float] = (0.01, 0.02)
    day_column: float = 0.62  # of a date and the time below it
    day_rows: tuple[float, float] = (0.02, 0.08)
    battery: tuple[float, float] = (0.86, 0.03)
    warmest: tuple[float, float] = (0.97, 0.12)
    coldest: tuple[float, float] = (0.97, 0.86)
    icon_rows: tuple[float, float] = (0.05, 0.95)
    icons: Integers = Integers(3, 6)
    big: tuple[float, float] = (0.5, 0.9)  # of the reading of the spot in the middle
    big_size: float = 1.8  # letters
    watermark: tuple[float, float] = (0.98, 0.98)


@dataclass(frozen=True)
class ScreenParameters:
    """How often each of `SCREEN_KINDS` comes, and what it has."""

    chances: tuple[float, ...] = (0.4, 0.22, 0.1, 0.12, 0.09, 0.07)
    own: OwnScreenParameters = OwnScreenParameters()
    mixed: MixedScreenParameters = MixedScreenParameters()
    app: AppScreenParameters = AppScreenParameters()


SCREENS = ScreenParameters()
Limits = tuple[float, float]
Screen = Callable[[Overlay, Limits, bool, ScreenParameters], None]


def burn_in(
    image: Grey,
    rng: np.random.Generator,
    limits: tuple[float, float],
    *,
    inverted: bool,
    parameters: ScreenParameters = SCREENS,
    marks: OverlayParameters = OVERLAY,
) -> Grey:
    """Draw an overlay over an 8-bit image: the monitor's own, that of an app, or any mixture of what cameras show.

    Parameters
    ----------
    image : (H, W) uint8
        Not changed.
    rng : numpy.random.Generator
        Chooses the marks.
    limits : (float, float)
        Temperatures of black and white, °C.
    inverted : bool
        Whether black is warm, for the scale bar.
    parameters : ScreenParameters
        How often each kind of screen comes, and what it has.
    marks : OverlayParameters
        What marks and sizes are drawn from.

    Returns
    -------
    (H, W) uint8
    """
    overlay = Overlay(image, rng, marks)
    draw = SCREEN_KINDS[int(rng.choice(len(SCREEN_KINDS), p=parameters.chances))]
    draw(overlay, limits, inverted, parameters)
    return np.asarray(overlay.image)


def _draw_own_screen(overlay: Overlay, limits: Limits, inverted: bool, parameters: ScreenParameters) -> None:
    p = parameters.own
    low, high = (f"{value:.1f}" for value in limits)
    overlay.battery(*p.battery)
    overlay.logo(*p.logo)
    overlay.dots()
    overlay.text(high, *p.warmest, anchor="ra")
    overlay.text(low, *p.coldest, anchor="rd")
    overlay.bar(upright=True, inverted=inverted)


def _draw_mixed_screen(overlay: Overlay, limits: Limits, inverted: bool, parameters: ScreenParameters) -> None:
    rng, p = overlay.rng, parameters.mixed
    low, high = (f"{value:.1f}" for value in limits)
    chance = rng.random(8)
    if chance[0] < p.bar_chance:
        overlay.bar(upright=bool(rng.random() < p.upright_bar_chance), inverted=inverted)
        overlay.text(high, p.warmest_column, p.warmest_row.draw(rng), anchor="ra")
        overlay.text(low, rng.choice(p.coldest_columns), p.coldest_row, anchor="rd")
    if chance[1] < p.logo_chance:
        overlay.logo(rng.choice(p.logo_columns), rng.choice(p.logo_rows))
    if chance[2] < p.battery_chance:
        overlay.battery(rng.choice(p.battery_columns), p.battery_row)
    if chance[3] < p.spot_chance:
        row, column = p.spot_place.sample(rng, 2)
        shown = rng.random() < p.spot_reading_chance
        overlay.spot(float(row), float(column), f"{rng.uniform(min(limits), max(limits)):.1f}" if shown else "")
    if chance[4] < p.reading_chance:
        words = f"{rng.choice(READING_WORDS)}{p.reading.draw(rng):.1f}{DEGREES}"
        overlay.text(words, p.reading_column, p.reading_row.draw(rng), size=p.reading_size)
    if chance[5] < p.date_chance:
        day, time = _draw_date(rng, p.years)
        overlay.text(day, p.date_column.draw(rng), rng.choice(p.date_rows), size=p.date_size)
        overlay.text(time, p.date_column.draw(rng), p.time_row, size=p.date_size)
    if chance[6] < p.settings_chance:
        emissivity, distance, reflected = (part.draw(rng) for part in (p.emissivity, p.distance, p.reflected))
        words = f"e={emissivity:.2f} Dist={distance:.1f} Trefl={reflected:.1f}"
        overlay.text(words, *p.settings_place, anchor="ld", size=p.settings_size)


def _draw_flir(overlay: Overlay, limits: Limits, inverted: bool, parameters: ScreenParameters) -> None:
    """Draw a large reading of the spot in the middle, ringed cross, limits at both ends of the bar, a word below."""
    rng, p = overlay.rng, parameters.app
    low, high = (f"{value:.1f}" for value in limits)
    overlay.text(f"{_reading(rng, limits)} {DEGREES}", *p.header, size=p.header_size)
    overlay.spot(0.5, 0.5, "")
    overlay.bar(upright=True, inverted=inverted)
    overlay.text(high, *p.warmest, anchor="rd")
    overlay.text(low, *p.coldest, anchor="ra")
    if rng.random() < p.shown:
        overlay.logo(*p.logo, maker="FLIR")


def _draw_hikmicro(overlay: Overlay, limits: Limits, inverted: bool, parameters: ScreenParameters) -> None:
    """Draw date and time above, a large maximum, corners around the warmest and the coldest spot."""
    rng, p = overlay.rng, parameters.app
    low, high = (f"{value:.1f}" for value in limits)
    overlay.text(f"Max {high}{DEGREES}", p.header[0], p.header[1] + 0.1 * rng.random(), size=p.header_size)
    if rng.random() < p.shown:
        for words, row in zip(_draw_date(rng, parameters.mixed.years), p.day_rows, strict=True):
            overlay.text(words, p.day_column, row, anchor="ma", size=0.9)
    overlay.battery(*p.battery)
    overlay.bar(upright=True, inverted=inverted)
    overlay.text(high, *p.warmest, anchor="ra")
    overlay.text(low, *p.coldest, anchor="ra")
    for _ in range(p.readings.draw(rng)):
        row, column = p.mark.sample(rng, 2)
        overlay.corners(float(row), float(column), _reading(rng, limits) if rng.random() < p.shown else "")


def _draw_infiray(overlay: Overlay, limits: Limits, inverted: bool, parameters: ScreenParameters) -> None:
    """Draw triangles at the warmest and the coldest spot, a cross in the middle, buttons above or below."""
    rng, p = overlay.rng, parameters.app
    if rng.random() < p.shown:
        overlay.spot(0.5, 0.5, _reading(rng, limits))
    for number, value in enumerate(limits):
        row, column = p.mark.sample(rng, 2)
        overlay.triangle(float(row), float(column), f"{value:.1f}", upwards=number == 1)
    if rng.random() < p.shown:
        overlay.bar(upright=bool(rng.random() < p.shown), inverted=inverted)
    overlay.icons(float(rng.choice(p.icon_rows)), p.icons.draw(rng))
    if rng.random() < p.shown:
        overlay.logo(*p.logo, maker=str(rng.choice(("InfiRay", "TOPDON"))))


def _draw_seek(overlay: Overlay, limits: Limits, inverted: bool, parameters: ScreenParameters) -> None:
    """Draw a lying or upright bar with limits, a large reading below, the maker's name in a corner."""
    rng, p = overlay.rng, parameters.app
    low, high = (f"{value:.0f}\N{DEGREE SIGN}" for value in limits)
    overlay.bar(upright=bool(rng.random() < 0.5), inverted=inverted)
    overlay.text(low, 0.02, p.coldest[1])
    overlay.text(high, *p.warmest, anchor="ra")
    if rng.random() < p.shown:
        overlay.spot(0.5, 0.5, "")
        overlay.text(f"{_reading(rng, limits)}{DEGREES}", *p.big, anchor="md", size=p.big_size)
    if rng.random() < p.shown:
        overlay.text("seek thermal", *p.watermark, anchor="rd", size=0.9)


def _reading(rng: np.random.Generator, limits: Limits) -> str:
    return f"{rng.uniform(min(limits), max(limits)):.1f}"


def _draw_date(rng: np.random.Generator, years: Integers) -> tuple[str, str]:
    day = f"{years.draw(rng)}/{rng.integers(1, 13):02d}/{rng.integers(1, 29):02d}"
    return day, f"{rng.integers(24):02d}:{rng.integers(60):02d}"


SCREEN_KINDS: tuple[Screen, ...] = (
    _draw_own_screen, _draw_mixed_screen, _draw_flir, _draw_hikmicro, _draw_infiray, _draw_seek
)  # fmt: skip
