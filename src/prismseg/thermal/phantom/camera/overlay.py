"""What cameras burn into their pictures: limits, scale bar, logo, battery, spot, text, dots."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Grey = NDArray[np.uint8]
WHITE, BLACK = 255, 0


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


class Overlay:
    """Draws into an 8-bit picture; sizes are relative to its height."""

    def __init__(self, picture: Grey, rng: np.random.Generator) -> None:
        self.image = Image.fromarray(picture)
        self.draw = ImageDraw.Draw(self.image)
        self.rng = rng
        self.width, self.height = self.image.size
        self.letter = max(7, round(self.height * rng.uniform(0.035, 0.07)))
        self.boxed = rng.random() < 0.6
        self.shade = int(rng.integers(0, 70))

    def text(self, words: str, column: float, row: float, *, anchor: str = "la", grow: float = 1.0) -> None:
        """Write `words` at a place given in shares of the picture."""
        font = _font(max(7, round(self.letter * grow)))
        at = (column * self.width, row * self.height)
        if self.boxed:
            left, top, right, bottom = self.draw.textbbox(at, words, font=font, anchor=anchor)
            self.draw.rounded_rectangle((left - 3, top - 2, right + 3, bottom + 2), 2, fill=self.shade)
            self.draw.text(at, words, fill=WHITE, font=font, anchor=anchor)
        else:
            self.draw.text(
                at,
                words,
                fill=WHITE,
                font=font,
                anchor=anchor,
                stroke_width=int(self.rng.random() < 0.5),
                stroke_fill=0,
            )

    def bar(self, *, upright: bool, inverted: bool) -> None:
        """Draw the scale bar at the right edge, or along the bottom."""
        rng = self.rng
        if upright:
            top, bottom = (
                round(self.height * share) for share in (rng.uniform(0.08, 0.2), rng.uniform(0.8, 0.92))
            )
            right = self.width - round(rng.uniform(0.005, 0.04) * self.width)
            left = right - max(3, round(rng.uniform(0.008, 0.03) * self.width))
        else:
            left, right = (round(self.width * share) for share in (rng.uniform(0.1, 0.3), rng.uniform(0.7, 0.9)))
            bottom = self.height - round(rng.uniform(0.01, 0.05) * self.height)
            top = bottom - max(3, round(0.03 * self.height))
        ramp = np.linspace(255, 0, bottom - top)[:, None] if upright else np.linspace(0, 255, right - left)[None]
        if inverted:
            ramp = 255 - ramp
        filled = np.broadcast_to(ramp, (bottom - top, right - left)).astype(np.uint8)
        self.image.paste(Image.fromarray(np.ascontiguousarray(filled)), (left, top))
        if rng.random() < 0.5:
            self.draw.rectangle((left - 1, top - 1, right, bottom), outline=WHITE if rng.random() < 0.7 else BLACK)

    def logo(self, column: float, row: float) -> None:
        """Draw a maker's mark: a diamond of four and a word."""
        size = self.letter * self.rng.uniform(0.8, 1.4)
        x, y = column * self.width, row * self.height
        half = size / 2
        for dx, dy in ((0, -half / 2), (-half / 2, 0), (half / 2, 0), (0, half / 2)):
            cx, cy, r = x + half + dx, y + half + dy, half / 2.2
            self.draw.polygon([(cx, cy - r), (cx + r, cy), (cx, cy + r), (cx - r, cy)], fill=WHITE)
        words = str(self.rng.choice(["FLIR", "FLUKE", "testo", "HIKMICRO", "InfiRay", "TOPDON", "SEEK", "UNI-T"]))
        font = _font(max(7, round(size)))
        self.draw.text((x + size * 1.15, y + half), words, fill=WHITE, font=font, anchor="lm", stroke_width=1)

    def battery(self, column: float, row: float) -> None:
        """Draw a battery, upright or lying."""
        size = self.letter * 1.1
        x, y = column * self.width, row * self.height
        if self.boxed:
            self.draw.rectangle((x - 4, y - 4, x + size + 2, y + size + 4), fill=self.shade)
        if self.rng.random() < 0.5:
            self.draw.rectangle((x + 0.2 * size, y + 0.12 * size, x + 0.75 * size, y + size), fill=WHITE)
            self.draw.rectangle((x + 0.37 * size, y, x + 0.58 * size, y + 0.2 * size), fill=WHITE)
        else:
            self.draw.rectangle((x, y + 0.25 * size, x + size, y + 0.8 * size), outline=WHITE, width=2)
            for bar in range(int(self.rng.integers(1, 4))):
                left = x + (0.15 + 0.25 * bar) * size
                self.draw.rectangle((left, y + 0.38 * size, left + 0.15 * size, y + 0.67 * size), fill=WHITE)

    def dots(self) -> None:
        """Draw a menu's three dots at the bottom."""
        x, y, radius = self.width / 2, 0.955 * self.height, max(1.0, 0.007 * self.height)
        if self.boxed:
            self.draw.rounded_rectangle(
                (x - 9 * radius, y - 3 * radius, x + 9 * radius, y + 3 * radius), 3, fill=self.shade
            )
        for step in (-4.0, 0.0, 4.0):
            self.draw.ellipse(
                (x + step * radius - radius, y - radius, x + step * radius + radius, y + radius), fill=WHITE
            )

    def spot(self, row: float, column: float, words: str) -> None:
        """Draw a spot meter's cross or bracket with its reading."""
        x, y, arm = column * self.width, row * self.height, self.rng.uniform(0.012, 0.06) * self.height
        value = WHITE if self.rng.random() < 0.75 else int(self.rng.integers(60, 200))
        hole = 0.0 if self.rng.random() < 0.5 else 0.35 * arm
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            self.draw.line((x + hole * dx, y + hole * dy, x + arm * dx, y + arm * dy), fill=value, width=1)
        if self.rng.random() < 0.4:
            self.draw.ellipse((x - arm / 2, y - arm / 2, x + arm / 2, y + arm / 2), outline=value)
        if self.rng.random() < 0.3:
            box = 1.4 * arm
            self.draw.rectangle((x - box, y - box, x + box, y + box), outline=value)
        if words:
            self.text(words, column + 1.6 * arm / self.width, row, anchor="lm")


def burn_in(picture: Grey, rng: np.random.Generator, limits: tuple[float, float], *, inverted: bool) -> Grey:
    """Draw an overlay over an 8-bit picture (H, W): the monitor's own, or any mixture of its parts.

    Parameters
    ----------
    picture : (H, W) uint8
        Not changed.
    rng : numpy.random.Generator
        Chooses the parts.
    limits : (float, float)
        Temperatures of black and white, °C.
    inverted : bool
        Whether black is warm, for the scale bar.

    Returns
    -------
    (H, W) uint8
    """
    over = Overlay(picture, rng)
    low, high = (f"{value:.1f}" for value in limits)
    if rng.random() < 0.5:
        over.battery(0.015, 0.03)
        over.logo(0.01, 0.92)
        over.dots()
        over.text(high, 0.97, 0.03, anchor="ra")
        over.text(low, 0.97, 0.98, anchor="rd")
        over.bar(upright=True, inverted=inverted)
        return np.asarray(over.image)
    chance = rng.random(8)
    if chance[0] < 0.6:
        over.bar(upright=bool(rng.random() < 0.75), inverted=inverted)
        over.text(high, 0.98, rng.uniform(0.02, 0.1), anchor="ra")
        over.text(low, rng.choice([0.98, 0.2]), 0.98, anchor="rd")
    if chance[1] < 0.5:
        over.logo(rng.choice([0.01, 0.68]), rng.choice([0.02, 0.9]))
    if chance[2] < 0.4:
        over.battery(rng.choice([0.015, 0.9]), 0.02)
    if chance[3] < 0.5:
        where = rng.uniform(0.2, 0.8, size=2)
        over.spot(
            float(where[0]),
            float(where[1]),
            f"{rng.uniform(min(limits), max(limits)):.1f}" if rng.random() < 0.6 else "",
        )
    if chance[4] < 0.5:
        word = str(rng.choice(["Max ", "Spot ", "Punkt ", "", "~ ", "Sp1 "]))
        over.text(f"{word}{rng.uniform(20, 36):.1f}\N{DEGREE SIGN}C", 0.01, rng.uniform(0.01, 0.16), grow=1.4)
    if chance[5] < 0.35:
        day = f"{rng.integers(2012, 2027)}/{rng.integers(1, 13):02d}/{rng.integers(1, 29):02d}"
        over.text(day, rng.uniform(0.3, 0.6), rng.choice([0.01, 0.93]), grow=0.8)
        over.text(f"{rng.integers(24):02d}:{rng.integers(60):02d}", rng.uniform(0.3, 0.6), 0.07, grow=0.8)
    if chance[6] < 0.25:
        emissivity, distance, reflected = rng.uniform(0.9, 0.99), rng.uniform(0.5, 2), rng.uniform(18, 24)
        words = f"e={emissivity:.2f} Dist={distance:.1f} Trefl={reflected:.1f}"
        over.text(words, 0.01, 0.97, anchor="ld", grow=0.7)
    return np.asarray(over.image)
