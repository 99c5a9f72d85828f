"""How the monitor is: what a hospital's surveillance asks for. No patient data."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from prismseg.base.version import VERSION
from prismseg.monitor.cameras import Camera
from prismseg.monitor.sessions.clock import SteadyClock
from prismseg.monitor.store import SessionStore
from prismseg.monitor.upkeep.backups import Backups
from prismseg.monitor.upkeep.clock_watch import ClockWatch

LEAST_FREE = 1_000_000_000  # bytes; about 2,000 captures, with the database's growth
_SLACK = 1.5  # times the planned hours after which a copy is overdue


@dataclass(frozen=True)
class Health:
    """The parts that can ail.

    Attributes
    ----------
    store, clock, watch, camera
        Of the monitor.
    backups : Backups or None
        Where copies are planned.
    """

    store: SessionStore
    clock: SteadyClock
    watch: ClockWatch
    camera: Camera
    backups: Backups | None

    def __call__(self) -> dict[str, Any]:
        """Tell of every part: `ok` is false where somebody must act, None where it is not known."""
        checks = {
            "disk": self._disk(),
            "camera": self._camera(),
            "audit": {"ok": not self.store.trail_fault},
            "backup": self._backup(),
            "clock": {
                "ok": self.clock.jump == 0 and self.watch.lost == 0,
                "jump_seconds": round(self.clock.jump, 1),
            },
        }
        well = all(check["ok"] is not False for check in checks.values())
        return {"status": "running" if well else "needs attention", "version": VERSION, "checks": checks}

    def _disk(self) -> dict[str, Any]:
        folder = self.store.folder
        try:
            free = shutil.disk_usage(folder).free
        except OSError:
            return {"ok": False, "free_bytes": None, "writable": False}
        writable = os.access(folder, os.W_OK)
        return {"ok": writable and free >= LEAST_FREE, "free_bytes": free, "writable": writable}

    def _camera(self) -> dict[str, Any]:
        """Tell of the last picture that was asked for; nobody may have asked."""
        asked: datetime | None = getattr(self.camera, "asked_at", None)
        given: datetime | None = getattr(self.camera, "given_at", None)
        age = None if given is None else round((self.clock() - given).total_seconds(), 1)
        works = None if asked is None else given is not None and given >= asked
        return {"ok": works, "seconds_since_picture": age}

    def _backup(self) -> dict[str, Any]:
        if self.backups is None:
            return {"ok": None, "age_hours": None}
        age = self.backups.age
        due = timedelta(hours=self.backups.plan.hours * _SLACK)
        hours = None if age is None else round(age.total_seconds() / 3600, 2)
        return {"ok": not self.backups.fault and age is not None and age < due, "age_hours": hours}
