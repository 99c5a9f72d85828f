"""Marks that cameras burn into their images: scale bar, logo, battery, spot meter, text, menu dots.

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
class CornerParameters:
    """A frame of four corners around a cross."""

    half: Uniform = Uniform(0.025, 0.05)  # half its side, shares of the image's height
    arm: float = 0.5  # of its lines, half sides
    grey: Integers = Integers(90, 255)  # they are coloured, red and green
    words_offset: float = 1.5  # where the reading begins, half sides
    words_left_from: float = 0.7  # column from which on the reading stands on the left


@dataclass(frozen=True)
class IconParameters:
    """Buttons of an app."""

    radius: Uniform = Uniform(0.015, 0.035)  # shares of the image's height
    filled_chance: float = 0.4
    grey: Integers = Integers(60, 255)


@dataclass(frozen=True)
class OverlayParameters:
    """Everything that marks are drawn from."""

    letters: LetterParameters = LetterParameters()
    bar: ScaleBarParameters = ScaleBarParameters()
    logo: LogoParameters = LogoParameters()
    battery: BatteryParameters = BatteryParameters()
    dots: MenuDotParameters = MenuDotParameters()
    spot: SpotParameters = SpotParameters()
    corners: CornerParameters = CornerParameters()
    triangle: float = 0.018  # half width, shares of the image's height
    icons: IconParameters = IconParameters()


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

    def logo(self, column: float, row: float, maker: str = "") -> None:
        """Draw a maker's mark: a diamond of four and a word, that of any maker where none is named."""
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
        maker = maker or str(self.rng.choice(MAKERS))
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

    def corners(self, row: float, column: float, words: str) -> None:
        """Draw the four corners of a frame around a small cross, with its reading in a grey box."""
        p = self.parameters.corners
        x, y = column * self.width, row * self.height
        half = p.half.draw(self.rng) * self.height
        arm, grey = p.arm * half, p.grey.draw(self.rng)
        for right in (-1, 1):
            for down in (-1, 1):
                at = (x + right * half, y + down * half)
                self.draw.line((at[0] - right * arm, at[1], *at, at[0], at[1] - down * arm), fill=grey, width=2)
        for dx, dy in ((1, 0), (0, 1)):
            self.draw.line((x - dx * arm, y - dy * arm, x + dx * arm, y + dy * arm), fill=grey, width=1)
        if words:
            side = -1 if column > p.words_left_from else 1
            anchor = "lm" if side > 0 else "rm"
            self.text(words, column + side * p.words_offset * half / self.width, row, anchor=anchor)

    def triangle(self, row: float, column: float, words: str, *, upwards: bool) -> None:
        """Draw a small filled triangle at a warmest or coldest spot, with its reading."""
        size = self.parameters.triangle * self.height
        x, y = column * self.width, row * self.height
        down = 1 if upwards else -1
        self.draw.polygon(
            [(x, y), (x - size, y + down * 1.6 * size), (x + size, y + down * 1.6 * size)], fill=WHITE
        )
        if words:
            self.text(
                words, column + 1.5 * size / self.width, row + down * size / self.height, anchor="lm", size=0.8
            )

    def icons(self, row: float, count: int) -> None:
        """Draw a row of an app's buttons."""
        p = self.parameters.icons
        for number in range(count):
            x, y = (number + 0.5) / count * self.width, row * self.height
            radius = p.radius.draw(self.rng) * self.height
            box = (x - radius, y - radius, x + radius, y + radius)
            if self.rng.random() < p.filled_chance:
                self.draw.ellipse(box, fill=p.grey.draw(self.rng))
            else:
                self.draw.rounded_rectangle(box, radius / 3, outline=WHITE, width=2)
