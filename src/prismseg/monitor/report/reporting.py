"""From the store to the report of a session."""

from __future__ import annotations

from prismseg.monitor.sessions.measuring import METHOD
from prismseg.monitor.sessions.records import CaptureFacts, DeletedCapture, Details, Provenance, Remarks, Report
from prismseg.monitor.sessions.ward import Ward
from prismseg.monitor.store import latest_results, list_captures
from prismseg.monitor.store.schema import CaptureRow, MaskRow, ResultRow
from prismseg.thermal import check_view


def report_of(ward: Ward, session: str) -> Report:
    """Gather all that a report shows; the numbers are measured again from the stored frames and masks.

    Raises
    ------
    NotFound
        When there is no such session.
    """
    row, rebuilt = ward.rebuilt(session)
    with ward.store.read() as db:
        results = latest_results(db, session)
        deleted = [
            capture for capture in list_captures(db, session, deleted=True) if capture.deleted_at is not None
        ]
    last = next((results[capture.id] for capture in reversed(rebuilt.captures) if capture.id in results), None)
    return Report(
        id=row.id,
        details=Details.model_validate(row.details),
        created_at=row.created_at,
        test_dose_at=row.test_dose_at,
        session=rebuilt.session,
        captures=tuple(
            _facts(capture, mask, row.view) for capture, mask in zip(rebuilt.captures, rebuilt.masks, strict=True)
        ),
        deleted=tuple(
            DeletedCapture(
                capture.number, capture.taken_at, capture.deleted_at, capture.deleted_by, capture.deleted_reason
            )
            for capture in deleted
            if capture.deleted_at is not None
        ),
        provenance=_provenance(ward, last),
    )


def _facts(capture: CaptureRow, mask: MaskRow | None, view: str) -> CaptureFacts:
    by_hand = mask is not None and mask.origin == "edited"
    return CaptureFacts(
        number=capture.number,
        taken_at=capture.taken_at,
        sha256=capture.frame_sha256,
        camera=capture.camera,
        view=check_view(view),
        parameters=capture.parameters,
        mask_origin="automatic" if mask is None else mask.origin,  # type: ignore[arg-type]
        edited_by=mask.created_by if mask is not None and by_hand else "",
        edited_at=mask.created_at if mask is not None and by_hand else None,
        remarks=Remarks.model_validate(capture.remarks),
    )


def _provenance(ward: Ward, last: ResultRow | None) -> Provenance:
    if last is None:
        return ward.measurer.provenance
    return Provenance(last.application, last.model, last.model_hash, last.template_hash, last.method or METHOD)
