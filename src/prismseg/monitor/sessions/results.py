"""Results of a session: after any change, what differs from the stored numbers and flags is stored anew."""

from __future__ import annotations

from prismseg.monitor.sessions.details import Provenance
from prismseg.monitor.sessions.measurement import MeasuredSession
from prismseg.monitor.sessions.summary import summarize_entry, summarize_flags
from prismseg.monitor.store import Transaction, latest_results
from prismseg.monitor.store.schema import SessionRow


def update_results(
    transaction: Transaction, session: SessionRow, measured: MeasuredSession, provenance: Provenance
) -> None:
    """Add a result for each capture whose numbers differ from its latest one, and set the session's flags.

    Parameters
    ----------
    transaction : Transaction
        In which the change was made that calls for new results.
    session : SessionRow
        Whose captures were measured.
    measured : MeasuredSession
        The session as it is now.
    provenance : Provenance
        With what it was measured.
    """
    stored = latest_results(transaction.db, session.id)
    for entry, capture, mask in zip(measured.session.entries, measured.captures, measured.masks, strict=True):
        outcome = summarize_entry(measured.session, entry)
        latest = stored.get(capture.id)
        if (
            latest is not None
            and (latest.mask_id, latest.minute, latest.view) == (capture.mask_id, entry.minute, session.view)
            and latest.outcome == outcome
        ):
            continue
        transaction.add_result(
            capture,
            mask_id=capture.mask_id,
            minute=entry.minute,
            status=entry.status,
            outcome=outcome,
            application=provenance.application,
            model="" if mask is None else mask.model,
            model_hash="" if mask is None else mask.model_hash,
            template_hash=provenance.template_hash,
            method=provenance.method,
            parameters=capture.parameters,
            mask_origin="" if mask is None else mask.origin,
            view=session.view,
        )
    flags = summarize_flags(measured.session)
    transaction.update_session("prismseg", "flags found", session, flags=flags)
