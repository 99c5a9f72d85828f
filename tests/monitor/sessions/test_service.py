"""All that staff can do, with known answers, on simulated soles whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from prismseg.base import DataError, Message
from prismseg.monitor.report import collect_report
from prismseg.monitor.sessions.captures import NewCapture
from prismseg.monitor.sessions.details import Provenance
from prismseg.monitor.sessions.measurement import SessionMeasurer
from prismseg.monitor.sessions.segmenter import METHOD, ModelIdentity
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.sessions.summary import summarize_entry
from prismseg.monitor.store import (
    Conflict,
    NotFound,
    SessionStore,
    get_capture,
    get_row,
    latest_results,
    list_captures,
    verify,
)
from prismseg.monitor.store.schema import AuditRow, CaptureRow, MaskRow, ResultRow, SessionRow
from prismseg.thermal import WHOLE_SOLE, Frame, Parameters
from prismseg.thermal.phantom import draw_subject

MASK = draw_subject(1, 3).frame_at(0, size=(120, 160))


class TrueSegmenter:
    """Sees the phantom's true mask."""

    model = ModelIdentity("truth", "5" * 64)
    provenance = Provenance("9.9", "truth", "5" * 64, "7" * 64, str(METHOD))

    def __init__(self) -> None:
        self.blind = False

    def segment(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        if self.blind:
            raise DataError(Message("The frame could not be segmented."))
        seen = np.where(MASK.mask == 1, 0.99, 0.01)
        return seen, seen


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def wait(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)


class Play:
    """One session, one word for each act."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.asked = Clock(), 0
        self.store = SessionStore(folder, clock=self.clock)
        self.service = SessionService(self.store, TrueSegmenter())
        self.session = self.service.begin("ana", {"code": "E-Ñ1", "weeks": 39.4}, camera="phantom")

    def frame(self, left: float, right: float) -> Frame:
        """Soles of even temperature: the patient's left is label 1."""
        celsius = np.full(MASK.labels.shape, 22.0) + np.random.default_rng(self.asked).normal(
            0, 0.05, MASK.labels.shape
        )
        celsius[MASK.labels == 1] += left - 22
        celsius[MASK.labels == 2] += right - 22
        return Frame(celsius, source=f"frame {self.asked}", parameters=Parameters(emissivity=0.98, distance=1.0))

    def capture(self, left: float = 28.0, right: float = 28.0, **more: object) -> int:
        self.asked += 1
        return self.service.capture("ana", self.session, self.new_capture(left, right, **more))

    def new_capture(self, left: float = 28.0, right: float = 28.0, **more: object) -> NewCapture:
        words = {"key": f"key-{self.asked}", "camera": "phantom", "taken_at": self.clock(), **more}
        return NewCapture(self.frame(left, right), **words)

    def correct(self, number: int, mask: np.ndarray) -> None:
        self.service.correct_mask("eva", self.session, number, mask, before=self.row(number).mask_id)

    def row(self, number: int) -> CaptureRow:
        with self.store.read() as db:
            return get_capture(db, self.session, number)

    def about(self) -> SessionRow:
        with self.store.read() as db:
            return get_row(db, SessionRow, self.session)

    def result(self, number: int) -> ResultRow:
        with self.store.read() as db:
            return latest_results(db, self.session)[self.row(number).id]

    def masks(self, number: int) -> list[MaskRow]:
        with self.store.read() as db:
            return list(
                db.scalars(
                    select(MaskRow).where(MaskRow.capture_id == self.row(number).id).order_by(MaskRow.number)
                )
            )

    def minutes(self) -> dict[int, float]:
        with self.store.read() as db:
            return {row.number: self.result(row.number).minute for row in list_captures(db, self.session)}

    def value(self, number: int, side: str, what: str = "mean") -> float | None:
        return self.result(number).outcome["values"][side][WHOLE_SOLE][what]["value"]

    def actions(self) -> list[tuple[str, str]]:
        with self.store.read() as db:
            return [(entry.who, entry.action) for entry in db.scalars(select(AuditRow).order_by(AuditRow.seq))]


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    made = Play(tmp_path / "ward")
    yield made
    assert verify(made.store).faults == (), "whatever was done"
    made.store.close()


def test_a_session_with_known_answers(play: Play) -> None:
    assert play.capture(27.0, 28.0) == 1
    assert play.minutes() == {1: 0}
    play.clock.wait(2)
    play.service.record_dose("ana", play.session)
    assert play.minutes()[1] == pytest.approx(-2, abs=0.01)
    play.clock.wait(10)
    assert play.capture(29.5, 31.5) == 2
    assert play.minutes()[2] == pytest.approx(10, abs=0.01)
    assert play.value(1, "left") == pytest.approx(27.0, abs=0.05)
    assert play.value(2, "right") == pytest.approx(31.5, abs=0.05)
    assert play.value(2, "left", "delta") == pytest.approx(2.5, abs=0.05)
    assert play.value(2, "right", "delta") == pytest.approx(3.5, abs=0.05)
    assert play.result(2).outcome["differences"][WHOLE_SOLE]["value"] == pytest.approx(1.0, abs=0.05)
    assert play.result(1).outcome["baseline"] and not play.result(2).outcome["baseline"]
    play.clock.wait(5)
    play.capture(30.0, 32.0)  # a sign of one frame alone is none
    assert "warming" in {flag["name"] for flag in play.about().flags}


def test_results_say_what_they_depend_on(play: Play) -> None:
    play.capture()
    kept = play.result(1)
    assert (kept.application, kept.model, kept.model_hash, kept.template_hash, kept.method) == (
        "9.9", "truth", "5" * 64, "7" * 64, str(METHOD),
    )  # fmt: skip
    assert (kept.parameters, kept.mask_origin, kept.view) == (
        {"emissivity": 0.98, "distance": 1.0},
        "automatic",
        "soles-to-camera",
    )
    assert kept.mask_id == play.row(1).mask_id
    play.correct(1, MASK.mask == 1)
    kept = play.result(1)
    assert (kept.mask_origin, kept.model, kept.model_hash) == ("edited", "", "")
    assert kept.mask_id == play.row(1).mask_id


def test_the_dose_can_be_corrected_within_twelve_hours(play: Play) -> None:
    play.capture(27, 27)
    play.service.record_dose("ana", play.session)
    play.clock.wait(5)
    play.capture(29, 29)
    play.service.record_dose("ana", play.session, seconds_ago=120)
    assert play.minutes()[2] == pytest.approx(2, abs=0.01) and play.minutes()[1] == pytest.approx(-3, abs=0.01)
    assert ("ana", "time of the test dose corrected") in play.actions()
    for seconds in (-1, 12 * 3600 + 1, float("nan"), float("inf")):
        with pytest.raises(Conflict, match="12 hours"):
            play.service.record_dose("ana", play.session, seconds_ago=seconds)
    play.service.record_dose("ana", play.session, seconds_ago=12 * 3600)
    assert play.value(2, "left", "delta") is None, "both came after the dose: there is no baseline"


def test_a_retake_takes_out_and_keeps(play: Play) -> None:
    play.capture(24, 24)
    play.capture(27, 27)
    before = play.row(1)
    play.service.exclude_capture("eva", play.session, 1, "  a blanket  ")
    taken = play.row(1)
    assert (taken.deleted_by, taken.deleted_reason) == ("eva", "a blanket") and taken.deleted_at is not None
    assert taken.frame_sha256 == before.frame_sha256 and play.store.files.path(taken.frame_sha256).exists()
    assert len(play.masks(1)) == 1
    play.service.record_dose("ana", play.session)
    play.clock.wait(1)
    assert play.capture(28, 28) == 3, "numbers are not given twice"
    assert play.value(3, "left", "delta") == pytest.approx(1.0, abs=0.05), "the excluded one is no baseline"
    with pytest.raises(Conflict, match="excluded"):
        play.service.exclude_capture("eva", play.session, 1, "again")
    with pytest.raises(DataError, match="State why"):
        play.service.exclude_capture("eva", play.session, 2, " \n ")


def half() -> np.ndarray:
    """The true mask without the toes."""
    rows = np.nonzero((MASK.mask == 1).any(1))[0]
    mask = MASK.mask == 1
    mask[: rows[0] + len(rows) // 8] = False
    return mask


def test_an_edited_mask_counts_and_the_automatic_one_stays(play: Play) -> None:
    play.capture()
    automatic = play.masks(1)[0]
    data = play.store.files.get(automatic.file_sha256)
    pixels = play.result(1).outcome["values"]["left"][WHOLE_SOLE]["pixels"]
    play.correct(1, half())
    first, edited = play.masks(1)
    assert (first.id, first.origin, first.file_sha256) == (automatic.id, "automatic", automatic.file_sha256)
    assert play.store.files.get(first.file_sha256) == data
    assert (edited.origin, edited.created_by, edited.parent_id) == ("edited", "eva", automatic.id)
    assert play.row(1).mask_id == edited.id
    np.testing.assert_array_equal(play.service.load_mask(edited, "soles-to-camera"), half())
    assert play.result(1).outcome["values"]["left"][WHOLE_SOLE]["pixels"] < pixels


def test_a_report_names_the_network_although_the_last_mask_was_drawn_by_hand(play: Play) -> None:
    play.capture()
    play.capture()
    play.correct(2, half())
    made = collect_report(play.service, play.session).provenance
    assert (made.model, made.model_hash) == ("truth", "5" * 64)
    play.correct(1, half())
    assert collect_report(play.service, play.session).provenance.model == ""


def test_undo_and_redo_walk_along_the_masks(play: Play) -> None:
    play.capture()
    with pytest.raises(Conflict, match="nothing to undo"):
        play.service.undo_correction("eva", play.session, 1)
    with pytest.raises(Conflict, match="nothing to redo"):
        play.service.redo_correction("eva", play.session, 1)
    automatic = play.result(1).outcome
    play.correct(1, MASK.mask == 1)
    play.correct(1, half())
    last = play.result(1).outcome
    chosen = lambda: [mask.id for mask in play.masks(1)].index(play.row(1).mask_id)  # noqa: E731
    assert chosen() == 2
    play.service.undo_correction("eva", play.session, 1)
    assert chosen() == 1
    play.service.undo_correction("eva", play.session, 1)
    assert chosen() == 0 and play.result(1).outcome == automatic
    play.service.redo_correction("eva", play.session, 1)
    play.service.redo_correction("eva", play.session, 1)
    assert chosen() == 2 and play.result(1).outcome == last
    play.service.undo_correction("eva", play.session, 1)
    play.correct(1, MASK.mask == 1)  # another way on from there
    assert chosen() == 3 and play.masks(1)[3].parent_id == play.masks(1)[1].id
    play.service.undo_correction("eva", play.session, 1)
    play.service.redo_correction("eva", play.session, 1)
    assert chosen() == 3, "the newest is taken up"


def test_undo_holds_after_the_store_was_opened_again(play: Play) -> None:
    play.capture()
    before = play.result(1).outcome
    play.correct(1, half())
    play.store.close()
    play.store = SessionStore(play.store.folder, clock=play.clock)
    play.service = SessionService(play.store, TrueSegmenter())
    play.service.undo_correction("eva", play.session, 1)
    assert play.result(1).outcome == before


def test_a_correction_must_fit_the_frame_and_its_time(play: Play) -> None:
    play.capture()
    with pytest.raises(DataError, match="size of the frame"):
        play.correct(1, np.ones((9, 9), bool))
    stale = play.row(1).mask_id
    play.correct(1, half())
    with pytest.raises(Conflict, match="changed meanwhile"):
        play.service.correct_mask("eva", play.session, 1, half(), before=stale)
    assert len(play.masks(1)) == 2


def test_what_the_network_cannot_see_is_kept_with_the_reason_and_corrected_by_hand(play: Play) -> None:
    play.service.segmenter.blind = True
    assert play.capture() == 1
    assert play.row(1).mask_id is None and play.masks(1) == []
    kept = play.result(1)
    assert kept.outcome["reason"][0]["template"] == "The frame could not be segmented." and kept.mask_origin == ""
    assert collect_report(play.service, play.session).captures[0].mask_origin == "none"
    play.correct(1, MASK.mask == 1)
    assert play.value(1, "left") == pytest.approx(28, abs=0.05)
    assert collect_report(play.service, play.session).captures[0].mask_origin == "edited"


def test_an_empty_outline_of_the_network_is_none(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = np.full(MASK.mask.shape, 0.01)
    monkeypatch.setattr(play.service.segmenter, "segment", lambda frame: (nothing, nothing))
    play.capture()
    monkeypatch.undo()
    play.capture()
    assert [each.mask_origin for each in collect_report(play.service, play.session).captures] == [
        "none",
        "automatic",
    ]


def test_an_imported_mask_counts(play: Play) -> None:
    play.capture(mask=MASK.mask == 1)
    assert (play.masks(1)[0].origin, play.masks(1)[0].created_by) == ("imported", "ana")
    assert play.result(1).mask_origin == "imported" and play.value(1, "right") == pytest.approx(28, abs=0.05)


def test_the_same_request_captures_once(play: Play) -> None:
    assert play.capture(key="request") == play.capture(key="request") == 1
    play.service.exclude_capture("eva", play.session, 1, "cut")
    assert play.capture(key="request") == 1, "also after it was excluded"
    other = play.service.begin("ana", {"code": "E-2"}, camera="phantom", take_camera=True)
    with pytest.raises(Conflict, match="another session"):
        play.service.capture("ana", other, play.new_capture(key="request"))
    with pytest.raises(Conflict, match="another session"):
        play.service.find_capture(other, "request")
    assert (play.service.find_capture(play.session, "request"), play.service.find_capture(other, "new")) == (
        1,
        None,
    )
    assert sum(action == "frame kept" for _, action in play.actions()) == 1


def test_remarks_are_stated_one_by_one(play: Play) -> None:
    play.capture()
    play.service.update_remarks("ana", play.session, 1, {"pain": 7})
    play.service.update_remarks("ana", play.session, 1, {"cold_left": "not felt", "note": "niña"})
    remarks = play.row(1).remarks
    assert (remarks["pain"], remarks["cold_left"], remarks["note"]) == (7, "not felt", "niña")
    revision = play.about().revision
    with pytest.raises(DataError, match="at most 10"):
        play.service.update_remarks("ana", play.session, 1, {"pain": 11})
    assert play.row(1).remarks == remarks and play.about().revision == revision


def test_a_closed_session_takes_no_captures_until_it_is_opened(play: Play) -> None:
    play.capture()
    play.service.close("ana", play.session)
    with pytest.raises(Conflict, match="closed"):
        play.capture(key="late")
    play.service.reopen("ana", play.session, "one more")
    assert play.capture(key="late") == 2


def test_the_other_view_names_the_other_feet(play: Play) -> None:
    play.capture(27, 30)
    assert play.value(1, "left") == pytest.approx(27, abs=0.05)
    play.service.set_view("ana", play.session, "mirrored")
    assert play.value(1, "left") == pytest.approx(30, abs=0.05) and play.value(1, "right") == pytest.approx(
        27, abs=0.05
    )
    assert play.result(1).view == "mirrored"
    with play.store.read() as db:
        views = list(db.scalars(select(ResultRow.view).order_by(ResultRow.number)))
    assert views[0] == "soles-to-camera", "the older numbers stay, with the view they were named in"


def test_a_session_of_one_foot_is_measured_anew_and_stored(play: Play) -> None:
    play.capture(27, 30)
    play.clock.wait(5)
    play.capture(28, 31)
    assert play.value(1, "right") == pytest.approx(30, abs=0.05)
    play.service.update_details("ana", play.session, {"one_foot": "left"})
    assert play.about().details["one_foot"] == "left"
    assert play.value(2, "left") == pytest.approx(28, abs=0.05) and play.value(2, "right") is None
    assert play.result(2).outcome["differences"][WHOLE_SOLE]["value"] is None
    play.service.update_details("ana", play.session, {"one_foot": None})
    assert play.value(2, "right") == pytest.approx(31, abs=0.05)
    with pytest.raises(DataError, match="One foot only"):
        play.service.update_details("ana", play.session, {"one_foot": "middle"})


def test_what_is_not_there_is_said(play: Play) -> None:
    with pytest.raises(NotFound, match="no such session: none"):
        play.service.record_dose("ana", "none")
    with pytest.raises(NotFound, match="no capture 3"):
        play.service.undo_correction("ana", play.session, 3)


def acts(play: Play) -> Iterator[Callable[[], object]]:
    """A session with all that can happen."""
    yield lambda: play.capture(27, 28)
    yield lambda: play.clock.wait(0.123456) or play.capture(27.1, 28.1)
    yield (
        lambda: play.clock.wait(0.654321) or play.capture(27.1, 28.1, taken_at=play.clock() - timedelta(seconds=9))
    )
    yield lambda: play.service.exclude_capture("eva", play.session, 2, "cut")
    yield lambda: play.service.record_dose("ana", play.session, seconds_ago=1.5)
    yield lambda: play.clock.wait(1.01) or play.capture(27.5, 28.2)
    yield lambda: play.correct(4, half())
    yield lambda: play.clock.wait(4.7) or play.capture(29.5, 28.4)
    yield lambda: play.service.undo_correction("eva", play.session, 4)
    yield lambda: play.service.record_dose("ana", play.session, seconds_ago=200)
    yield lambda: play.service.set_view("ana", play.session, "mirrored")
    yield lambda: play.clock.wait(5.2) or play.capture(31.5, 29)


def test_measured_anew_all_is_as_it_was_stored(play: Play) -> None:
    """After each act: what was carried along, what is measured from the files alone, and the stored rows agree."""
    for act in acts(play):
        act()
        row, carried = play.service.measure(play.session)
        with play.store.read() as db:
            anew = SessionMeasurer(play.store)(db, row)
            stored = latest_results(db, play.session)
        assert carried.session.table().equals(anew.session.table())
        assert [entry.minute for entry in carried.session.entries] == [
            entry.minute for entry in anew.session.entries
        ]
        for entry, capture in zip(anew.session.entries, anew.captures, strict=True):
            kept = stored[capture.id]
            assert (kept.minute, kept.status, kept.outcome) == (
                entry.minute, entry.status, summarize_entry(anew.session, entry),
            )  # fmt: skip


def test_nothing_is_kept_again_that_has_not_changed(play: Play) -> None:
    for act in acts(play):
        act()
    with play.store.read() as db:
        before = len(list(db.scalars(select(ResultRow))))
    play.store.close()
    play.store = SessionStore(play.store.folder, clock=play.clock)
    play.service = SessionService(play.store, TrueSegmenter())
    play.service.set_view("ana", play.session, "mirrored")
    with play.store.read() as db:
        assert len(list(db.scalars(select(ResultRow)))) == before


def test_a_session_that_was_given_out_does_not_grow(play: Play) -> None:
    play.capture()
    play.service.record_dose("ana", play.session)
    _, given = play.service.measure(play.session)
    play.capture()
    assert len(given.session.entries) == len(given.captures) == 1
