"""From frame to curve on simulated sessions whose truth is known: errors, flags, sides, failures, intervals.

    python benchmarks/thermal.py --sessions 500 --network thermal-feet
    python benchmarks/thermal.py --sessions 200 --frames 0 --framing above
    python benchmarks/thermal.py --sessions 200 --frames 0 --drift 0.5
    python benchmarks/thermal_faults.py --sessions 1000     (planted faults)

(a) Dice and error of the mean temperature on single frames of both framings, by domain; one of the domains the shipped
network has never seen (its card says which); (b) error of mean temperatures and changes in sessions, with the network
and with the true mask; (c) coverage of 95 % intervals; (d) flags by minute in four kinds of session; (e) side swaps,
stated and silent failures; (f) time a frame. Nothing is left out: frames without numbers are counted in (e).
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from multiprocessing import get_context

import numpy as np
import pandas as pd

from prismseg import Predictor
from prismseg.base.constants import Z95
from prismseg.thermal import REGIONS, SIDE_LABELS, SIDES, TERRITORIES, WHOLE_SOLE, Entry, Session, find_flags
from prismseg.thermal.network.segmenter import predict_with_brightened
from prismseg.thermal.phantom import (
    DOMAINS,
    FRAMINGS,
    FootCourse,
    PhantomFrame,
    Subject,
    draw_courses,
    draw_subject,
    frame_at,
)
from prismseg.thermal.phantom.body.physiology import PHYSIOLOGY
from prismseg.thermal.phantom.scene.temperatures import draw_temperatures

MINUTES = (0, 1, 5, 10, 15, 20)
KINDS = ("working", "one-sided", "failed", "uninformative")
SILENT_DICE, SILENT_DEGREES = 0.8, 0.5
METHODS = ("network", "true mask")


@dataclass(frozen=True)
class Truth:
    """What is true of one frame: mean °C by side and region."""

    means: dict[tuple[str, str], float]

    @classmethod
    def of(cls, frame: PhantomFrame) -> Truth:
        means = {}
        for side in SIDES:
            on = frame.labels == SIDE_LABELS[side]
            regions = {WHOLE_SOLE: on}
            regions |= {name: on & (frame.territories == k) for k, name in enumerate(TERRITORIES, start=1)}
            means |= {
                (side, name): float(frame.truth[place].mean()) if place.any() else np.nan
                for name, place in regions.items()
            }
        return cls(means)


def person(kind: str, number: int, seed: int) -> Subject:
    """Draw a person whose block works on both sides, on one, on none, or whose feet are warm already."""
    subject = draw_subject(seed, number)
    rng = np.random.default_rng([seed, number, 7])
    left, right = draw_courses(rng)
    rises = {"working": (1.0, 1.0), "one-sided": (1.0, 0.0), "failed": (0.0, 0.0), "uninformative": (1.0, 1.0)}[
        kind
    ]
    if rng.random() < 0.5:
        rises = rises[::-1]
    height, onset, tau = rng.uniform(3.5, 7.5), rng.uniform(3, 10), rng.uniform(2, 5)
    warm = rng.uniform(33.6, PHYSIOLOGY.plateau - 0.2)
    courses = []
    for course, share in zip((left, right), rises, strict=True):
        start = warm + rng.normal(0, 0.05) if kind == "uninformative" else min(course.baseline, 30.0)
        rise = min(height * share * rng.uniform(0.85, 1.15), PHYSIOLOGY.plateau - start)
        courses.append(
            FootCourse(start, min(course.drift, PHYSIOLOGY.plateau - start), max(rise, 0.0), onset, tau)
        )
    pair = (courses[0], courses[1])
    return replace(subject, courses=pair, temperatures=draw_temperatures(rng, pair))


@cache
def predictor(name: str) -> Predictor:
    return Predictor.from_pretrained(name)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    total = int(one.sum() + other.sum())
    return 2 * int((one & other).sum()) / total if total else 1.0


def run_session(
    kind: str, number: int, network: str, seed: int, framing: str = "soles", drift: float = 0.0
) -> tuple[list[dict], list[dict], list[dict]]:
    """Rows of measured values, of frames, and of flags by minute.

    With a drift the camera's offset takes a random step of that standard deviation, °C, before each frame.
    """
    subject = replace(person(kind, number, seed), framing=framing)
    frames = [subject.frame_at(minute) for minute in MINUTES]
    steps = np.random.default_rng([seed, number, 8]).normal(0, drift, len(MINUTES))
    offsets = np.cumsum(steps) - steps[0]
    truths = [Truth.of(frame) for frame in frames]
    values, outcomes, flagged = [], [], []
    for method in METHODS:
        session = Session()
        for minute, frame, offset in zip(MINUTES, frames, offsets, strict=True):
            thermal = _frame(frame, minute, float(offset))
            looks = (
                predict_with_brightened(predictor(network), thermal) if method == "network" else (frame.mask, None)
            )
            session.add(thermal, looks[0], minute=minute, brightened=looks[1])
        about = {"kind": kind, "number": number, "domain": subject.domain, "method": method}
        for entry, frame, truth in zip(session.entries, frames, truths, strict=True):
            outcomes.append(about | {"minute": entry.minute} | _outcome(entry, frame, truth))
            if entry.ok:
                values += [about | row for row in _values(session, entry, truth, truths[0])]
        flagged += [about | row for row in _flags(session, truths)]
    return values, outcomes, flagged


def _frame(frame: PhantomFrame, minute: float, offset: float):
    from prismseg.thermal import Frame

    return Frame(frame.celsius + np.float32(offset), source=f"t{minute:g}")


def _values(session: Session, entry: Entry, truth: Truth, start: Truth) -> Iterator[dict]:
    for side, estimates in entry.estimates.items():
        for region in REGIONS:
            estimate = estimates.get(region)
            if estimate is None or not estimate.pixels:
                continue
            true = truth.means[side, region]
            if np.isnan(true):
                continue  # views from above have no territories
            yield {"what": "mean", "region": region, "error": estimate.mean - true, "se": estimate.error}
            if entry is session.baseline or session.baseline is None or session.baseline.minute != 0:
                continue
            for what, change in (
                ("delta", session.delta(entry, side, region)),
                ("beyond background", session.beyond_background(entry, side, region)),
            ):
                if change.known:
                    error = change.value - (true - start.means[side, region])
                    yield {"what": what, "region": region, "error": error, "se": change.error}
    apart = session.difference(entry)
    if apart.known and entry is not session.baseline:
        true = [means.means["right", WHOLE_SOLE] - means.means["left", WHOLE_SOLE] for means in (truth, start)]
        yield {
            "what": "right - left",
            "region": WHOLE_SOLE,
            "error": apart.value - (true[0] - true[1]),
            "se": apart.error,
        }


def _outcome(entry: Entry, frame: PhantomFrame, truth: Truth) -> dict:
    row = {
        "ok": entry.ok,
        "status": entry.status,
        "cautious": entry.ok and bool(entry.observations),
        "swapped": False,
        "silent": False,
        "soles": len(entry.estimates),
        "good": entry.ok,
    }
    if not entry.ok:
        return row
    for side in entry.estimates:
        sole = entry.soles.side(side)
        mine, other = frame.labels == SIDE_LABELS[side], frame.labels == 3 - SIDE_LABELS[side]
        row["swapped"] |= bool((sole & other).sum() > (sole & mine).sum())
        wrong = abs(entry.estimates[side][WHOLE_SOLE].mean - truth.means[side, WHOLE_SOLE]) > SILENT_DEGREES
        if dice(sole, mine) < SILENT_DICE or wrong:
            row["good"] = False
            row["silent"] |= (
                not entry.observations
                and abs(entry.estimates[side][WHOLE_SOLE].mean - truth.means[side, WHOLE_SOLE])
                > Z95 * entry.estimates[side][WHOLE_SOLE].error
            )
    return row


def _flags(session: Session, truths: list[Truth]) -> Iterator[dict]:
    """At each minute: what is flagged so far, and whether the true curves have earned it."""
    deltas = {
        side: [truth.means[side, WHOLE_SOLE] - truths[0].means[side, WHOLE_SOLE] for truth in truths]
        for side in SIDES
    }
    for k, minute in enumerate(MINUTES[1:], start=1):
        entries = session.entries[: k + 1]
        flags = find_flags(entries, session.baseline, session.settings)
        names = {(flag.name, flag.side) for flag in flags if flag.level != "unconfirmed"}
        for side in SIDES:
            now = deltas[side][: k + 1]
            earned = any(a >= 1 and b >= 1 for a, b in pairwise(now[1:]))
            yield {
                "flag": "warming",
                "minute": minute,
                "flagged": ("warming", side) in names,
                "earned": earned,
            }
        right_left = [right - left for right, left in zip(deltas["right"], deltas["left"], strict=True)]
        late = [abs(value) >= 1 for value, at in zip(right_left[: k + 1], MINUTES, strict=False) if at >= 10]
        yield {
            "flag": "asymmetric",
            "minute": minute,
            "flagged": any(name == "asymmetric" for name, _ in names),
            "earned": any(a and b for a, b in pairwise(late)),
        }
        if minute == MINUTES[-1]:
            yield {
                "flag": "no thermal sign yet",
                "minute": minute,
                "flagged": any(name == "no thermal sign yet" for name, _ in names),
                "earned": all(deltas[side][k] < 1 for side in SIDES)
                and not any(a >= 1 and b >= 1 for s in SIDES for a, b in pairwise(deltas[s][1:])),
            }
        yield {
            "flag": "uninformative",
            "minute": minute,
            "flagged": any(name == "uninformative" for name, _ in names),
            "earned": any(truths[0].means[side, WHOLE_SOLE] >= 33.5 for side in SIDES),
        }


def run_frame(domain: str, framing: str, number: int, network: str, seed: int) -> dict:
    """Dice of a frame's feet and error of each foot's mean, from the grey picture and from °C."""
    frame = frame_at(seed, number, (domain,), (framing,))
    row = {"domain": domain, "framing": framing}
    if not frame.mask.any():
        return row
    truth = frame.mask > 0
    for name, picture in (("grey", frame.grey), ("celsius", frame.celsius)):
        found = predictor(network)(picture).mask > 0
        row[f"dice_{name}"] = dice(found, truth)
        if name == "celsius" and (found & truth).any():
            row["error"] = abs(float(frame.celsius[found].mean()) - float(frame.celsius[truth].mean()))
    return row


def run_parallel(function: Callable, tasks: Sequence[tuple], jobs: int) -> list:
    """Results of a function over tasks, in their order, from `jobs` fresh processes."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        return list(pool.map(function, *zip(*tasks, strict=True), chunksize=4))


def single_frames(network: str, count: int, jobs: int, seed: int) -> pd.DataFrame:
    tasks = [(domain, framing, k) for domain in DOMAINS for framing in FRAMINGS for k in range(count)]
    rows = run_parallel(run_frame, [(*task, network, seed) for task in tasks], jobs)
    table = pd.DataFrame(rows)
    return table.groupby(["framing", "domain"]).agg(
        frames=("dice_grey", "count"),
        grey_mean=("dice_grey", "mean"),
        grey_median=("dice_grey", "median"),
        celsius_mean=("dice_celsius", "mean"),
        celsius_median=("dice_celsius", "median"),
        within_015=("error", lambda errors: (errors <= 0.15).mean()),
    )


def latency(network: str, turns: int = 30) -> float:
    frame = frame_at(0, 1, size=(480, 640))
    predictor(network)(frame.grey)
    times = []
    for _ in range(turns):
        start = time.perf_counter()
        predictor(network)(frame.grey)
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def show(title: str, table: pd.DataFrame) -> None:
    print(f"\n{title}\n\n{table.round(3).to_string()}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=500)
    parser.add_argument("--frames", type=int, default=100, help="single frames a domain and framing")
    parser.add_argument("--network", default="thermal-feet")
    parser.add_argument("--seed", type=int, default=31_000, help="far from those of training")
    parser.add_argument("--framing", choices=FRAMINGS, default="soles", help="of the sessions")
    parser.add_argument("--drift", type=float, default=0.0, help="SD of the camera's offset's step a frame, °C")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"(f) {1000 * latency(arguments.network):.0f} ms a frame of 480 x 640, clean mask included")
    if arguments.frames:
        show(
            "(a) single frames", single_frames(arguments.network, arguments.frames, arguments.jobs, arguments.seed)
        )

    people = [(KINDS[number % len(KINDS)], number) for number in range(arguments.sessions)]
    tasks = [
        (kind, number, arguments.network, arguments.seed, arguments.framing, arguments.drift)
        for kind, number in people
    ]
    found = run_parallel(run_session, tasks, arguments.jobs)
    values = pd.DataFrame([row for part, _, _ in found for row in part])
    outcomes = pd.DataFrame([row for _, part, _ in found for row in part])
    flags = pd.DataFrame([row for _, _, part in found for row in part])

    values["covered"] = values.error.abs() <= Z95 * values.se
    grouped = values.groupby(["what", "region", "method"], sort=False)
    errors = grouped.agg(
        n=("error", "size"),
        bias=("error", "mean"),
        sd=("error", "std"),
        p95=("error", lambda error: error.abs().quantile(0.95)),
        stated_se=("se", "median"),
        coverage=("covered", "mean"),
    )
    show("(b, c) error of temperatures, °C, and coverage of 95 % intervals", errors)
    by_domain = values[(values.region == WHOLE_SOLE) & (values.what != "right - left")]
    show(
        "(b) whole sole by domain",
        by_domain.groupby(["what", "domain", "method"]).agg(
            bias=("error", "mean"),
            sd=("error", "std"),
            p95=("error", lambda e: e.abs().quantile(0.95)),
            coverage=("covered", "mean"),
        ),
    )
    rates = [
        {"flag": flag, "minute": minute, "method": method,
         "earned": int(part.earned.sum()), "sensitivity": part.flagged[part.earned].mean(),
         "not earned": int((~part.earned).sum()), "specificity": 1 - part.flagged[~part.earned].mean()}
        for (flag, minute, method), part in flags.groupby(["flag", "minute", "method"], sort=False)
    ]  # fmt: skip
    show("(d) flags against the true curves", pd.DataFrame(rates).set_index(["flag", "minute", "method"]))
    warm = flags.groupby(["flag", "kind", "method", "minute"]).flagged.mean().unstack("minute")
    show("(d) share flagged, by kind of session (warming: of all soles)", warm)
    show(
        "(e) frames",
        outcomes.groupby("method").agg(
            frames=("ok", "size"),
            measured=("ok", "sum"),
            soles=("soles", "sum"),
            without_numbers=("ok", lambda ok: (~ok).sum()),
            with_cautions=("cautious", "sum"),
            side_swaps=("swapped", "sum"),
            silent_failures=("silent", "sum"),
        ),
    )
    show(
        "(e) yield and cautions on good frames, by domain",
        outcomes.groupby(["method", "domain"]).agg(
            yield_=("ok", "mean"), good=("good", "mean"), cautious=("cautious", "mean")
        ),
    )
    good = outcomes[outcomes.good]
    show("(e) share of good frames with a caution", good.groupby("method").cautious.mean().to_frame())
    show(
        "(e) why frames have no numbers",
        outcomes[~outcomes.ok].groupby(["method", "status"]).size().to_frame("frames"),
    )


if __name__ == "__main__":
    main()
