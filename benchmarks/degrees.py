"""Intervals of a sole's mean temperature: from conformal margins around the mask, and the one that is stated.

    python benchmarks/degrees.py              # 40 simulated patients, 6 frames each, `thermal-feet`: 2 core minutes
    python benchmarks/degrees.py --quick      # 20 patients

A margin says where the true contour lies, in pixels; the means of what may lie within it are an interval in °C. In each
of many random splits three quarters of the patients calibrate and the others are looked at; a patient counts once,
however many of its soles are measured. Two ways turn a margin into °C: the means within all contours at one distance
from the mask's ("contours"), and the lowest and highest mean of any mask between inner and outer contour ("any mask"),
which holds whenever the margin holds. Beside them stand the stated standard error times its normal quantile, the same
times a calibrated factor, and one number of °C for all soles. All that come of a margin are widened by what the stated
error has for noise and for what a frame shares, since neither is an error of the contour.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from prismseg.evaluation import MarginSettings, conformal_quantile
from prismseg.inference.margins import needed_margins
from prismseg.thermal import SIDE_LABELS, SIDES, WHOLE_SOLE, Session
from prismseg.thermal.network.segmenter import predict_with_brightened
from prismseg.thermal.soles.pieces import bounding_window
from thermal import KINDS, MINUTES, Truth, _frame, person, predictor, run_parallel

SPLITS = 1000
# Margins at which intervals are kept, pixels: one between them is taken up to the next, a larger one is refused.
GRID = np.arange(0.0, 41.0)


def ranges_of_contours(
    celsius: NDArray[np.floating], mask: NDArray[np.bool_], margins: Sequence[float]
) -> NDArray[np.float64]:
    """Lowest and highest mean °C (M, 2) within the contours from each margin inside of the mask's to it outside.

    Where the mask is nowhere that deep, the first contour is that of its deepest pixels.
    """
    depth = _depth(mask)
    order = np.argsort(-depth, axis=None)
    depths, values = depth.ravel()[order], celsius.ravel()[order].astype(float)
    last = np.append(depths[1:] != depths[:-1], True)  # of those at one distance
    means, depths = (np.cumsum(values) / np.arange(1, values.size + 1))[last], depths[last]
    found = []
    for pixels in margins:
        first = max(int((depths > pixels).sum()) - 1, 0)
        within = means[first : int((depths >= -pixels).sum())]
        found.append((within.min(), within.max()))
    return np.array(found)


def ranges_of_masks(
    celsius: NDArray[np.floating], mask: NDArray[np.bool_], margins: Sequence[float]
) -> NDArray[np.float64]:
    """Lowest and highest mean °C (M, 2) of any mask that lies within the outer and around the inner contour.

    The coldest one has the pixels between them that are colder than the mean that comes out, the warmest those warmer.
    """
    depth, found = _depth(mask), []
    for pixels in margins:
        core, between = depth > pixels, np.sort(celsius[np.abs(depth) <= pixels].astype(float))
        total, count = float(celsius[core].sum(dtype=float)), int(core.sum())
        found.append((_extreme(total, count, between).min(), _extreme(total, count, between[::-1]).max()))
    return np.array(found)


def _extreme(total: float, count: int, more: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of `count` values with a sum and the first, the first two, … of `more`."""
    sums = total + np.concatenate([[0.0], np.cumsum(more)])
    counts = count + np.arange(more.size + 1)
    return sums[counts > 0] / counts[counts > 0]


def _depth(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Distance to the nearest pixel outside, and negative, outside, to the nearest one inside."""
    depth: NDArray[np.float64] = distance_transform_edt(mask) - distance_transform_edt(~mask)
    return depth


def measure_patient(kind: str, number: int, network: str, seed: int) -> tuple[list[dict], int]:
    """Rows of the soles with a number in a simulated session, and how many soles in its frames have none."""
    subject = person(kind, number, seed)
    frames = [subject.frame_at(minute) for minute in MINUTES]
    session = Session()
    for minute, frame in zip(MINUTES, frames, strict=True):
        thermal = _frame(frame, minute, 0.0)
        mask, brightened = predict_with_brightened(predictor(network), thermal)
        session.add(thermal, mask, minute=minute, brightened=brightened)
    rows, without = [], 0
    for entry, frame in zip(session.entries, frames, strict=True):
        means = Truth.of(frame).means
        for side in SIDES:
            true = frame.labels == SIDE_LABELS[side]
            if not entry.ok or side not in entry.estimates:
                without += bool(true.any())
                continue
            estimate, sole = entry.estimates[side][WHOLE_SOLE], entry.soles.side(side)
            window = bounding_window(sole, margin=int(GRID[-1]) + 1)
            celsius, here = frame.celsius[window], sole[window]
            rows.append(
                {
                    "patient": number,
                    "domain": subject.domain,
                    "error": abs(estimate.mean - means[side, WHOLE_SOLE]),
                    "mean": estimate.mean,
                    "true": means[side, WHOLE_SOLE],
                    "stated": estimate.error,
                    "rest": math.hypot(estimate.noise, estimate.common),
                    "margin": max(needed_margins(sole, true)),
                    "margin 99 %": max(needed_margins(sole, true, share=0.99)),
                    "contours": ranges_of_contours(celsius, here, GRID),
                    "any mask": ranges_of_masks(celsius, here, GRID),
                }
            )
    return rows, without


@dataclass(frozen=True, eq=False)
class Method:
    """A way to an interval: the score of each sole, and the interval (N, 2) that a calibrated score gives."""

    name: str
    scores: NDArray[np.float64] | None
    interval: Callable[[float], NDArray[np.float64]]


def list_methods(soles: pd.DataFrame, alpha: float) -> list[Method]:
    """All ways to be compared, for soles of `measure_patient`."""
    z = NormalDist().inv_cdf(1 - alpha / 2)
    mean, stated, error = (soles[name].to_numpy(float) for name in ("mean", "stated", "error"))
    rest = z * soles["rest"].to_numpy(float)[:, None, None] * np.array([-1.0, 1.0])
    ranges = {name: np.stack(soles[name].to_list()) + rest for name in ("contours", "any mask")}

    def around(half: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack([mean - half, mean + half], 1)

    def within(name: str) -> Callable[[float], NDArray[np.float64]]:
        return lambda margin: ranges[name][:, math.ceil(margin)]

    margins = {name: soles[name].to_numpy(float) for name in ("margin", "margin 99 %")}
    return [
        Method("stated error", None, lambda _: around(z * stated)),
        Method("stated error x calibrated factor", error / stated, lambda factor: around(factor * stated)),
        Method("one calibrated °C for all", error, lambda half: around(np.full_like(mean, half))),
        Method("margin, any mask", margins["margin"], within("any mask")),
        Method("margin, contours", margins["margin"], within("contours")),
        Method("margin of 99 %, any mask", margins["margin 99 %"], within("any mask")),
        Method("margin of 99 %, contours", margins["margin 99 %"], within("contours")),
    ]


def compare(soles: pd.DataFrame, alpha: float, splits: int = SPLITS) -> pd.DataFrame:
    """Coverage, widths and interval score of each method for patients that it was not calibrated on."""
    patients = soles["patient"].to_numpy()
    members = {each: np.flatnonzero(patients == each) for each in np.unique(patients)}
    settings = MarginSettings(alpha, "case")
    methods = list_methods(soles, alpha)
    sums = np.zeros((len(methods), 3, len(soles)))
    tested = np.zeros(len(soles))
    rng, true = np.random.default_rng(0), soles["true"].to_numpy(float)
    for _ in range(splits):
        order = rng.permutation(list(members))
        calibration = order[: 3 * len(order) // 4]
        new = ~np.isin(patients, calibration)
        tested += new
        for method, total in zip(methods, sums, strict=True):
            score = 0.0
            if method.scores is not None:
                score = conformal_quantile([method.scores[members[each]] for each in calibration], settings)
            low, high = method.interval(score).T
            beyond = np.maximum(np.maximum(low - true, true - high), 0.0)
            total += new * np.stack([beyond == 0, high - low, high - low + 2 / alpha * beyond])
    sums /= tested
    return pd.DataFrame([_row(method.name, found, soles) for method, found in zip(methods, sums, strict=True)])


def _row(name: str, found: NDArray[np.float64], soles: pd.DataFrame) -> dict[str, object]:
    table = pd.DataFrame(dict(zip(("held", "width", "score"), found, strict=True)))
    table[["patient", "domain"]] = soles[["patient", "domain"]].to_numpy()
    by_patient = table.groupby("patient")[["held", "width", "score"]].mean()
    third = soles["stated"].rank(pct=True).to_numpy()
    return {
        "interval": name,
        "held": 100 * by_patient["held"].mean(),
        "2 s.e.": 200 * by_patient["held"].sem(),
        "held, surest third": 100 * table["held"][third <= 1 / 3].mean(),
        "held, least sure third": 100 * table["held"][third > 2 / 3].mean(),
        "mean width": by_patient["width"].mean(),
        "median width": table["width"].median(),
        "interval score": by_patient["score"].mean(),
    }


def show(table: pd.DataFrame) -> None:
    """Print a Markdown table."""
    print("| " + " | ".join(table.columns) + " |\n" + "| --- " * len(table.columns) + "|")
    for row in table.itertuples(index=False):
        print("| " + " | ".join([row[0], *(f"{v:.1f}" for v in row[1:5]), *(f"{v:.2f}" for v in row[5:])]) + " |")


def measure_patients(patients: int, network: str, seed: int, jobs: int) -> tuple[pd.DataFrame, int]:
    """Soles of all simulated patients, and how many have no number."""
    tasks: Sequence[tuple] = [(KINDS[number % len(KINDS)], number, network, seed) for number in range(patients)]
    found = run_parallel(measure_patient, tasks, jobs)
    return pd.DataFrame([row for rows, _ in found for row in rows]), sum(without for _, without in found)


def main() -> None:
    """Print a Markdown table for each nominal level."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="thermal-feet")
    parser.add_argument("--patients", type=int, default=40)
    parser.add_argument("--seed", type=int, default=31_000, help="far from those of training")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="20 patients, 90 %% only")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    soles, without = measure_patients(
        20 if options.quick else options.patients, options.network, options.seed, options.jobs
    )
    patients = soles["patient"].nunique()
    print(
        f"{patients} patients, {len(soles)} soles with a number, {without} without; {SPLITS} splits of the patients"
    )
    for alpha in (0.1,) if options.quick else (0.1, 0.05):
        print(f"\nNominal {100 * (1 - alpha):g} %; held in %, widths and interval score in °C:\n")
        show(compare(soles, alpha))


if __name__ == "__main__":
    main()
