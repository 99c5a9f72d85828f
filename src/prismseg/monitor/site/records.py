"""Changes of temperature by minute beside what was stated of cold and pain, from the kept sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session as Database

from prismseg.monitor.store import latest_results, list_captures
from prismseg.monitor.store.schema import CaptureRow, ResultRow, SessionRow
from prismseg.thermal import SIDES, WHOLE_SOLE

# Captures are seldom taken at the very minute; one farther away stands for another minute.
NEAREST_MINUTES = 2.5
RELIEVED = 3  # on the numeric rating scale; no more than mild pain


@dataclass(frozen=True)
class Observation:
    """One sole of one session, with the last that was stated after the test dose.

    Attributes
    ----------
    session, side : str
        Which one.
    deltas : dict of float to float
        Change of the whole sole's mean in °C, by the minute it stands for.
    cold : bool or None
        Whether cold was felt less or not at all on that leg; None where it was not stated.
    relieved : bool or None
        Whether pain was at most 3 of 10; None where it was not stated.
    """

    session: str
    side: str
    deltas: dict[float, float]
    cold: bool | None
    relieved: bool | None


def collect_observations(db: Database, minutes: Sequence[float], ward: str | None = None) -> list[Observation]:
    """Collect both soles of every session with a test dose; demonstrations are none.

    Parameters
    ----------
    db : Database
        Open transaction.
    minutes : sequence of float
        After the test dose; each takes the nearest capture within 2.5 min.
    ward : str, optional
        Only sessions of this ward, and those without one.
    """
    dosed = or_(SessionRow.test_dose_at.is_not(None), SessionRow.origin == "import")
    query = select(SessionRow).where(dosed, SessionRow.origin != "demonstration")
    if ward is not None:
        query = query.where((SessionRow.ward == ward) | SessionRow.ward.is_(None))
    return [each for session in db.scalars(query) for each in _of_session(db, session, minutes)]


def _of_session(db: Database, session: SessionRow, minutes: Sequence[float]) -> list[Observation]:
    results = latest_results(db, session.id)
    pairs = [(row, results[row.id]) for row in list_captures(db, session.id) if row.id in results]
    later = [(row, result) for row, result in pairs if result.minute > 0]
    pain = _last([row.remarks.get("pain") for row, _ in later])
    return [
        Observation(
            session.id,
            side,
            _deltas(later, side, minutes),
            None
            if (cold := _last([row.remarks.get(f"cold_{side}") for row, _ in later])) is None
            else cold != "felt",
            None if pain is None else pain <= RELIEVED,
        )
        for side in SIDES
    ]


def _deltas(later: list[tuple[CaptureRow, ResultRow]], side: str, minutes: Sequence[float]) -> dict[float, float]:
    found: dict[float, float] = {}
    for minute in minutes:
        near = [
            (abs(result.minute - minute), delta)
            for _, result in later
            if abs(result.minute - minute) <= NEAREST_MINUTES
            and (delta := _delta(result.outcome, side)) is not None
        ]
        if near:
            found[minute] = min(near)[1]
    return found


def _delta(outcome: dict[str, Any], side: str) -> float | None:
    value: float | None = outcome["values"][side][WHOLE_SOLE]["delta"]["value"]
    return value


def _last(values: list[Any]) -> Any:
    return next((value for value in reversed(values) if value is not None), None)
