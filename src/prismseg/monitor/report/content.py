"""All that a report shows of one session, and how it is collected from the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from prismseg.base import Message
from prismseg.monitor.report.standing import Standing, standing_of
from prismseg.monitor.sessions.admission import is_import
from prismseg.monitor.sessions.details import Details, MaskOrigin, Provenance, Remarks
from prismseg.monitor.sessions.segmenter import METHOD
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.store import latest_results, list_captures
from prismseg.monitor.store.schema import CaptureRow, MaskRow, ResultRow, SessionRow
from prismseg.thermal import Entry, Session, View, check_view


@dataclass(frozen=True)
class ReportedCapture:
    """One capture apart from its numbers, which are in the session's entry of the same position.

    Attributes
    ----------
    number : int
        Within the session, from 1, in the order in which they were taken; excluded ones keep theirs.
    taken_at : datetime or None
        With time zone (UTC); None for an imported picture whose time of day is not known.
    sha256 : str
        Of the stored frame file.
    camera : str
        Adapter or model.
    view : View
        How the camera saw the soles.
    parameters : mapping of str to float
        What the temperatures were computed with.
    mask_origin : MaskOrigin
        Who drew the contour that counts.
    edited_by : str
        Empty where nobody did.
    edited_at : datetime or None
        When.
    remarks : Remarks
        Pain and cold test.
    """

    number: int
    taken_at: datetime | None
    sha256: str
    camera: str
    view: View
    parameters: Mapping[str, float]
    mask_origin: MaskOrigin
    edited_by: str = ""
    edited_at: datetime | None = None
    remarks: Remarks = field(default_factory=Remarks)


@dataclass(frozen=True)
class ExcludedCapture:
    """A capture that staff excluded, with the reason; it is kept in the store."""

    number: int
    taken_at: datetime | None
    excluded_at: datetime
    excluded_by: str
    reason: str


@dataclass(frozen=True)
class Report:
    """All that a report shows of one session.

    Attributes
    ----------
    id : str
        Of the session.
    details : Details
        As stated.
    created_at : datetime
        When the session was begun here, or imported; with time zone (UTC).
    test_dose_at : datetime or None
        Zero of the clock; None while it has not started, and where an import does not know its time of day.
    session : Session
        Measured frames, in the order of `captures`.
    captures : tuple of ReportedCapture
        One for each of ``session.entries``.
    excluded : tuple of ExcludedCapture
        What was excluded.
    provenance : Provenance
        With what the numbers were made.
    standing : Standing
        How the record stood when the report was made.
    imported : bool
        Whether the session was recorded elsewhere.
    """

    id: str
    details: Details
    created_at: datetime
    test_dose_at: datetime | None
    session: Session
    captures: tuple[ReportedCapture, ...]
    excluded: tuple[ExcludedCapture, ...]
    provenance: Provenance
    standing: Standing = field(default_factory=Standing)
    imported: bool = False

    @property
    def begun_at(self) -> datetime | None:
        """When the session took place; None where an import does not know."""
        return self.test_dose_at if self.imported else self.created_at

    @property
    def dose_source(self) -> str | None:
        """Who says when the test dose was given: `stated` by somebody, or derived from the `camera`; None without a time.

        Of an import it is the camera's clock less the minutes that were stated of its pictures.
        """
        if self.test_dose_at is None:
            return None
        return "camera" if self.imported else "stated"

    @property
    def dose_title(self) -> Message:
        """Title of the time of the test dose, which tells a derived one from one that somebody stated."""
        if self.dose_source == "camera":
            return Message("Test dose, derived: the camera's clock less the stated minutes")
        return Message("Test dose given")

    @property
    def timed(self) -> bool:
        """Whether minutes count from a test dose; before it they have no zero."""
        return self.imported or self.test_dose_at is not None

    def minute(self, entry: Entry) -> float | None:
        """Minutes of an entry since the test dose; None before it."""
        return entry.minute if self.timed else None


def collect_report(service: SessionService, session: str, printed_by: str = "") -> Report:
    """Gather all that a report shows; the numbers are measured again from the stored frames and masks.

    Parameters
    ----------
    service : SessionService
        Over the store.
    session : str
        Key of the session.
    printed_by : str
        Who asks for the report; empty where nobody logs in.

    Raises
    ------
    NotFound
        When there is no such session.
    """
    row, measured = service.measure(session)
    with service.store.read() as db:
        results = latest_results(db, session)
        excluded = [
            capture for capture in list_captures(db, session, deleted=True) if capture.deleted_at is not None
        ]
    return Report(
        id=row.id,
        details=Details.model_validate(row.details),
        created_at=row.created_at,
        test_dose_at=row.test_dose_at,
        session=measured.session,
        captures=tuple(
            _facts(row, capture, mask, entry)
            for capture, mask, entry in zip(
                measured.captures, measured.masks, measured.session.entries, strict=True
            )
        ),
        excluded=tuple(
            ExcludedCapture(
                capture.number,
                capture.taken_at,
                capture.deleted_at,
                capture.deleted_by,
                capture.deleted_reason,
            )
            for capture in excluded
            if capture.deleted_at is not None
        ),
        provenance=_provenance(
            service, [results[capture.id] for capture in measured.captures if capture.id in results]
        ),
        standing=standing_of(row, service.store.clock(), printed_by),
        imported=is_import(row),
    )


def _facts(session: SessionRow, capture: CaptureRow, mask: MaskRow | None, entry: Entry) -> ReportedCapture:
    by_hand = mask is not None and mask.origin == "edited"
    return ReportedCapture(
        number=capture.number,
        taken_at=capture.taken_at,
        sha256=capture.frame_sha256,
        camera=capture.camera,
        view=check_view(session.view),
        parameters=capture.parameters,
        mask_origin=_origin(mask, entry),
        edited_by=mask.created_by if mask is not None and by_hand else "",
        edited_at=mask.created_at if mask is not None and by_hand else None,
        remarks=Remarks.model_validate(capture.remarks),
    )


def _origin(mask: MaskRow | None, entry: Entry) -> MaskOrigin:
    """Say who drew the outline; what a network did not find is no outline of its."""
    if mask is None or (mask.origin == "automatic" and (entry.soles is None or not entry.soles.cleaned.any())):
        return "none"
    origin: MaskOrigin = mask.origin  # type: ignore[assignment]
    return origin


def _provenance(service: SessionService, results: Sequence[ResultRow]) -> Provenance:
    """With what the newest of a session's results was made; a mask that was drawn by hand names no network."""
    if not results:
        return service.segmenter.provenance
    last = results[-1]
    network = next((result for result in reversed(results) if result.model), last)
    return Provenance(
        last.application, network.model, network.model_hash, last.template_hash, last.method or METHOD
    )
