"""What staff can do: sessions, captures, corrections. Each act is confirmed when it is on the disk, or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from prismseg.base import DataError, Message
from prismseg.monitor.sessions.keeping import Shot, add_shot, file_shot
from prismseg.monitor.sessions.measuring import Measurer
from prismseg.monitor.sessions.outcome import flags_of, outcome_of
from prismseg.monitor.sessions.rebuild import Rebuilder, Rebuilt
from prismseg.monitor.sessions.records import FIELDS, Details, Remarks
from prismseg.monitor.store import Conflict, SessionStore, Transaction, get_row, latest_results
from prismseg.monitor.store.files import decode_frame, decode_mask, decode_probabilities, encode_mask
from prismseg.monitor.store.schema import CaptureRow, MaskRow, SessionRow
from prismseg.thermal import Frame, Soles, check_view

Stated = TypeVar("Stated", Details, Remarks)
_EARLIEST_DOSE = timedelta(hours=12)


class Ward:
    """All acts on sessions.

    Parameters
    ----------
    store : Store
        Where they are kept.
    measurer : Measurer
        Finds the soles.
    """

    def __init__(self, store: SessionStore, measurer: Measurer) -> None:
        self.store = store
        self.measurer = measurer
        self.rebuild = Rebuilder(store)

    def begin(
        self,
        who: str,
        details: Mapping[str, Any],
        *,
        view: str = "soles-to-camera",
        camera: str,
        origin: str = "camera",
        at: datetime | None = None,
    ) -> str:
        """Begin a session and return its key.

        Raises
        ------
        DataError
            When a detail is impossible.
        """
        with self.store.write() as transaction:
            row = transaction.add_session(
                who, details_from(details), view=check_view(view), camera=camera, origin=origin, at=at
            )
            return row.id

    def describe(self, who: str, session: str, changed: Mapping[str, Any]) -> None:
        """Change some of a session's details."""
        with self.store.write() as transaction:
            row = transaction.session(session)
            details = details_from({**row.details, **changed})
            transaction.update_session(who, "details stated", row, details=details.model_dump(), code=details.code)

    def set_view(self, who: str, session: str, view: str) -> None:
        """State how the camera sees the soles; all captures are named anew."""
        with self.store.write() as transaction:
            row = transaction.session(session)
            transaction.update_session(who, "view stated", row, view=check_view(view))
            self._settle(transaction, row)

    def give_dose(self, who: str, session: str, *, seconds_ago: float = 0.0) -> None:
        """Start the clock, or correct when it was started.

        Raises
        ------
        Conflict
            When the moment lies in the future or more than 12 hours back.
        """
        with self.store.write() as transaction:
            row = transaction.session(session)
            self._start(transaction, who, row, seconds_ago)
            self._settle(transaction, row)

    def close(self, who: str, session: str, *, closed: bool = True) -> None:
        """Close a session, or open it again."""
        with self.store.write() as transaction:
            row = transaction.session(session)
            action = "session closed" if closed else "session opened again"
            transaction.update_session(who, action, row, closed_at=transaction.at if closed else None)

    def take_over(
        self,
        who: str,
        details: Mapping[str, Any],
        shots: Sequence[Shot],
        *,
        view: str,
        camera: str,
        dose: datetime,
    ) -> str:
        """Keep a session that was recorded elsewhere, whole or not at all, and return its key.

        Parameters
        ----------
        dose : datetime
            When the test dose was given.

        Raises
        ------
        DataError
            When a detail is impossible.
        Conflict
            When the dose lies in the future or more than 12 hours back.
        """
        stated, checked = details_from(details), check_view(view)
        filed = [file_shot(self.store.files, self.measurer, shot) for shot in shots]
        with self.store.write() as transaction:
            row = transaction.add_session(who, stated, view=checked, camera=camera, origin="import")
            self._start(transaction, who, row, (transaction.at - dose).total_seconds())
            for each in filed:
                add_shot(transaction, who, row, each, self.measurer)
            self._settle(transaction, row)
            return row.id

    def captured(self, session: str, key: str) -> int | None:
        """Find the number of the capture that was kept under this key, if any.

        Raises
        ------
        Conflict
            When it was kept in another session.
        """
        with self.store.read() as db:
            get_row(db, SessionRow, session)
            return _number_of(db, session, key)

    def capture(self, who: str, session: str, shot: Shot) -> int:
        """Keep and measure a frame, and return the capture's number.

        A key that was used before gives the capture made then: a request that was repeated captures once.

        Raises
        ------
        Conflict
            When the session is closed, or the key belongs to another session.
        """
        filed = file_shot(self.store.files, self.measurer, shot)
        with self.store.write() as transaction:
            known = _number_of(transaction.db, session, shot.key)
            if known is not None:
                return known
            row = transaction.session(session)
            if row.closed_at is not None:
                raise Conflict(Message("The session is closed. Open it again to add captures."))
            made = add_shot(transaction, who, row, filed, self.measurer)
            self._settle(transaction, row)
            return made.number

    def take_out(self, who: str, session: str, number: int, reason: str) -> None:
        """Take a capture out of the session; it stays in the store with the reason."""
        if not reason.strip():
            raise DataError(Message("State why the capture is taken out."))
        with self.store.write() as transaction:
            row, capture = transaction.session(session), transaction.capture(session, number)
            transaction.update_capture(
                who,
                "capture taken out",
                capture,
                deleted_at=transaction.at,
                deleted_by=who,
                deleted_reason=reason.strip()[:200],
            )
            self._settle(transaction, row)

    def remark(self, who: str, session: str, number: int, changed: Mapping[str, Any]) -> None:
        """Change what staff state of a capture."""
        with self.store.write() as transaction:
            row, capture = transaction.session(session), transaction.capture(session, number)
            remarks = _validated(Remarks, {**capture.remarks, **changed})
            transaction.update_capture(who, "remarks stated", capture, remarks=remarks.model_dump())
            transaction.update_session(who, "remarks stated", row)

    def correct(self, who: str, session: str, number: int, mask: NDArray[np.bool_], *, before: str | None) -> None:
        """Let a mask drawn by hand count.

        Parameters
        ----------
        before : str or None
            Key of the mask that the correction began from.

        Raises
        ------
        Conflict
            When another mask counts by now.
        DataError
            When it has not the frame's size.
        """
        sha256 = self.store.files.put(encode_mask(mask))
        with self.store.write() as transaction:
            row, capture = transaction.session(session), transaction.capture(session, number)
            if mask.shape != (capture.height, capture.width):
                raise DataError(Message("The mask has not the size of the frame."))
            if capture.mask_id != before:
                raise Conflict(Message("The mask was changed meanwhile, in another window. Load the page again."))
            transaction.add_mask(who, capture, origin="edited", sha256=sha256)
            self._settle(transaction, row)

    def undo(self, who: str, session: str, number: int) -> None:
        """Go back to the mask that the one that counts was made from."""
        with self.store.write() as transaction:
            capture = transaction.capture(session, number)
            mask = self._mask(transaction, capture)
            if mask is None or mask.parent_id is None:
                raise Conflict(Message("There is nothing to undo."))
            transaction.update_capture(who, "correction undone", capture, mask_id=mask.parent_id)
            self._settle(transaction, transaction.session(session))

    def redo(self, who: str, session: str, number: int) -> None:
        """Go forward to the newest mask that was made from the one that counts."""
        with self.store.write() as transaction:
            capture = transaction.capture(session, number)
            later = transaction.db.scalars(
                select(MaskRow)
                .where(MaskRow.capture_id == capture.id, MaskRow.parent_id == capture.mask_id)
                .order_by(MaskRow.number.desc())
            ).first()
            if later is None:
                raise Conflict(Message("There is nothing to redo."))
            transaction.update_capture(who, "correction redone", capture, mask_id=later.id)
            self._settle(transaction, transaction.session(session))

    def frame(self, capture: CaptureRow) -> Frame:
        """Read a capture's frame."""
        return decode_frame(self.store.files.get(capture.frame_sha256))

    def mask(self, mask: MaskRow, view: str) -> NDArray[np.bool_]:
        """Read a mask, the automatic one as cleaned for measuring."""
        data = self.store.files.get(mask.file_sha256)
        if mask.origin != "automatic":
            return decode_mask(data)
        return Soles.from_mask(decode_probabilities(data)[0] > 0.5, check_view(view)).cleaned

    @staticmethod
    def _start(transaction: Transaction, who: str, session: SessionRow, seconds_ago: float) -> None:
        if not 0 <= seconds_ago <= _EARLIEST_DOSE.total_seconds():
            raise Conflict(Message("The test dose was given now or within the last 12 hours."))
        action = "test dose given" if session.test_dose_at is None else "time of the test dose corrected"
        transaction.update_session(
            who, action, session, test_dose_at=transaction.at - timedelta(seconds=seconds_ago)
        )

    def _mask(self, transaction: Transaction, capture: CaptureRow) -> MaskRow | None:
        return None if capture.mask_id is None else get_row(transaction.db, MaskRow, capture.mask_id)

    def _settle(self, transaction: Transaction, session: SessionRow) -> None:
        """Measure anew what has changed, and keep the numbers and flags that differ."""
        transaction.db.flush()
        rebuilt = self.rebuild(transaction.db, session)
        known = latest_results(transaction.db, session.id)
        for entry, capture, mask in zip(rebuilt.session.entries, rebuilt.captures, rebuilt.masks, strict=True):
            outcome = outcome_of(rebuilt.session, entry)
            last = known.get(capture.id)
            if (
                last is not None
                and (last.mask_id, last.minute, last.view) == (capture.mask_id, entry.minute, session.view)
                and last.outcome == outcome
            ):
                continue
            made_with = self.measurer.provenance
            transaction.add_result(
                capture,
                mask_id=capture.mask_id,
                minute=entry.minute,
                status=entry.status,
                outcome=outcome,
                application=made_with.application,
                model="" if mask is None else mask.model,
                model_hash="" if mask is None else mask.model_hash,
                template_hash=made_with.template_hash,
                method=made_with.method,
                parameters=capture.parameters,
                mask_origin="" if mask is None else mask.origin,
                view=session.view,
            )
        transaction.update_session("prismseg", "flags found", session, flags=flags_of(rebuilt.session))

    def rebuilt(self, session: str) -> tuple[SessionRow, Rebuilt]:
        """Measure a stored session again, for a report."""
        with self.store.read() as db:
            row = get_row(db, SessionRow, session)
            return row, self.rebuild(db, row)


def _number_of(db: Database, session: str, key: str) -> int | None:
    known = db.scalars(select(CaptureRow).where(CaptureRow.key == key)).first()
    if known is not None and known.session_id != session:
        raise Conflict(Message("This request's key belongs to another session."))
    return None if known is None else known.number


def details_from(values: Mapping[str, Any]) -> Details:
    """Check details.

    Raises
    ------
    DataError
        Naming the first that is impossible.
    """
    return _validated(Details, values)


def _validated(kind: type[Stated], values: Mapping[str, Any]) -> Stated:
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        raise DataError(_problem(error.errors()[0])) from error


def _problem(error: Mapping[str, Any]) -> Message:
    """Say what is wrong with an entry, in words that can be translated."""
    name = str(error["loc"][0]) if error["loc"] else ""
    field, limits = FIELDS.get(name, name), error.get("ctx", {})
    if error["type"] == "greater_than_equal":
        return Message("{field}: at least {limit:g}.", field=field, limit=float(limits["ge"]))
    if error["type"] == "less_than_equal":
        return Message("{field}: at most {limit:g}.", field=field, limit=float(limits["le"]))
    if error["type"] == "string_too_long":
        return Message("{field}: at most {limit} characters.", field=field, limit=limits["max_length"])
    if error["type"] == "extra_forbidden":
        return Message("There is no entry {field}.", field=field)
    return Message("{field}: this cannot be entered here.", field=field)
