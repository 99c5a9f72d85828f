"""A simulated ward to try everything with: two finished sessions, one running."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from prismseg.monitor.cameras import Camera, Simulator, find_simulator
from prismseg.monitor.sessions.captures import NewCapture
from prismseg.monitor.sessions.service import SessionService

_MINUTES = (0.0, 1.0, 5.0, 10.0, 15.0, 20.0, 30.0)
_RUNNING_SINCE = 7.5
_WHO = "demonstration"
_PATIENTS: tuple[tuple[str, dict[str, Any], str, int, float, tuple[float, ...]], ...] = (
    # code, details, kind, seed, hours ago, minutes of captures
    (
        "DEMO-1",
        {"age_years": 31, "weeks": 39.4, "weight_kg": 74, "height_cm": 166, "asa": 2, "parity": 0, "dilatation_cm": 4,
         "membranes": "ruptured", "catheter_level": "L3-L4", "drug": "ropivacaine 0.2 %", "dose": "10 ml"},
        "working", 14, 5.0, _MINUTES,
    ),
    (
        "DEMO-2",
        {"age_years": 27, "weeks": 40.1, "weight_kg": 81, "height_cm": 171, "asa": 1, "parity": 1, "dilatation_cm": 5,
         "membranes": "intact", "catheter_level": "L2-L3", "drug": "ropivacaine 0.2 %", "dose": "10 ml"},
        "one-sided", 18, 2.0, _MINUTES,
    ),
)  # fmt: skip
_RUNNING: dict[str, Any] = {
    "age_years": 34, "weeks": 38.6, "weight_kg": 69, "height_cm": 162, "asa": 2, "parity": 1, "dilatation_cm": 3,
    "membranes": "intact", "catheter_level": "L3-L4", "drug": "ropivacaine 0.2 %", "dose": "10 ml",
}  # fmt: skip


def set_simulated_dose(camera: Camera, seconds_ago: float | None) -> None:
    """Let the patient before a simulator follow the session: at baseline (None), or dosed some seconds ago."""
    simulator = find_simulator(camera)
    if simulator is None:
        return
    if seconds_ago is None:
        simulator.clear_dose()
    else:
        simulator.start_dose(seconds_ago)


def create_demonstration(
    service: SessionService, camera: Camera, now: datetime, progress: Callable[[int, str], None] | None = None
) -> None:
    """Make the sessions of the demonstration.

    Parameters
    ----------
    service : SessionService
        Over an empty store.
    camera : Camera
        The simulator; its patient is the one of the running session.
    now : datetime
        The sessions lie before it.
    progress : callable, optional
        Told how many captures are done, and of which session.
    """
    done = 0

    def told(code: str) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, code)

    for code, details, kind, seed, hours, minutes in _PATIENTS:
        start = now - timedelta(hours=hours)
        steps = _ManualClock()
        patient = Simulator(seed, kind, clock=steps, sleep=steps.wait)
        session = _record_session(service, patient, steps, start, code, details, minutes, told)
        service.close(_WHO, session)
    live = find_simulator(camera)
    if live is None:
        return
    steps = _ManualClock()
    patient = live.copy_with_clock(clock=steps, sleep=steps.wait)
    start = now - timedelta(minutes=_RUNNING_SINCE)
    _record_session(service, patient, steps, start, "DEMO-3", _RUNNING, (0.0, 1.0, 5.0), told)
    live.start_dose(_RUNNING_SINCE * 60)


def demonstration_size() -> int:
    """Count the captures that `create_demonstration` makes."""
    return sum(len(minutes) for *_, minutes in _PATIENTS) + 3


def _record_session(
    service: SessionService,
    patient: Simulator,
    steps: _ManualClock,
    dose: datetime,
    code: str,
    details: dict[str, Any],
    minutes: tuple[float, ...],
    told: Callable[[str], None],
) -> str:
    session = service.begin(
        _WHO,
        {"code": code, **details},
        camera=str(patient.name),
        origin="demonstration",
        at=dose - timedelta(minutes=4),
    )
    zero = 0.0
    for minute in minutes:
        if minute > 0 and zero == 0:
            service.record_dose(_WHO, session, seconds_ago=(service.store.clock() - dose).total_seconds())
            patient.start_dose()
            zero = steps.seconds
        steps.seconds = max(steps.seconds, zero + 60 * minute)
        moment = dose + timedelta(minutes=minute if minute > 0 else -1.5)
        frame = replace(patient.frame(), time=moment)
        service.capture(_WHO, session, NewCapture(frame, f"{session}-{minute:g}", str(patient.name), moment))
        told(code)
    return session


class _ManualClock:
    """A clock that goes forward when it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        self.seconds += max(seconds, 0.0)
