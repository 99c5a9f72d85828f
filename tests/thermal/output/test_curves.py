from __future__ import annotations

import numpy as np
import pytest
from tests.thermal.feet import frame_of, mask_of, pair
from tests.thermal.sessions.test_session import course

from prismseg.base import ConfigError
from prismseg.thermal import FlagSettings, Session, draw_curves
from prismseg.thermal.output.curves import has_changes

WARMING = ((0, 27.0, 27.0), (5, 28.6, 27.1), (10, 29.4, 27.1), (15, 29.5, 27.1))


def texts(axes: object) -> list[str]:
    return [text.get_text() for text in axes.texts]  # type: ignore[attr-defined]


def labelled(axes: object) -> list[str]:
    return [tick.get_text() for tick in axes.get_xticklabels()]  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def session() -> Session:
    session = course(*WARMING, session=Session(regions=["zones"]))
    frame, _ = frame_of(28.0, 28.0, seed=9)
    session.add(frame, mask_of(*pair()) & False, minute=17)
    return session


def test_what_a_reader_needs_is_on_the_axes(session: Session) -> None:
    figure = draw_curves(session)
    whole, strip, apart, *regions = figure.axes
    assert whole.get_ylabel() == "Δ (°C)" and "test dose" in whole.get_xlabel()
    assert {"warming 1 °C", "clear warming 2 °C"} <= set(texts(whole))
    assert texts(apart) == ["asymmetric ±1 °C"]
    assert labelled(whole) == ["0", "5", "10", "15", "17"]
    assert [text.get_text() for text in strip.get_yticklabels()] == ["asymmetric, left", "warming, left (clear)"]
    assert [axes.get_title() for axes in regions] == list(session.regions[1:])


def test_curves_rings_and_crosses_are_where_they_were_measured(session: Session) -> None:
    whole = draw_curves(session).axes[0]
    lines = {line.get_label(): line for line in whole.lines}
    expected = [session.delta(entry, "left").value for entry in session.measured]
    np.testing.assert_allclose(lines["left"].get_ydata(), expected)
    assert list(lines["frame without numbers"].get_xdata()) == [17]
    (rings,) = [line for line in whole.lines if line.get_markerfacecolor() == "none"]
    assert list(rings.get_xdata()) == [5, 10, 15]


def test_one_foot_has_curves_without_a_difference() -> None:
    """Entries as a session of one foot gives them: numbers of one side alone."""
    from dataclasses import replace

    whole = course(*WARMING[:3], session=Session(regions=[]))
    one = Session(regions=[])
    for entry in whole.entries:
        one._keep(replace(entry, estimates={"left": entry.estimates["left"]}))
    axes = draw_curves(one).axes
    assert [line.get_label() for line in axes[0].lines if line.get_label() in ("left", "right")] == ["left"]
    assert not any("Right minus left" in each.get_title(loc="left") for each in axes)


def test_many_captures_have_round_labels_and_a_tick_each() -> None:
    whole = course(*WARMING[:2], session=Session(regions=[]))
    from dataclasses import replace

    session = Session(regions=[])
    first, then = whole.entries
    for number in range(200):
        session._keep(replace(first if number == 0 else then, minute=number / 6))
    axes = draw_curves(session).axes[0]
    captures = {round(entry.minute, 6) for entry in session.entries}
    ticked = {round(float(tick), 6) for tick in (*axes.get_xticks(minor=True), *axes.get_xticks())}
    assert captures <= ticked and len(axes.get_xticks()) <= 14


def test_without_a_change_there_is_nothing_to_draw() -> None:
    for session in (Session(), course((0, 27.0, 27.0)), course((5, 27.0, 27.0), (10, 27.0, 27.0))):
        assert not has_changes(session)
        with pytest.raises(ConfigError, match="needs a measured t0"):
            draw_curves(session)


def test_the_toes_threshold_is_drawn_where_it_is_set() -> None:
    flags = FlagSettings(toe_warming=1.5)
    figure = draw_curves(course(*WARMING[:2], session=Session(regions=["zones"], flags=flags)))
    toes = next(axes for axes in figure.axes if axes.get_title() == "toes")
    assert texts(toes) == ["1.5 °C"]


def test_names_of_thresholds_stand_apart_however_far_curves_reach() -> None:
    """Of changes by many degrees, 1 °C and 2 °C lie on almost the same line."""
    for fall in (1.0, 20.0):
        figure = draw_curves(course((0, 36.0, 24.0), (5, 36.0 - fall, 24.0), session=Session(regions=[])))
        figure.canvas.draw()
        one, two = (text.get_window_extent() for text in figure.axes[0].texts[:2])
        assert not one.overlaps(two)
