"""Curves of a session as vector drawings: change of both soles, right minus left, each territory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from reportlab.graphics.shapes import Circle, Drawing, Line, Polygon, PolyLine, Rect, Shape, String
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.units import mm

from prismseg.base import Message
from prismseg.monitor.report.content import Report
from prismseg.monitor.report.pdf.style import BOLD, COLOURS, DASHES, INK, LINE, PLAIN, SOFT, WIDTH
from prismseg.monitor.report.words import Words
from prismseg.thermal import REGIONS, SIDES, WHOLE_SOLE, Session, Side, Value

_GREY = HexColor("#4d4d4d")
_BAND = 0.16  # opacity
_LEFT, _GAP = 11 * mm, 5 * mm
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
_TIMES = (1, 2, 5, 10, 15, 20, 30, 60, 120, 240, 480, 960)

Point = tuple[float, float]


@dataclass(frozen=True)
class _Course:
    """Values over time and how they are drawn."""

    points: tuple[tuple[float, Value], ...]
    colour: Color
    dash: tuple[float, ...] | None
    mark: str

    def runs(self) -> Iterable[list[tuple[float, Value]]]:
        """Stretches without a gap: where there is no number there is no line."""
        for known, run in groupby(self.points, key=lambda point: point[1].known):
            if known:
                yield list(run)


@dataclass(frozen=True)
class _Axes:
    """A rectangle of the drawing and the numbers it stands for."""

    x: float
    y: float
    width: float
    height: float
    times: tuple[float, float]
    values: tuple[float, float]
    step: float

    def at(self, time: float, value: float) -> Point:
        """Place of a point in the drawing."""
        across = (time - self.times[0]) / (self.times[1] - self.times[0])
        up = (value - self.values[0]) / (self.values[1] - self.values[0])
        return self.x + across * self.width, self.y + up * self.height


def draw_curves(report: Report, words: Words) -> Drawing:
    """Draw the change of both whole soles and right minus left with 95 % intervals, in the width of the text.

    Parameters
    ----------
    report : Report
        Of a session with a baseline.
    words : Words
        For titles and numbers.
    """
    session = report.session
    whole = [_course(session, side, WHOLE_SOLE) for side in SIDES]
    apart = [_Course(tuple((e.minute, session.difference(e)) for e in session.measured), _GREY, None, "diamond")]
    times, threshold = _times(session), session.settings.warming
    drawing = Drawing(WIDTH, 78 * mm)
    top = _axes(whole, (_LEFT, 36 * mm, WIDTH - _LEFT, 37 * mm), times, [0.0, threshold + 0.2])
    _panel(drawing, top, whole, words, _title(words.word(WHOLE_SOLE)), 8.5)
    line = Line(*top.at(times[0], threshold), *top.at(times[1], threshold), strokeColor=INK, strokeWidth=0.7)
    line.strokeDashArray = (1, 2)
    drawing.add(line)
    _key(drawing, WIDTH, 75.4 * mm, words)
    second = _axes(apart, (_LEFT, 9 * mm, WIDTH - _LEFT, 17 * mm), times, [0.0])
    _panel(drawing, second, apart, words, _title(words(Message("right minus left"))), 8.5)
    for axes in (top, second):
        for entry in session.entries:
            if not entry.ok:
                _cross(drawing, axes.at(entry.minute, axes.values[0]))
    since = Message("Minutes since the test dose") if report.timed else Message("Minutes since the last capture")
    _text(drawing, WIDTH, 1.8 * mm, words(since), 7.5, anchor="end")
    return drawing


def draw_territories(session: Session, words: Words) -> Drawing:
    """Draw the change of each territory as `draw_curves` does, side by side and to one scale."""
    drawing = Drawing(WIDTH, 29 * mm)
    small = {
        region: [_course(session, side, region) for side in SIDES] for region in REGIONS if region != WHOLE_SOLE
    }
    across = (WIDTH - _LEFT - (len(small) - 1) * _GAP) / len(small)
    everything = [course for courses in small.values() for course in courses]
    for number, (region, courses) in enumerate(small.items()):
        place = (_LEFT + number * (across + _GAP), 4.5 * mm, across, 19 * mm)
        axes = _axes(everything, place, _times(session), [0.0])
        _panel(drawing, axes, courses, words, words.word(region), 7.5, labelled=number == 0)
    return drawing


def _times(session: Session) -> tuple[float, float]:
    """First and last minute on the axis, with a little room."""
    minutes = [entry.minute for entry in session.entries]
    first, last = min([*minutes, 0.0]), max([*minutes, 5.0])
    return first - 0.02 * (last - first), last + 0.02 * (last - first)


def _title(name: str) -> str:
    return name[:1].upper() + name[1:]


def _course(session: Session, side: Side, region: str) -> _Course:
    points = tuple((entry.minute, session.delta(entry, side, region)) for entry in session.measured)
    return _Course(points, COLOURS[side], DASHES[side], "circle" if side == "left" else "square")


def _axes(
    courses: Sequence[_Course],
    place: tuple[float, float, float, float],
    times: tuple[float, float],
    held: Sequence[float],
) -> _Axes:
    """Choose limits that hold all bands and the values `held`, and the step of round numbers between them."""
    known = [value for course in courses for _, value in course.points if value.known]
    low = min([*held, *(value.low for value in known)])
    high = max([*held, *(value.high for value in known)])
    low, high = (low, high) if high - low > _STEPS[0] else (low - 0.5, high + 0.5)
    most = max(2, int(place[3] / (5 * mm)))
    step = next((step for step in _STEPS if (high - low) / step <= most), high - low)
    room = 0.06 * (high - low)
    return _Axes(*place, times, (low - room, high + room), step)


def _panel(
    drawing: Drawing,
    axes: _Axes,
    courses: Sequence[_Course],
    words: Words,
    title: str,
    size: float,
    *,
    labelled: bool = True,
) -> None:
    _text(drawing, axes.x, axes.y + axes.height + 1.5 * mm, title, size, bold=True)
    _grid(drawing, axes, words, labelled)
    for course in courses:
        for run in course.runs():
            _draw(drawing, axes, course, run)


def _grid(drawing: Drawing, axes: _Axes, words: Words, labelled: bool) -> None:
    digits = 0 if axes.step >= 1 else 1
    first, last = math.ceil(axes.values[0] / axes.step), math.floor(axes.values[1] / axes.step)
    for number in range(first, last + 1):
        _, y = axes.at(0, number * axes.step)
        colour, thick = (SOFT, 0.6) if number == 0 else (LINE, 0.4)
        drawing.add(Line(axes.x, y, axes.x + axes.width, y, strokeColor=colour, strokeWidth=thick))
        if labelled:
            text = words.number(number * axes.step, digits, sign=True) + (" °C" if number == last else "")
            _text(drawing, axes.x - 1.2 * mm, y - 2.4, text, 7, anchor="end")
    span = axes.times[1] - axes.times[0]
    room = max(2, int(axes.width / (13 * mm)))
    step = next((step for step in _TIMES if span / step <= room), span)
    for number in range(math.ceil(axes.times[0] / step), math.floor(axes.times[1] / step) + 1):
        x, y = axes.at(number * step, axes.values[0])
        drawing.add(Line(x, y, x, y - 2, strokeColor=SOFT, strokeWidth=0.5))
        _text(drawing, x, y - 9, words.short(number * step), 7, anchor="middle")
    # The clock begins at the dose; before it, at the last capture.
    if axes.times[0] <= 0 <= axes.times[1]:
        drawing.add(
            Line(*axes.at(0, axes.values[0]), *axes.at(0, axes.values[1]), strokeColor=LINE, strokeWidth=0.5)
        )


def _draw(drawing: Drawing, axes: _Axes, course: _Course, run: Sequence[tuple[float, Value]]) -> None:
    upper = [axes.at(minute, value.high) for minute, value in run]
    lower = [axes.at(minute, value.low) for minute, value in run]
    middle = [axes.at(minute, value.value) for minute, value in run]
    if len(run) > 1:
        band = Polygon(_flat([*upper, *reversed(lower)]), strokeColor=None, strokeWidth=0)
        band.fillColor, band.fillOpacity = course.colour, _BAND
        drawing.add(band)
        line = PolyLine(_flat(middle), strokeColor=course.colour, strokeWidth=1.3)
        line.strokeDashArray = course.dash
        drawing.add(line)
    else:
        drawing.add(Line(*lower[0], *upper[0], strokeColor=course.colour, strokeWidth=0.8))
    for place in middle:
        drawing.add(_mark(course, *place))


def _mark(course: _Course, x: float, y: float) -> Shape:
    made: Shape
    if course.mark == "circle":
        made = Circle(x, y, 1.9)
    elif course.mark == "square":
        made = Rect(x - 1.7, y - 1.7, 3.4, 3.4)
    else:
        made = Polygon([x - 2.2, y, x, y + 2.2, x + 2.2, y, x, y - 2.2])
    made.fillColor, made.strokeColor, made.strokeWidth = course.colour, HexColor("#ffffff"), 0.4
    return made


def _key(drawing: Drawing, right: float, y: float, words: Words) -> None:
    """Name the lines, from the right margin to the left."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    x = right
    for side in reversed(SIDES):
        text = words.word(side)
        _text(drawing, x, y, text, 7.5, anchor="end")
        x -= stringWidth(text, PLAIN, 7.5) + 2 * mm
        course = _Course((), COLOURS[side], DASHES[side], "circle" if side == "left" else "square")
        line = Line(x - 9 * mm, y + 2.6, x, y + 2.6, strokeColor=course.colour, strokeWidth=1.3)
        line.strokeDashArray = course.dash
        drawing.add(line)
        drawing.add(_mark(course, x - 4.5 * mm, y + 2.6))
        x -= 14 * mm


def _cross(drawing: Drawing, place: Point) -> None:
    x, y = place
    for rise in (-2.2, 2.2):
        drawing.add(Line(x - 2.2, y - rise, x + 2.2, y + rise, strokeColor=INK, strokeWidth=0.9))


def _text(
    drawing: Drawing, x: float, y: float, text: str, size: float, *, anchor: str = "start", bold: bool = False
) -> None:
    font, colour = (BOLD, INK) if bold else (PLAIN, SOFT)
    drawing.add(String(x, y, text, fontName=font, fontSize=size, fillColor=colour, textAnchor=anchor))


def _flat(points: Iterable[Point]) -> list[float]:
    return [number for point in points for number in point]
