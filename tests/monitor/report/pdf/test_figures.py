from __future__ import annotations

import io
import math

import numpy as np
import pypdfium2
import pytest
from reportlab.graphics.shapes import Circle, PolyLine, Rect, String
from reportlab.pdfgen.canvas import Canvas

from prismseg.monitor.report.content import Report
from prismseg.monitor.report.pdf.charts import _axes, _Course, draw_curves, draw_territories
from prismseg.monitor.report.pdf.pictures import Picture, _lut, _raster, temperature_scale
from prismseg.monitor.report.pdf.style import COLOURS, register_fonts
from prismseg.monitor.report.words import Words
from prismseg.thermal import SIDES, WHOLE_SOLE, Frame, Session, Value

from ..conftest import in_utc, made

WORDS = Words(in_utc("en"))


def lines(report: Report, side: str) -> list[np.ndarray]:
    shapes = [*draw_curves(report, WORDS).contents, *draw_territories(report.session, WORDS).contents]
    found = [each for each in shapes if isinstance(each, PolyLine) and each.strokeColor == COLOURS[side]]
    return [np.reshape(each.points, (-1, 2)) for each in found]


def test_curves_are_the_changes_to_scale(report: Report) -> None:
    register_fonts()
    drawn = np.concatenate([lines(report, side)[0] for side in SIDES])
    expected = np.array(
        [
            (entry.minute, report.session.delta(entry, side, WHOLE_SOLE).value)
            for side in SIDES
            for entry in report.session.measured
        ]
    )
    for axis in (0, 1):  # one straight relation, rising to the right and upwards
        slope, start = np.polyfit(expected[:, axis], drawn[:, axis], 1)
        assert slope > 0
        np.testing.assert_allclose(slope * expected[:, axis] + start, drawn[:, axis], atol=0.01)
    assert len(lines(report, "left")) == len(lines(report, "right")) == 6


def test_sides_differ_in_colour_dash_and_mark(report: Report) -> None:
    shapes = draw_curves(report, WORDS).contents
    curves = {side: [s for s in shapes if getattr(s, "strokeColor", 0) == COLOURS[side]] for side in SIDES}
    assert {tuple(s.strokeDashArray or ()) for s in curves["left"] if isinstance(s, PolyLine)} == {()}
    assert all(s.strokeDashArray for s in curves["right"] if isinstance(s, PolyLine))
    assert {type(s) for s in shapes if getattr(s, "fillColor", 0) == COLOURS["left"]} >= {Circle}
    assert {type(s) for s in shapes if getattr(s, "fillColor", 0) == COLOURS["right"]} >= {Rect}
    assert [hex(COLOURS[side].rgb()[0] > 0.5) for side in SIDES] == ["0x0", "0x1"]


def test_where_there_is_no_number_there_is_no_line() -> None:
    values = [Value(0, 0), Value(1, 0.1), Value(), Value(2, 0.1), Value(2, 0.1)]
    course = _Course(tuple(enumerate(values)), COLOURS["left"], None, "circle")
    assert [[minute for minute, _ in run] for run in course.runs()] == [[0, 1], [3, 4]]


@pytest.mark.parametrize("values", [[], [Value(0, 0)], [Value(-3, 1), Value(8, 0.5)], [Value(40, 30)]])
def test_axes_hold_all_bands(values: list[Value]) -> None:
    course = _Course(tuple(enumerate(values)), COLOURS["left"], None, "circle")
    axes = _axes([course], (10, 20, 300, 100), (-1, 20), [0.0, 1.2])
    for minute, value in enumerate(values):
        for number in (value.low, value.high):
            x, y = axes.at(minute, number)
            assert 10 <= x <= 310 and 20 <= y <= 120
    assert axes.values[0] < 0 and axes.values[1] > 1.2
    assert 1 <= (axes.values[1] - axes.values[0]) / axes.step <= 25


def test_curves_name_their_axes(report: Report) -> None:
    words = Words(in_utc("es"))
    shapes = [*draw_curves(report, words).contents, *draw_territories(report.session, words).contents]
    texts = [each.text for each in shapes if isinstance(each, String)]
    for text in (
        "Planta entera",
        "Derecha menos izquierda",
        "safeno",
        "Minutos desde la dosis de prueba",
        "derecha",
    ):
        assert text in texts


def test_the_scale_has_whole_degrees_and_holds_every_sole(report: Report) -> None:
    low, high = temperature_scale(report.session)
    assert isinstance(low, int) and isinstance(high, int) and high - low >= 5
    for entry in report.session.measured:
        sole = entry.frame.celsius[entry.soles.cleaned]
        assert low <= sole.min() and sole.max() <= high


def test_colours_are_temperatures() -> None:
    celsius = np.array([[20.0, 30.0, 25.0, -5.0, 60.0, math.nan]] * 8, np.float32)
    pixels = np.asarray(_raster(celsius, (20, 30)))[0]
    ends, middle = (_lut()[0], _lut()[255]), _lut()[128]
    for pixel, colour in zip(pixels, (ends[0], ends[1], middle, ends[0], ends[1], (127, 127, 127)), strict=True):
        assert tuple(pixel) == tuple(colour)
    assert (np.diff(_lut()[::5].astype(int) @ (2126, 7152, 722)) > 0).all()  # lightness rises


def test_large_frames_become_pictures_of_paper_size(rng: np.random.Generator) -> None:
    assert _raster(rng.normal(25, 1, (960, 1280)), (20, 30)).size == (640, 480)


@pytest.mark.parametrize(("mirrored", "first"), [(False, "R"), (True, "L")])
def test_letters_lie_on_the_soles_of_their_sides(report: Report, mirrored: bool, first: str) -> None:
    register_fonts()
    seen = report.session.entries[0]
    session = Session("mirrored" if mirrored else "soles-to-camera")
    turned = slice(None, None, -1 if mirrored else 1)
    frame, mask = Frame(seen.frame.celsius[:, turned]), seen.soles.cleaned[:, turned]
    entry = session.add(frame, mask, minute=0)
    assert entry.ok
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(320, 240))
    picture = Picture(entry, (20, 35), 320, WORDS)
    picture.drawOn(canvas, 0, 0)
    canvas.save()
    page = pypdfium2.PdfDocument(buffer.getvalue())[0].get_textpage()
    places = {}
    for number, letter in enumerate(page.get_text_bounded().split()):
        left, bottom, right, top = page.get_charbox(number if number == 0 else page.count_chars() - 1)
        places[letter] = ((left + right) / 2, (bottom + top) / 2)
    assert sorted(places, key=lambda letter: places[letter][0])[0] == first
    for letter, (x, y) in places.items():
        sole = entry.soles.left if letter == "L" else entry.soles.right
        assert sole[int(240 - y), int(x)]


@pytest.mark.parametrize(
    ("size", "shape"), [((48, 64), (100, 75)), ((64, 48), (100, 400 / 3)), ((90, 30), (45, 135))]
)
def test_pictures_keep_their_shape(rng: np.random.Generator, size: tuple, shape: tuple) -> None:
    entry = Session().add(Frame(rng.normal(25, 1, size).astype(np.float32)), np.zeros(size, bool), minute=0)
    assert Picture(entry, (20, 30), 100, WORDS).wrap(0, 0) == pytest.approx(shape)


def test_a_mask_of_another_size_is_not_drawn(report: Report) -> None:
    session = Session()
    entry = session.add(report.session.entries[0].frame, np.ones((30, 40), bool), minute=0)
    assert not entry.ok
    register_fonts()
    canvas = Canvas(io.BytesIO())
    Picture(entry, temperature_scale(session), 100, WORDS).drawOn(canvas, 0, 0)
    canvas.save()


def test_a_lone_capture_has_no_curves() -> None:
    from prismseg.monitor.report.pdf.header import curves

    assert list(curves(made((0.0,), failed=()), WORDS)) == []
