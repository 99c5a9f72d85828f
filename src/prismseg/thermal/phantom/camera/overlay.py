"""What cameras burn into their images: limits, scale bar, logo, battery, spot meter, text, menu dots.

Places are shares of the image's width or height from the top left corner, sizes multiples of the letters' height.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from prismseg.thermal.phantom.distributions import Integers, Uniform

Grey = NDArray[np.uint8]
WHITE, BLACK = 255, 0
SMALLEST_LETTER = 7  # pixels; smaller ones cannot be read
MAKERS = ("FLIR", "FLUKE", "testo", "HIKMICRO", "InfiRay", "TOPDON", "SEEK", "UNI-T")
READING_WORDS = ("Max ", "Spot ", "Punkt ", "", "~ ", "Sp1 ")


@dataclass(frozen=True)
class LetterParameters:
    """Text."""

    size: Uniform = Uniform(0.035, 0.07)  # height of the letters, shares of the image's height
    boxed_chance: float = 0.6  # that text and marks have a dark box behind them
    box_grey: Integers = Integers(0, 69)  # of that box
    box_margin: tuple[int, int] = (3, 2)  # of that box around text: across and down, pixels
    outlined_chance: float = 0.5  # that letters without a box have a black outline


@dataclass(frozen=True)
class ScaleBarParameters:
    """The bar that shows which grey is which temperature."""

    top: Uniform = Uniform(0.08, 0.2)  # ends of an upright bar
    bottom: Uniform = Uniform(0.8, 0.92)
    right_margin: Uniform = Uniform(0.005, 0.04)  # between an upright bar and the edge
    width: Uniform = Uniform(0.008, 0.03)  # of an upright bar
    left: Uniform = Uniform(0.1, 0.3)  # ends of a lying bar
    right: Uniform = Uniform(0.7, 0.9)
    bottom_margin: Uniform = Uniform(0.01, 0.05)  # between a lying bar and the edge
    height: float = 0.03  # of a lying bar
    thinnest: int = 3  # pixels
    framed_chance: float = 0.5  # that the bar has a frame
    white_frame_chance: float = 0.7  # that this frame is white, not black


@dataclass(frozen=True)
class LogoParameters:
    """A maker's mark: a diamond of four diamonds and a word."""

    size: Uniform = Uniform(0.8, 1.4)  # of the mark, letters
    ratio: float = 2.2  # of the mark to each of the four: above 2 there is a gap between them
    word_offset: float = 1.15  # where the word begins, marks


@dataclass(frozen=True)
class BatteryParameters:
    """A battery's symbol, upright or lying; parts are (left, top, right, bottom) in shares of its size."""

    size: float = 1.1  # letters
    box_margin: int = 4  # of the box behind it, pixels
    upright_chance: float = 0.5
    upright_case: tuple[float, float, float, float] = (0.2, 0.12, 0.75, 1.0)
    upright_pole: tuple[float, float, float, float] = (0.37, 0.0, 0.58, 0.2)
    lying_case: tuple[float, float, float, float] = (0.0, 0.25, 1.0, 0.8)
    bars: Integers = Integers(1, 3)  # of charge
    bar_left: float = 0.15  # of the first one
    bar_step: float = 0.25  # to the next one
    bar_width: float = 0.15
    bar_rows: tuple[float, float] = (0.38, 0.67)


@dataclass(frozen=True)
class MenuDotParameters:
    """A menu's three dots at the bottom."""

    row: float = 0.955
    radius: float = 0.007  # of the image's height
    step: float = 4.0  # between two dots, radii
    box: tuple[float, float] = (9.0, 3.0)  # half width and half height of the box behind them, radii


@dataclass(frozen=True)
class SpotParameters:
    """A spot meter's cross, circle or bracket with its reading."""

    arm: Uniform = Uniform(0.012, 0.06)  # of the cross, shares of the image's height
    white_chance: float = 0.75
    other_grey: Integers = Integers(60, 199)  # where it is not white
    whole_chance: float = 0.5  # that the cross has no hole in its middle
    hole: float = 0.35  # of the arm
    circle_chance: float = 0.4
    bracket_chance: float = 0.3
    bracket: float = 1.4  # half its side, arms
    words_offset: float = 1.6  # where the reading begins, arms


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
class OverlayParameters:
    """Everything that overlays are drawn from, after the screens of common cameras."""

    own_screen_chance: float = 0.5  # that the overlay is the monitor's own
    letters: LetterParameters = LetterParameters()
    bar: ScaleBarParameters = ScaleBarParameters()
    logo: LogoParameters = LogoParameters()
    battery: BatteryParameters = BatteryParameters()
    dots: MenuDotParameters = MenuDotParameters()
    spot: SpotParameters = SpotParameters()
    own_screen: OwnScreenParameters = OwnScreenParameters()
    mixed_screen: MixedScreenParameters = MixedScreenParameters()


OVERLAY = OverlayParameters()


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


class Overlay:
    """Draws into an 8-bit image; sizes are relative to its height."""

    def __init__(self, image: Grey, rng: np.random.Generator, parameters: OverlayParameters = OVERLAY) -> None:
        self.image = Image.fromarray(image)
        self.draw = ImageDraw.Draw(self.image)
        self.rng = rng
        self.parameters = parameters
        self.width, self.height = self.image.size
        letters = parameters.letters
        self.letter = max(SMALLEST_LETTER, round(self.height * letters.size.draw(rng)))
        self.boxed = rng.random() < letters.boxed_chance
        self.box_grey = letters.box_grey.draw(rng)

    def text(self, words: str, column: float, row: float, *, anchor: str = "la", size: float = 1.0) -> None:
        """Write `words` at a place given in shares of the image, `size` times as large as other letters."""
        font = _font(max(SMALLEST_LETTER, round(self.letter * size)))
        at = (column * self.width, row * self.height)
        letters = self.parameters.letters
        if self.boxed:
            across, down = letters.box_margin
            left, top, right, bottom = self.draw.textbbox(at, words, font=font, anchor=anchor)
            self.draw.rounded_rectangle(
                (left - across, top - down, right + across, bottom + down), 2, fill=self.box_grey
            )
            self.draw.text(at, words, fill=WHITE, font=font, anchor=anchor)
        else:
            outline = int(self.rng.random() < letters.outlined_chance)
            self.draw.text(
                at, words, fill=WHITE, font=font, anchor=anchor, stroke_width=outline, stroke_fill=BLACK
            )

    def bar(self, *, upright: bool, inverted: bool) -> None:
        """Draw the scale bar at the right edge, or along the bottom."""
        rng, p = self.rng, self.parameters.bar
        if upright:
            top, bottom = (round(self.height * end.draw(rng)) for end in (p.top, p.bottom))
            right = self.width - round(p.right_margin.draw(rng) * self.width)
            left = right - max(p.thinnest, round(p.width.draw(rng) * self.width))
        else:
            left, right = (round(self.width * end.draw(rng)) for end in (p.left, p.right))
            bottom = self.height - round(p.bottom_margin.draw(rng) * self.height)
            top = bottom - max(p.thinnest, round(p.height * self.height))
        ramp = np.linspace(255, 0, bottom - top)[:, None] if upright else np.linspace(0, 255, right - left)[None]
        if inverted:
            ramp = 255 - ramp
        filled = np.broadcast_to(ramp, (bottom - top, right - left)).astype(np.uint8)
        self.image.paste(Image.fromarray(np.ascontiguousarray(filled)), (left, top))
        if rng.random() < p.framed_chance:
            frame = WHITE if rng.random() < p.white_frame_chance else BLACK
            self.draw.rectangle((left - 1, top - 1, right, bottom), outline=frame)

    def logo(self, column: float, row: float) -> None:
        """Draw a maker's mark: a diamond of four and a word."""
        p = self.parameters.logo
        size = self.letter * p.size.draw(self.rng)
        x, y = column * self.width, row * self.height
        half = size / 2
        radius = half / p.ratio
        for dx, dy in ((0, -half / 2), (-half / 2, 0), (half / 2, 0), (0, half / 2)):
            cx, cy = x + half + dx, y + half + dy
            self.draw.polygon(
                [(cx, cy - radius), (cx + radius, cy), (cx, cy + radius), (cx - radius, cy)], fill=WHITE
            )
        maker = str(self.rng.choice(MAKERS))
        font = _font(max(SMALLEST_LETTER, round(size)))
        at = (x + size * p.word_offset, y + half)
        self.draw.text(at, maker, fill=WHITE, font=font, anchor="lm", stroke_width=1)

    def battery(self, column: float, row: float) -> None:
        """Draw a battery, upright or lying."""
        p = self.parameters.battery
        size = self.letter * p.size
        x, y = column * self.width, row * self.height

        def place(
            part: tuple[float, float, float, float], shift: float = 0.0
        ) -> tuple[float, float, float, float]:
            left, top, right, bottom = part
            return x + (left + shift) * size, y + top * size, x + (right + shift) * size, y + bottom * size

        if self.boxed:
            margin = p.box_margin
            # Half the margin on the right: the symbol does not fill its square there.
            self.draw.rectangle(
                (x - margin, y - margin, x + size + margin / 2, y + size + margin), fill=self.box_grey
            )
        if self.rng.random() < p.upright_chance:
            self.draw.rectangle(place(p.upright_case), fill=WHITE)
            self.draw.rectangle(place(p.upright_pole), fill=WHITE)
        else:
            self.draw.rectangle(place(p.lying_case), outline=WHITE, width=2)
            for bar in range(p.bars.draw(self.rng)):
                left = x + (p.bar_left + p.bar_step * bar) * size
                top, bottom = (y + edge * size for edge in p.bar_rows)
                self.draw.rectangle((left, top, left + p.bar_width * size, bottom), fill=WHITE)

    def dots(self) -> None:
        """Draw a menu's three dots at the bottom."""
        p = self.parameters.dots
        x, y, radius = self.width / 2, p.row * self.height, max(1.0, p.radius * self.height)
        if self.boxed:
            across, down = p.box
            self.draw.rounded_rectangle(
                (x - across * radius, y - down * radius, x + across * radius, y + down * radius),
                3,
                fill=self.box_grey,
            )
        for step in (-p.step, 0.0, p.step):
            self.draw.ellipse(
                (x + step * radius - radius, y - radius, x + step * radius + radius, y + radius), fill=WHITE
            )

    def spot(self, row: float, column: float, words: str) -> None:
        """Draw a spot meter's cross, circle or bracket with its reading."""
        rng, p = self.rng, self.parameters.spot
        x, y, arm = column * self.width, row * self.height, p.arm.draw(rng) * self.height
        grey = WHITE if rng.random() < p.white_chance else p.other_grey.draw(rng)
        hole = 0.0 if rng.random() < p.whole_chance else p.hole * arm
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            self.draw.line((x + hole * dx, y + hole * dy, x + arm * dx, y + arm * dy), fill=grey, width=1)
        if rng.random() < p.circle_chance:
            self.draw.ellipse((x - arm / 2, y - arm / 2, x + arm / 2, y + arm / 2), outline=grey)
        if rng.random() < p.bracket_chance:
            half = p.bracket * arm
            self.draw.rectangle((x - half, y - half, x + half, y + half), outline=grey)
        if words:
            self.text(words, column + p.words_offset * arm / self.width, row, anchor="lm")


def burn_in(
    image: Grey,
    rng: np.random.Generator,
    limits: tuple[float, float],
    *,
    inverted: bool,
    parameters: OverlayParameters = OVERLAY,
) -> Grey:
    """Draw an overlay over an 8-bit image: the monitor's own, or any mixture of what cameras show.

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
    parameters : OverlayParameters
        What marks, places and sizes are drawn from.

    Returns
    -------
    (H, W) uint8
    """
    overlay = Overlay(image, rng, parameters)
    if rng.random() < parameters.own_screen_chance:
        _draw_own_screen(overlay, limits, inverted=inverted)
    else:
        _draw_mixed_screen(overlay, limits, inverted=inverted)
    return np.asarray(overlay.image)


def _draw_own_screen(overlay: Overlay, limits: tuple[float, float], *, inverted: bool) -> None:
    p = overlay.parameters.own_screen
    low, high = (f"{value:.1f}" for value in limits)
    overlay.battery(*p.battery)
    overlay.logo(*p.logo)
    overlay.dots()
    overlay.text(high, *p.warmest, anchor="ra")
    overlay.text(low, *p.coldest, anchor="rd")
    overlay.bar(upright=True, inverted=inverted)


def _draw_mixed_screen(overlay: Overlay, limits: tuple[float, float], *, inverted: bool) -> None:
    rng, p = overlay.rng, overlay.parameters.mixed_screen
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
        words = f"{rng.choice(READING_WORDS)}{p.reading.draw(rng):.1f}\N{DEGREE SIGN}C"
        overlay.text(words, p.reading_column, p.reading_row.draw(rng), size=p.reading_size)
    if chance[5] < p.date_chance:
        day = f"{p.years.draw(rng)}/{rng.integers(1, 13):02d}/{rng.integers(1, 29):02d}"
        overlay.text(day, p.date_column.draw(rng), rng.choice(p.date_rows), size=p.date_size)
        time = f"{rng.integers(24):02d}:{rng.integers(60):02d}"
        overlay.text(time, p.date_column.draw(rng), p.time_row, size=p.date_size)
    if chance[6] < p.settings_chance:
        emissivity, distance, reflected = (part.draw(rng) for part in (p.emissivity, p.distance, p.reflected))
        words = f"e={emissivity:.2f} Dist={distance:.1f} Trefl={reflected:.1f}"
        overlay.text(words, *p.settings_place, anchor="ld", size=p.settings_size)
