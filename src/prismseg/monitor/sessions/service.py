"""What staff can do with sessions. Each act is on the disk when its call returns, or nothing of it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from prismseg.base import DataError, Message
from prismseg.monitor.sessions.admission import (
    check_frame,
    check_new_pictures,
    check_open,
    check_time,
    find_holder,
    free_camera,
    is_import,
)
from prismseg.monitor.sessions.captures import NewCapture, add_rows, discard_files, find_number, store_files
from prismseg.monitor.sessions.details import signer_name, validate_details, validate_remarks
from prismseg.monitor.sessions.measurement import MeasuredSession, SessionMeasurer
from prismseg.monitor.sessions.results import update_results
from prismseg.monitor.sessions.segmenter import Segmenter
from prismseg.monitor.sessions.times import DoseStatement
from prismseg.monitor.store import (
    Conflict,
    NotFound,
    SessionStore,
    Transaction,
    check_unlocked,
    get_row,
    hash_pixels,
)
from prismseg.monitor.store.files import decode_frame, decode_mask, decode_probabilities, encode_mask
from prismseg.monitor.store.schema import CaptureRow, MaskRow, SessionRow
from prismseg.thermal import Feet, Frame, Soles, check_view

_LONGEST_REASON = 200  # characters, as the column has


class SessionService:
    """All acts on sessions.

    Parameters
    ----------
    store : SessionStore
        Where they are kept.
    segmenter : Segmenter
        Finds the soles.
    """

    def __init__(self, store: SessionStore, segmenter: Segmenter) -> None:
        self.store = store
        self.segmenter = segmenter
        self._measurer = SessionMeasurer(store)

    def begin(
        self,
        who: str,
        details: Mapping[str, Any],
        *,
        view: str = "soles-to-camera",
        camera: str,
        origin: str = "camera",
        at: datetime | None = None,
        ward: str | None = None,
        take_camera: bool = False,
    ) -> str:
        """Begin a session, which has the camera from then on, and return its key.

        Raises
        ------
        DataError
            When a detail is impossible.
        Conflict
            When another running session has the camera and it is not to be taken from it.
        """
        with self.store.write() as transaction:
            free_camera(transaction, who, take=take_camera, ward=ward)
            row = transaction.add_session(
                who,
                validate_details(details),
                view=check_view(view),
                camera=camera,
                origin=origin,
                at=at,
                ward=ward,
            )
            return row.id

    def update_details(self, who: str, session: str, changed: Mapping[str, Any]) -> None:
        """Change some of a session's details; the others stay. Other feet than before are measured anew."""
        with self.store.write() as transaction:
            row = transaction.session(session)
            before, details = validate_details(row.details), validate_details({**row.details, **changed})
            transaction.update_session(who, "details stated", row, details=details.model_dump(), code=details.code)
            if details.feet != before.feet:
                self._update_results(transaction, row)

    def set_view(self, who: str, session: str, view: str) -> None:
        """State how the camera sees the soles; sides of all captures are determined anew."""
        with self.store.write() as transaction:
            row = transaction.session(session)
            transaction.update_session(who, "view stated", row, view=check_view(view))
            self._update_results(transaction, row)

    def record_dose(
        self, who: str, session: str, *, seconds_ago: float = 0.0, stated: DoseStatement | None = None
    ) -> None:
        """Start the session's clock at the test dose, or correct when that was.

        Parameters
        ----------
        who, session, seconds_ago, stated
            Who states it, of which session, how long before now; or, in its place, the moment and what was shown.

        Raises
        ------
        Conflict
            When the session is no running one, the moment is impossible, or somebody has changed it meanwhile.
        """
        with self.store.write() as transaction:
            row = transaction.session(session)
            check_open(row)
            moment = (stated or DoseStatement(seconds_ago)).moment(transaction.at, row.test_dose_at)
            action = "test dose given" if row.test_dose_at is None else "time of the test dose corrected"
            transaction.update_session(who, action, row, test_dose_at=moment)
            self._update_results(transaction, row)

    def close(self, who: str, session: str) -> None:
        """Close a session, which locks it and gives its camera free.

        Raises
        ------
        Conflict
            When it is closed already.
        """
        with self.store.write() as transaction:
            row = transaction.session(session)
            check_unlocked(row)
            transaction.update_session(who, "session closed", row, closed_at=transaction.at, camera_since=None)

    def reopen(self, who: str, session: str, reason: str) -> None:
        """Open a closed session again; a signature no longer stands for what is changed then.

        The camera comes back to it if it is free.

        Raises
        ------
        DataError
            When no reason is stated.
        Conflict
            When it is open.
        """
        if not reason.strip():
            raise DataError(Message("State why the session is opened again."))
        with self.store.write() as transaction:
            row = transaction.session(session)
            if row.closed_at is None:
                raise Conflict(Message("The session is open."))
            free = not is_import(row) and find_holder(transaction.db) is None
            columns = {
                "closed_at": None,
                "signed_at": None,
                "signed_by": None,
                "signed_typed": None,
                "camera_since": transaction.at if free else None,
            }
            transaction.note(who, "reason stated", f"sessions/{row.id}", {"reason": [None, reason.strip()]})
            transaction.update_session(who, "session opened again", row, **columns)

    def sign(self, who: str, session: str, typed: str = "") -> None:
        """Answer for the record of a closed session with a name, which is typed where nobody has logged in.

        Raises
        ------
        DataError
            When it is no person's name.
        Conflict
            When the session is open, or signed already.
        """
        name = signer_name(who, typed)
        with self.store.write() as transaction:
            transaction.sign_session(who, transaction.session(session), name)

    def import_session(
        self,
        who: str,
        details: Mapping[str, Any],
        captures: Sequence[NewCapture],
        *,
        view: str,
        camera: str,
        dose: datetime | None,
        ward: str | None = None,
    ) -> str:
        """Store a session that was recorded elsewhere, whole or not at all, and return its key.

        Parameters
        ----------
        who : str
            Who imports it.
        details : mapping
            As of `prismseg.monitor.sessions.details.Details`.
        captures : sequence of NewCapture
            In the order of their minutes, which each states.
        view, camera : str
            How the camera saw the soles, and which it was.
        dose : datetime or None
            When the test dose was given, by the camera's clock; None where that is not known.
        ward : str or None
            Whose session it is; None: everybody's.

        Raises
        ------
        DataError
            When a detail is impossible.
        Conflict
            When a picture is in a session already.
        """
        stated, checked = validate_details(details), check_view(view)
        pictures = {hash_pixels(each.frame.celsius): each.frame.source for each in captures}
        with self.store.read() as db:
            check_new_pictures(db, pictures, ward)
        stored = [store_files(self.store.files, self.segmenter, each) for each in captures]
        with self.store.write() as transaction:
            check_new_pictures(transaction.db, pictures, ward)
            row = transaction.add_session(
                who,
                stated,
                view=checked,
                camera=camera,
                origin="import",
                ward=ward,
            )
            if dose is not None:
                transaction.update_session(who, "time of the test dose derived", row, test_dose_at=dose)
            for each in stored:
                add_rows(transaction, who, row, each, self.segmenter.model)
            self._update_results(transaction, row)
            return row.id

    def find_capture(self, session: str, key: str) -> int | None:
        """Find the number of the capture that was made under this key, if any.

        Raises
        ------
        Conflict
            When it was made in another session.
        """
        with self.store.read() as db:
            get_row(db, SessionRow, session)
            return find_number(db, session, key)

    def capture(self, who: str, session: str, new: NewCapture) -> int:
        """Store and measure a frame, and return the capture's number.

        A key that was used before gives the capture made then: a request that was repeated captures once.

        Raises
        ------
        Conflict
            When the session takes no captures, the frame does not belong to it, or the key belongs to another session.
        """
        known = self.find_capture(session, new.key)
        if known is not None:
            return known
        pixels = hash_pixels(new.frame.celsius)
        with self.store.read() as db:  # nothing of a picture that does not belong here is written
            check_frame(db, get_row(db, SessionRow, session), new, pixels)
        stored = store_files(self.store.files, self.segmenter, new)
        try:
            with self.store.write() as transaction:
                known = find_number(transaction.db, session, new.key)
                if known is not None:
                    return known
                row = transaction.session(session)
                check_frame(transaction.db, row, new, pixels)
                check_time(new, transaction)
                capture = add_rows(transaction, who, row, stored, self.segmenter.model)
                self._update_results(transaction, row)
                return capture.number
        except (Conflict, NotFound):  # closed, or its patient erased, while the network looked at the frame
            discard_files(self.store, stored)
            raise

    def exclude_capture(self, who: str, session: str, number: int, reason: str) -> None:
        """Exclude a capture from its session; it stays in the store, with the reason."""
        if not reason.strip():
            raise DataError(Message("State why the capture is excluded."))
        with self.store.write() as transaction:
            row, capture = transaction.session(session), transaction.capture(session, number)
            transaction.update_capture(
                who,
                "capture taken out",  # as 0.1.0 wrote it into the audit
                capture,
                deleted_at=transaction.at,
                deleted_by=who,
                deleted_reason=reason.strip()[:_LONGEST_REASON],
            )
            self._update_results(transaction, row)

    def update_remarks(self, who: str, session: str, number: int, changed: Mapping[str, Any]) -> None:
        """Change some of what staff state of a capture; the rest stays."""
        with self.store.write() as transaction:
            row, capture = transaction.session(session), transaction.capture(session, number)
            remarks = validate_remarks({**capture.remarks, **changed})
            transaction.update_capture(who, "remarks stated", capture, remarks=remarks.model_dump())
            transaction.update_session(who, "remarks stated", row)

    def correct_mask(
        self, who: str, session: str, number: int, mask: NDArray[np.bool_], *, before: str | None
    ) -> None:
        """Use a mask drawn by hand from now on; the one before is kept.

        Parameters
        ----------
        who, session, number
            Who corrects which capture.
        mask : (H, W) ndarray of bool
            True on the soles.
        before : str or None
            Key of the mask that the correction began from.

        Raises
        ------
        Conflict
            When another mask is in use by now.
        DataError
            When its size is not the frame's.
        """
        sha256 = self.store.files.put(encode_mask(mask))
        with self.store.write() as transaction:
            row, capture = transaction.session(session), transaction.capture(session, number)
            if mask.shape != (capture.height, capture.width):
                raise DataError(Message("The mask has not the size of the frame."))
            if capture.mask_id != before:
                raise Conflict(Message("The mask was changed meanwhile, in another window. Load the page again."))
            transaction.add_mask(who, capture, origin="edited", sha256=sha256)
            self._update_results(transaction, row)

    def undo_correction(self, who: str, session: str, number: int) -> None:
        """Go back to the mask that the present one was made from."""
        with self.store.write() as transaction:
            capture = transaction.capture(session, number)
            mask = None if capture.mask_id is None else get_row(transaction.db, MaskRow, capture.mask_id)
            if mask is None or mask.parent_id is None:
                raise Conflict(Message("There is nothing to undo."))
            transaction.update_capture(who, "correction undone", capture, mask_id=mask.parent_id)
            self._update_results(transaction, transaction.session(session))

    def redo_correction(self, who: str, session: str, number: int) -> None:
        """Go forward to the newest mask that was made from the present one."""
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
            self._update_results(transaction, transaction.session(session))

    def load_frame(self, capture: CaptureRow) -> Frame:
        """Read a capture's frame."""
        return decode_frame(self.store.files.get(capture.frame_sha256))

    def load_mask(self, mask: MaskRow, view: str, feet: Feet = "both") -> NDArray[np.bool_]:
        """Read a mask, the automatic one as cleaned for measuring."""
        data = self.store.files.get(mask.file_sha256)
        if mask.origin != "automatic":
            return decode_mask(data)
        probability = decode_probabilities(data)[0]
        return Soles.from_mask(probability > 0.5, check_view(view), feet=feet, probability=probability).cleaned

    def measure(self, session: str) -> tuple[SessionRow, MeasuredSession]:
        """Measure a stored session again, for a report.

        Raises
        ------
        NotFound
            When there is no such session.
        """
        with self.store.read() as db:
            row = get_row(db, SessionRow, session)
            return row, self._measurer(db, row)

    def _update_results(self, transaction: Transaction, session: SessionRow) -> None:
        """Measure the session as the transaction has left it; numbers and flags that differ are part of it."""
        transaction.db.flush()
        measured = self._measurer(transaction.db, session)
        update_results(transaction, session, measured, self.segmenter.provenance)
