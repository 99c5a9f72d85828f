"""Pictures of captures with outlines, and the one scale of their colours."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image
from reportlab.lib.colors import HexColor, white
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.platypus import Flowable
from skimage.measure import approximate_polygon

from prismseg.base import Message
from prismseg.monitor.report.pdf.style import BOLD, COLOURS, DASHES, GROUND, INK, LINE, PLAIN, SOFT, WIDTH
from prismseg.monitor.report.words import Words
from prismseg.thermal import SIDES, Entry, Session, Side, trace_outlines
from prismseg.thermal.output.palettes import DEFAULT_COLOUR_MAP

_LEVELS = 256
_NO_VALUE = (127, 127, 127)
_MOST_PIXELS = 640  # across; on paper more cannot be seen
_TALLEST = 1.35  # of a picture, in widths
_LEAST_SCALE = 5  # whole degrees
LETTERS: dict[Side, Message] = {"left": Message("L"), "right": Message("R")}
_BAR = 3.2 * mm


def temperature_scale(session: Session) -> tuple[int, int]:
    """Whole degrees that hold both soles of every capture and nearly all that lies around them."""
    lows, highs = [], []
    for entry in session.entries:
        if entry.frame is None:
            continue
        celsius = entry.frame.celsius
        low, high = np.nanpercentile(celsius, (2, 99.5))
        found = _found(entry)
        held = [low, high] if found is None else np.append(celsius[found & np.isfinite(celsius)], (low, high))
        lows.append(float(np.min(held)))
        highs.append(float(np.max(held)))
    if not lows:
        return 20, 35
    lowest, highest = math.floor(min(lows)), math.ceil(max(highs))
    return lowest, max(highest, lowest + _LEAST_SCALE)


class Picture(Flowable):  # type: ignore[misc]
    """One capture in the colours of the scale, its soles outlined and lettered; a blank where there is no frame."""

    def __init__(self, entry: Entry, scale: tuple[int, int], width: float, words: Words) -> None:
        super().__init__()
        rows, columns = (3, 4) if entry.frame is None else entry.frame.size
        self.entry, self.scale, self.words = entry, scale, words
        self.height = min(width * rows / columns, _TALLEST * width)
        self.width = self.height * columns / rows

    def wrap(self, *_: float) -> tuple[float, float]:
        """Return the picture's own size."""
        return self.width, self.height

    def draw(self) -> None:
        """Draw on the canvas."""
        frame, canvas = self.entry.frame, self.canv
        if frame is None:
            canvas.setFillColor(GROUND)
            canvas.setStrokeColor(LINE)
            canvas.rect(0, 0, self.width, self.height, fill=1)
            canvas.setFillColor(SOFT)
            canvas.setFont(PLAIN, 7.5)
            canvas.drawCentredString(self.width / 2, self.height / 2, self.words(self.entry.status))
            return
        canvas.drawImage(ImageReader(_raster(frame.celsius, self.scale)), 0, 0, self.width, self.height)
        soles, found = self.entry.soles, _found(self.entry)
        if soles is None or found is None:
            return
        if not self.entry.ok:
            # What was found is shown, but without a name.
            self._outline(found, None)
            return
        for side in SIDES:
            mask = soles.side(side)
            if mask is not None:
                self._outline(mask, side)
                self._letter(mask, side)

    def _place(self, row: float, column: float) -> tuple[float, float]:
        assert self.entry.frame is not None
        rows, columns = self.entry.frame.size
        return (column + 0.5) / columns * self.width, self.height - (row + 0.5) / rows * self.height

    def _outline(self, mask: NDArray[np.bool_], side: Side | None) -> None:
        canvas = self.canv
        canvas.saveState()
        whole = canvas.beginPath()
        whole.rect(0, 0, self.width, self.height)
        canvas.clipPath(whole, stroke=0, fill=0)
        path = canvas.beginPath()
        for line in trace_outlines(mask).get(1, []):
            points = [self._place(row, column) for row, column in approximate_polygon(line, 0.3)]
            path.moveTo(*points[0])
            for point in points[1:]:
                path.lineTo(*point)
        # Every map has colours like those of the outlines; a white seam keeps them apart.
        canvas.setLineJoin(1)
        canvas.setStrokeColor(white)
        canvas.setLineWidth(1.9 if side else 0.8)
        canvas.drawPath(path)
        if side is not None:
            canvas.setStrokeColor(COLOURS[side])
            canvas.setLineWidth(1.1)
            canvas.setDash(list(DASHES[side] or ()))
            canvas.drawPath(path)
        canvas.restoreState()

    def _letter(self, mask: NDArray[np.bool_], side: Side) -> None:
        """Put the side's letter on the heel, where it hides no toe."""
        rows = np.flatnonzero(mask.any(axis=1))
        row = rows[0] + 0.86 * (rows[-1] - rows[0])
        columns = np.flatnonzero(mask[round(float(row))])
        middle = float(columns.mean()) if columns.size else float(np.flatnonzero(mask.any(axis=0)).mean())
        x, y = self._place(float(row), middle)
        canvas = self.canv
        canvas.setFillColor(COLOURS[side])
        canvas.setStrokeColor(white)
        canvas.setLineWidth(0.6)
        canvas.circle(x, y, 1.8 * mm, stroke=1, fill=1)
        canvas.setFillColor(white)
        canvas.setFont(BOLD, 6.5)
        canvas.drawCentredString(x, y - 2.4, self.words(LETTERS[side]))


class Scale(Flowable):  # type: ignore[misc]
    """The bar of colours with whole degrees, and the lines of both sides."""

    def __init__(self, scale: tuple[int, int], words: Words) -> None:
        super().__init__()
        self.scale, self.words = scale, words
        self.width, self.height = WIDTH, 9.5 * mm

    def wrap(self, *_: float) -> tuple[float, float]:
        """Return the bar's own size."""
        return self.width, self.height

    def draw(self) -> None:
        """Draw on the canvas."""
        canvas, (low, high) = self.canv, self.scale
        start, width, base = 6 * mm, WIDTH - 70 * mm, 4.5 * mm
        colours = np.broadcast_to(np.arange(_LEVELS, dtype=np.uint8), (1, _LEVELS))
        canvas.drawImage(ImageReader(Image.fromarray(_lut()[colours])), start, base, width, _BAR)
        # Beyond its ends the bar goes on in their colours.
        for x, point, colour in ((start, -1, _lut()[0]), (start + width, 1, _lut()[_LEVELS - 1])):
            path = canvas.beginPath()
            path.moveTo(x, base)
            path.lineTo(x + point * 2.6 * mm, base + _BAR / 2)
            path.lineTo(x, base + _BAR)
            path.close()
            canvas.setFillColor(HexColor("#{:02x}{:02x}{:02x}".format(*colour)))
            canvas.drawPath(path, stroke=0, fill=1)
        canvas.setFont(PLAIN, 7)
        canvas.setFillColor(INK)
        canvas.setStrokeColor(INK)
        canvas.setLineWidth(0.5)
        for degree in _degrees(low, high):
            x = start + width * (degree - low) / (high - low)
            canvas.line(x, base, x, base - 1.6)
            canvas.drawCentredString(x, base - 8.6, self.words.short(degree))
        canvas.drawString(start + width + 4 * mm, base + 1.6, "°C")
        self._sides(start + width + 14 * mm, base)

    def _sides(self, x: float, y: float) -> None:
        from reportlab.pdfbase.pdfmetrics import stringWidth

        canvas = self.canv
        for side in SIDES:
            canvas.setStrokeColor(COLOURS[side])
            canvas.setLineWidth(1.6)
            canvas.setDash(list(DASHES[side] or ()))
            canvas.line(x, y + 4, x + 7 * mm, y + 4)
            canvas.setDash()
            text = f"{self.words(LETTERS[side])}  {self.words.word(side)}"
            canvas.setFillColor(INK)
            canvas.drawString(x + 8.5 * mm, y + 1.6, text)
            x += 13 * mm + stringWidth(text, PLAIN, 7)


def _found(entry: Entry) -> NDArray[np.bool_] | None:
    """Give what was found in the mask, where the mask is of this very frame."""
    if entry.soles is None or entry.frame is None or entry.soles.cleaned.shape != entry.frame.size:
        return None
    return entry.soles.cleaned


def _degrees(low: int, high: int) -> Iterable[int]:
    step = next((step for step in (1, 2, 5, 10) if (high - low) / step <= 16), 50)
    return range(math.ceil(low / step) * step, high + 1, step)


def _raster(celsius: NDArray[np.floating[Any]], scale: tuple[int, int]) -> Image.Image:
    level = (np.nan_to_num(celsius, nan=scale[0]) - scale[0]) / (scale[1] - scale[0])
    picture = _lut()[np.clip(level * (_LEVELS - 1) + 0.5, 0, _LEVELS - 1).astype(np.uint8)]
    picture[~np.isfinite(celsius)] = _NO_VALUE
    image = Image.fromarray(picture)
    if image.width > _MOST_PIXELS:
        image = image.resize(
            (_MOST_PIXELS, round(image.height * _MOST_PIXELS / image.width)), Image.Resampling.BOX
        )
    return image


@lru_cache(maxsize=1)
def _lut() -> NDArray[np.uint8]:
    """Colours (256, 3) of the map, even to the eye and rising in lightness (Smith & van der Walt 2015)."""
    colours: NDArray[np.uint8] = colormaps[DEFAULT_COLOUR_MAP](np.linspace(0, 1, _LEVELS), bytes=True)[
        :, :3
    ].copy()
    return colours
