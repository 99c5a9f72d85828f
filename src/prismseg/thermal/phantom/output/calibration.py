"""Statistics of simulated sessions beside those of 30 real ones, recorded during labour."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from prismseg.base.deprecation import renamed
from prismseg.thermal.phantom.frame import PhantomFrame
from prismseg.thermal.phantom.subject import draw_subject

MINUTES = (0, 1, 5, 10, 15, 20)
SMALL = (96, 128)  # pixels: enough for means and percentiles
# What was measured in 30 sessions during labour, and how far a large simulated study may be from it.
REAL_SESSIONS: dict[str, tuple[float, float]] = {
    "t0 mean, °C": (27.2, 0.3),
    "t0 SD, °C": (2.4, 0.3),
    "delta 1 min mean, °C": (-0.15, 0.2),
    "delta 5 min mean, °C": (-0.27, 0.25),
    "delta 10 min mean, °C": (0.46, 0.4),
    "delta 15 min mean, °C": (1.06, 0.5),
    "delta 20 min mean, °C": (1.33, 0.5),
    "delta 1 min SD, °C": (0.39, 0.2),
    "delta 5 min SD, °C": (0.71, 0.25),
    "delta 10 min SD, °C": (1.53, 0.35),
    "delta 15 min SD, °C": (1.95, 0.4),
    "delta 20 min SD, °C": (2.19, 0.4),
    "abs(L-R) 0 min median, °C": (0.43, 0.12),
    "abs(L-R) 20 min median, °C": (0.75, 0.2),
    "abs(L-R) 0 min p90, °C": (1.1, 0.25),
    "abs(L-R) 20 min p90, °C": (3.9, 0.8),
    "coverage mean, %": (22.5, 2.5),
    "coverage p1, %": (8.0, 5.0),
    "coverage p99, %": (38.0, 6.0),
    "scene low p5, °C": (17.0, 2.5),
    "scene low p95, °C": (24.0, 1.5),
    "scene high p5, °C": (27.0, 2.0),
    "scene high p95, °C": (36.0, 1.5),
}


@renamed(of="from_frame")
@dataclass(frozen=True)
class Record:
    """Statistics of one frame: means of both feet in °C, coverage in %, 1st and 99th percentile of the scene in °C."""

    session: int
    minute: float
    left: float
    right: float
    coverage: float
    low: float
    high: float

    @classmethod
    def from_frame(cls, frame: PhantomFrame, session: int, minute: float) -> Record:
        """Summarise `frame`."""
        low, high = np.percentile(frame.celsius, (1, 99))
        share = 100 * float(frame.mask.mean())
        return cls(session, minute, frame.left, frame.right, share, float(low), float(high))


@dataclass(frozen=True)
class Comparison:
    """One statistic: its name, in real sessions, in simulated ones, and the tolerated difference."""

    name: str
    real: float
    simulated: float
    tolerance: float

    @property
    def close(self) -> bool:
        """Whether the simulation is near enough."""
        return abs(self.real - self.simulated) <= self.tolerance


def calibrate(sessions: int = 150, seed: int = 0, domains: Sequence[str] | None = None) -> list[Comparison]:
    """Simulate small frames of `sessions` sessions and compare them with real ones.

    Parameters
    ----------
    sessions : int
        How many; statistics of few differ from those of the real ones by chance.
    seed : int
        Of the sessions.
    domains : sequence of str, optional
        See `prismseg.thermal.phantom.draw_subject`.

    Examples
    --------
    >>> len(calibrate(1))
    23
    """
    records = [
        Record.from_frame(draw_subject(seed, number, domains).frame_at(minute, size=SMALL), number, minute)
        for number, minute in product(range(sessions), MINUTES)
    ]
    return compare(records)


def compare(records: Sequence[Record]) -> list[Comparison]:
    """Compare statistics of simulated frames with the real ones; those that no record tells about are left out."""
    simulated = _statistics(records)
    return [
        Comparison(name, real, simulated[name], tolerance)
        for name, (real, tolerance) in REAL_SESSIONS.items()
        if name in simulated
    ]


def format_comparisons(comparisons: Sequence[Comparison]) -> str:
    """Write comparisons as a comma-separated table."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(["statistic", "real sessions", "simulated", "tolerated difference"])
    for line in comparisons:
        writer.writerow([line.name, f"{line.real:g}", f"{line.simulated:.2f}", f"{line.tolerance:g}"])
    return lines.getvalue()


def _statistics(records: Sequence[Record]) -> dict[str, float]:
    soles = {minute: _at(records, minute) for minute in MINUTES if any(line.minute == minute for line in records)}
    found: dict[str, float] = {}
    if 0 in soles:
        start = np.nanmean(soles[0], axis=1)
        found |= {"t0 mean, °C": float(np.nanmean(start)), "t0 SD, °C": float(np.nanstd(start))}
        for minute, means in soles.items():
            delta = np.nanmean(means, axis=1) - start
            found[f"delta {minute} min mean, °C"] = float(np.nanmean(delta))
            found[f"delta {minute} min SD, °C"] = float(np.nanstd(delta))
    for minute, means in soles.items():
        apart = np.abs(means[:, 0] - means[:, 1])
        found[f"abs(L-R) {minute} min median, °C"] = float(np.nanmedian(apart))
        found[f"abs(L-R) {minute} min p90, °C"] = float(np.nanpercentile(apart, 90))
    shares = np.array([line.coverage for line in records])
    lows, highs = np.array([line.low for line in records]), np.array([line.high for line in records])
    found["coverage mean, %"] = float(shares.mean())
    for name, values, ranks in (
        ("coverage", shares, (1, 99)),
        ("scene low", lows, (5, 95)),
        ("scene high", highs, (5, 95)),
    ):
        unit = "%" if name == "coverage" else "°C"
        found |= {f"{name} p{rank}, {unit}": float(np.percentile(values, rank)) for rank in ranks}
    return found


def _at(records: Sequence[Record], minute: float) -> NDArray[np.float64]:
    """Means of both feet (sessions, 2) at `minute`, NaN where the session has no such frame."""
    order = {session: row for row, session in enumerate(sorted({line.session for line in records}))}
    means = np.full((len(order), 2), np.nan)
    for line in records:
        if line.minute == minute:
            means[order[line.session]] = line.left, line.right
    return means
