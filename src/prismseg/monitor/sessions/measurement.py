"""From the store back to a measured session: the same frames and masks give the same numbers."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session as Database

from prismseg.base import DataError, Message
from prismseg.monitor.sessions.details import Details
from prismseg.monitor.store import SessionStore, get_row, list_captures
from prismseg.monitor.store.files import decode_frame, decode_mask, decode_probabilities
from prismseg.monitor.store.schema import CaptureRow, MaskRow, SessionRow
from prismseg.thermal import Session, check_view

_CACHED_SESSIONS = 4  # wards watch one or two at a time; a session of 30 frames takes about 40 MB
_SHORTEST_DELAY = 0.001  # minutes; the step to which they are rounded
Step = tuple[str, str | None, float]  # capture, mask, minute


@dataclass(frozen=True)
class MeasuredSession:
    """A measured session and the captures its entries were made of, position by position."""

    session: Session
    captures: tuple[CaptureRow, ...]
    masks: tuple[MaskRow | None, ...]


def clock_zero(session: SessionRow, captures: list[CaptureRow]) -> datetime | None:
    """Zero of the clock: the test dose, or before it the last capture, so that all are baseline."""
    return session.test_dose_at or (captures[-1].taken_at if captures else None)


def minute_of(capture: CaptureRow, zero: datetime | None) -> float:
    """Minutes from the zero of the clock to a capture, or as stated; what comes after it is never rounded to it."""
    if capture.stated_minute is not None:
        return capture.stated_minute
    assert capture.taken_at is not None and zero is not None  # only imported pictures lack a time
    minute = round((capture.taken_at - zero).total_seconds() / 60, 3) + 0.0  # no negative zero
    return max(minute, _SHORTEST_DELAY) if capture.taken_at > zero else minute


class SessionMeasurer:
    """Measures stored sessions, and remembers the last few.

    Parameters
    ----------
    store : SessionStore
        Where frames and masks are.
    """

    def __init__(self, store: SessionStore) -> None:
        self.store = store
        self._measured: OrderedDict[str, tuple[list[Step], Session]] = OrderedDict()
        self._thread_lock = threading.RLock()

    def __call__(self, db: Database, session: SessionRow) -> MeasuredSession:
        """Measure all captures of a session that were not excluded.

        Raises
        ------
        DataError
            When a stored file is gone or was changed.
        """
        with self._thread_lock:
            captures = list_captures(db, session.id)
            zero = clock_zero(session, captures)
            masks = [None if row.mask_id is None else get_row(db, MaskRow, row.mask_id) for row in captures]
            steps: list[Step] = [(row.id, row.mask_id, minute_of(row, zero)) for row in captures]
            done, measured = self._reuse(session, steps)
            for row, mask, step in list(zip(captures, masks, steps, strict=True))[len(done) :]:
                self._add(measured, row, mask, step[2])
            self._measured[session.id] = (steps, measured)
            while len(self._measured) > _CACHED_SESSIONS:
                self._measured.popitem(last=False)
            return MeasuredSession(measured, tuple(captures), tuple(masks))

    def _reuse(self, session: SessionRow, steps: list[Step]) -> tuple[list[Step], Session]:
        """Reuse what was measured before, if nothing has changed; before the test dose every capture moves the zero."""
        done, measured = self._measured.pop(session.id, ([], None))
        known = [step[:2] for step in done] == [step[:2] for step in steps[: len(done)]]
        set_up = (check_view(session.view), Details.model_validate(session.details).feet)
        if measured is not None and (measured.view, measured.feet) == set_up and known:
            # Always a new one: what was given out before is read by others, and must not grow while they do.
            moved = measured.retimed([minute for _, _, minute in steps[: len(done)]])
            if moved is not None:
                return steps[: len(done)], moved
        view, feet = set_up
        return [], Session(view, feet=feet)

    def _add(self, session: Session, capture: CaptureRow, mask: MaskRow | None, minute: float) -> None:
        files = self.store.files
        if mask is None:
            reason = capture.failure or Message("The frame could not be segmented.").to_json()
            session.add_failed(minute, Message.from_json(reason), capture.source)
            return
        frame, data = decode_frame(files.get(capture.frame_sha256)), files.get(mask.file_sha256)
        if mask.origin == "automatic":
            first, second = decode_probabilities(data)
            session.add(frame, first, minute=minute, brightened=second, source=capture.source)
        elif mask.origin in ("edited", "imported"):
            session.add(frame, decode_mask(data), minute=minute, source=capture.source)
        else:
            raise DataError(
                f"Mask {mask.number} of capture {capture.number} has the unknown origin {mask.origin!r}."
            )
