"""What happens at the door, in the audit: log-ins, failures, exports, starts."""

from __future__ import annotations

import json
import logging
from typing import Any

from sqlalchemy import select

from prismseg.base import OutputError
from prismseg.monitor.store import SessionStore
from prismseg.monitor.store.schema import AuditRow
from prismseg.monitor.upkeep.log import kind_of
from prismseg.monitor.web.settings import MonitorSettings

_LOG = logging.getLogger(__name__)
STARTED = "monitor started"
# Places on this machine's disk, and what says nothing of how the monitor works.
_LEFT_OUT = {"data", "database", "certificate", "key", "sso"}


def record_event(store: SessionStore, who: str, action: str, subject: str, **detail: Any) -> None:
    """Add an audit entry about an export or a change of users.

    Raises
    ------
    OutputError
        When it cannot be written: what cannot be recorded is not done.
    """
    with store.write() as transaction:
        transaction.note(who, action, subject, **detail)


def record_export(store: SessionStore, who: str, session: str, **detail: Any) -> None:
    """Add an audit entry about what is taken away of a session.

    Raises
    ------
    NotFound
        When its patient was erased while it was put together: nothing of her is given out then.
    OutputError
        As `record_event`.
    """
    with store.write() as transaction:
        transaction.note(who, "exported", f"sessions/{transaction.session(session).id}", **detail)


def record_login(store: SessionStore, who: str, action: str, address: str) -> None:
    """Add an audit entry about a log-in, one that failed or was refused, or a log-out.

    A full disk must not keep staff from what is stored: then the log says it, and the notice on every page why.
    """
    try:
        record_event(store, who, action, "log-in", address=address)
    except OutputError as error:
        _LOG.error("not in the audit: %(action)s (%(error)s)", {"action": action, "error": kind_of(error)})


def record_start(store: SessionStore, settings: MonitorSettings, version: str) -> None:
    """Add an audit entry with the settings, and with what differs from the last start."""
    now = settings.model_dump(mode="json", exclude=_LEFT_OUT)
    with store.write() as transaction:
        query = select(AuditRow.detail).where(AuditRow.action == STARTED).order_by(AuditRow.seq.desc()).limit(1)
        last = transaction.db.scalar(query)
        before = json.loads(last)["settings"] if last else {}
        changed = {name: [before.get(name), value] for name, value in now.items() if before.get(name) != value}
        transaction.note("prismseg", STARTED, "monitor", version=version, settings=now, changed=changed)
