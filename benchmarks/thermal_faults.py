"""Sessions with planted faults on true masks: crossings, cut soles, one foot, absent feet, third pieces,
mirrored pictures.

    python benchmarks/thermal_faults.py --sessions 1000

Fast, since no network runs: what is judged is what follows the mask. Each session has one fault, by its number. Reported
are, by fault: frames with a number, soles measured, side swaps, swaps with a change given, frames that were asked about,
cautions on good frames, silent failures, and coverage of 95 % intervals of means and changes.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import ndimage

from prismseg.base.constants import Z95
from prismseg.thermal import SIDE_LABELS, SIDES, WHOLE_SOLE, Session
from prismseg.thermal.phantom import PhantomFrame
from thermal import KINDS, MINUTES, SILENT_DEGREES, SILENT_DICE, dice, person, run_parallel

FAULTS = ("none", "crossed", "cut", "one foot", "absent", "third piece", "mirrored")
CROSSED_FROM = 10


@dataclass(frozen=True, eq=False)
class Planted:
    """A frame with its fault: °C as seen and as they are, labels of the feet, and the mask a network might give."""

    celsius: np.ndarray
    truth: np.ndarray
    labels: np.ndarray
    mask: np.ndarray


def plant(fault: str, frame: PhantomFrame, minute: float, rng: np.random.Generator, share: float) -> Planted:
    """Plant a fault; `share` is drawn once a session: depth of a cut, place of a piece."""
    celsius, truth, labels = frame.celsius, frame.truth, frame.labels.copy()
    mask = labels > 0
    match fault:
        case "crossed" if minute >= CROSSED_FROM:
            left, right = ((labels == SIDE_LABELS[side]).any(axis=0) for side in SIDES)
            middle = (int(np.flatnonzero(right).max()) + int(np.flatnonzero(left).min())) // 2
            celsius, truth, labels, mask = (
                np.concatenate([each[:, middle:], each[:, :middle]], axis=1)
                for each in (celsius, truth, labels, mask)
            )
        case "mirrored" if minute >= CROSSED_FROM:
            celsius, truth, labels, mask = (each[:, ::-1] for each in (celsius, truth, labels, mask))
        case "cut":
            down = _depth(mask, share + rng.normal(0, 0.02))
            celsius, truth, labels, mask = (_lowered(each, down) for each in (celsius, truth, labels, mask))
        case "one foot":
            mask = labels == SIDE_LABELS["left"]
        case "absent" if minute in (5, 15):
            mask = labels == SIDE_LABELS["right"]
        case "third piece":
            mask = mask | _piece(labels > 0, share)
    return Planted(celsius, truth, labels, mask)


def _depth(feet: np.ndarray, share: float) -> int:
    """Rows by which a picture is lowered so that a share of the feet's height is below it."""
    rows = np.flatnonzero(feet.any(axis=1))
    return max(round(feet.shape[0] - rows[-1] - 1 + share * (rows[-1] - rows[0])), 0)


def _lowered(picture: np.ndarray, down: int) -> np.ndarray:
    return np.concatenate([np.repeat(picture[:1], down, axis=0), picture[: picture.shape[0] - down]])


def _piece(feet: np.ndarray, share: float) -> np.ndarray:
    """A knee between the feet and the upper border, or a strip along that border, away from the feet."""
    height, width = feet.shape
    rows, columns = np.mgrid[:height, :width]
    if share < 0.2:
        piece = (rows < 0.1 * height) & (abs(columns - width / 2) < 0.3 * width)
    else:
        piece = np.hypot((rows - 0.15 * height) / 0.12, (columns - share * width) / 0.11) < height
    return piece & ~ndimage.binary_dilation(feet, iterations=round(height / 24))


def run_planted(fault: str, kind: str, number: int, seed: int) -> tuple[list[dict], list[dict]]:
    """Rows of frames and of values of one session."""
    subject = person(kind, number, seed)
    rng = np.random.default_rng([seed, number, 9])
    share = rng.uniform(0.03, 0.35)
    session = Session(feet="left" if fault == "one foot" else "both")
    frames, values = [], []
    start: dict[str, float] = {}
    for minute in MINUTES:
        frame = plant(fault, subject.frame_at(minute), minute, rng, share)
        entry = session.add(frame.celsius, frame.mask, minute=minute)
        row = {"fault": fault, "minute": minute, "ok": entry.ok, "soles": len(entry.estimates)}
        row |= {"asked": entry.sides_open, "cautious": bool(entry.observations), "swapped": False, "silent": False}
        row |= {"swapped with change": False, "good": entry.ok}
        for side, found in entry.estimates.items():
            sole, mine = entry.soles.side(side), frame.labels == SIDE_LABELS[side]
            swapped = bool((sole & ~mine & (frame.labels > 0)).sum() > (sole & mine).sum())
            change = session.delta(entry, side)
            row["swapped"] |= swapped
            row["swapped with change"] |= swapped and change.known and minute > 0
            if not mine.any():
                continue
            true = float(frame.truth[mine].mean())
            start.setdefault(side, true)
            error = found[WHOLE_SOLE].mean - true
            wrong = abs(error) > SILENT_DEGREES or dice(sole, mine) < SILENT_DICE
            row["good"] &= not wrong
            row["silent"] |= wrong and not entry.observations and abs(error) > Z95 * found[WHOLE_SOLE].error
            about = {"fault": fault, "domain": subject.domain}
            values.append(about | {"what": "mean", "error": error, "se": found[WHOLE_SOLE].error})
            if change.known and minute > 0 and not swapped and fault != "cut":
                moved = change.value - (true - start[side])
                values.append(about | {"what": "change", "error": moved, "se": change.error})
        frames.append(row)
    return frames, values


def report(found: list[tuple[list[dict], list[dict]]]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Tables of frames and of values by fault."""
    frames = pd.DataFrame([row for part, _ in found for row in part])
    values = pd.DataFrame([row for _, part in found for row in part])
    yield (
        "frames by fault",
        frames.groupby("fault", sort=False).agg(
            frames=("ok", "size"),
            measured=("ok", "mean"),
            soles=("soles", "mean"),
            asked=("asked", "mean"),
            swaps=("swapped", "sum"),
            swaps_with_change=("swapped with change", "sum"),
            silent_failures=("silent", "sum"),
        ),
    )
    good = frames[frames.good & frames.ok]
    yield "share of good frames with a caution", good.groupby("fault", sort=False).cautious.mean().to_frame()
    values["covered"] = values.error.abs() <= Z95 * values.se
    yield (
        "whole soles, °C",
        values.groupby(["what", "fault"], sort=False).agg(
            n=("error", "size"),
            bias=("error", "mean"),
            sd=("error", "std"),
            stated_se=("se", "median"),
            coverage=("covered", "mean"),
        ),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=53_000)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    tasks = [
        (FAULTS[number % len(FAULTS)], KINDS[number // len(FAULTS) % len(KINDS)], number, arguments.seed)
        for number in range(arguments.sessions)
    ]
    for title, table in report(run_parallel(run_planted, tasks, arguments.jobs)):
        print(f"\n{title}\n\n{table.round(3).to_string()}", flush=True)


if __name__ == "__main__":
    main()
