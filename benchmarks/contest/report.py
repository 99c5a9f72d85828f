"""The report of the contest: a page of Markdown with its tables, the tables as CSV, and the curves."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from contest.methods import METHODS
from contest.methods.method import Method
from contest.plan import AXES, DOUBLE, EQUAL, OWN
from contest.tables import (
    POINT,
    Contest,
    best_peer,
    compare,
    compare_over_sets,
    doubling,
    flatness,
    mean_facts,
    score,
    shared_sets,
)
from prismseg.base import atomic_path, make_folder, read_text, write_text
from prismseg.evaluation.statistics.methods import METHODS as SEVERAL_SEEDS
from prismseg.evaluation.statistics.paired import TWO_NETWORKS
from prismseg.evaluation.statistics.wording import show_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

HEADING = "## The contest: which tool from 20 to 300 images?"
_SIZES = ("20", "40", "80", "all")
_EFFORTS = {
    OWN: "Each method by its own recipe",
    EQUAL: "At equal seconds of training",
    DOUBLE: "Trained twice as long",
}
_FLAT = 0.01  # of Dice; a mean rise below it counts as flat


def write_report(contest: Contest, folder: Path, *, command: str, origins: Sequence[str], budget: float) -> Path:
    """Write ``contest.md``, ``cases.csv``, ``scores.csv``, ``differences.csv``, ``curves.csv`` and ``curves.png``."""
    make_folder(folder)
    scores, differences = score_table(contest), difference_table(contest)
    tables = {
        "cases": contest.cases, "scores": scores, "differences": differences, "curves": contest.curves,
        "facts": contest.facts,
    }  # fmt: skip
    for name, table in tables.items():
        write_text(folder / f"{name}.csv", table.to_csv(index=False))
    if not contest.curves.empty:
        draw_curves(contest, folder / "curves.png")
    return write_text(folder / "contest.md", page(contest, command=command, origins=origins, budget=budget))


def score_table(contest: Contest) -> pd.DataFrame:
    """Scores of all complete points, with what they cost."""
    facts = {name: mean_facts(contest, name) for name in ("images", "seconds", "steps", "prediction_seconds")}
    rows = [
        dict(zip(POINT, point, strict=True))
        | score(contest, point)
        | {name: found[point] for name, found in facts.items()}
        for point in _ordered(contest.complete)
    ]
    return pd.DataFrame(rows)


def difference_table(contest: Contest) -> pd.DataFrame:
    """Differences of our methods to every peer, by set and over the sets."""
    rows: list[dict[str, Any]] = []
    for effort, images, ours, theirs in _pairs(contest):
        for data in shared_sets(contest, effort, images, ours, theirs):
            found = compare(contest, (effort, images, data, ours), (effort, images, data, theirs))
            rows.append({"effort": effort, "images": images, "data": data, "ours": ours, "peer": theirs, **found})
        mean = compare_over_sets(contest, effort, images, ours, theirs)
        if mean is not None:
            rows.append(
                {
                    "effort": effort, "images": images, "data": "(all)", "ours": ours, "peer": theirs,
                    "difference": mean.difference, "ci_low": mean.low, "ci_high": mean.high,
                    "n": mean.sets, "better": mean.better,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def page(
    contest: Contest, *, command: str, origins: Sequence[str], budget: float, curves: str = "curves.png"
) -> str:
    """Write the whole report in Markdown, beginning with its heading; `curves` is the picture it links to."""
    text = [
        HEADING,
        f"```\n{command}\n```",
        "Every method learns from the same images of the same folds (training sizes are nested), brought to the same "
        "size, and is tested on the fold's other groups at the images' own size. Mean Dice over classes and cases; in "
        "brackets 95 % intervals over groups, or the range of groups where there are fewer than 6.",
        _method_lines(contest),
    ]
    for effort in (OWN, EQUAL):
        if any(point[0] == effort for point in contest.complete):
            heading = _EFFORTS[effort] + (f" ({budget:g} s)" if effort == EQUAL else "")
            text += [f"### {heading}", _score_lines(contest, effort), _over_sets_lines(contest, effort)]
    text += [_cost_lines(contest), _curve_lines(contest, curves), _missing_lines(contest)]
    text.append("Made with " + "; ".join(origins) + "." if origins else "")
    return "\n\n".join(part for part in text if part) + "\n"


def write_section(contest: Contest, path: Path, **facts: Any) -> None:
    """Put the report into a page of the documentation, with its picture in ``figures/`` beside it."""
    picture = make_folder(path.parent / "figures") / "contest-curves.png"
    if not contest.curves.empty:
        draw_curves(contest, picture)
    replace_section(path, page(contest, **facts, curves=f"{picture.parent.name}/{picture.name}"))


def replace_section(path: Path, section: str) -> None:
    """Put a section into a page, in place of the one with the heading of the contest, or at the end."""
    text = read_text(path)
    found = re.search(rf"^{re.escape(HEADING)}$.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    body = section.rstrip("\n") + "\n"
    if found is None:
        write_text(path, f"{text.rstrip()}\n\n{body}")
        return
    after = text[found.end() :]
    write_text(path, text[: found.start()] + body + (f"\n{after}" if after else ""))


def draw_curves(contest: Contest, path: Path) -> None:
    """Draw the mean curve of each method on each data set, by training size; trainings of their own length."""
    import matplotlib.pyplot as plt

    figure = plot_curves(contest)
    if figure is None:
        return
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")
    plt.close(figure)


def plot_curves(contest: Contest) -> Figure | None:
    """Plot the curves, a method in the same colour in all panels; None where there are none."""
    import matplotlib.pyplot as plt

    chosen = contest.curves[(contest.curves["measure"] == "watched") & (contest.curves["effort"] == OWN)]
    sets, sizes = list(dict.fromkeys(chosen["data"])), [size for size in _SIZES if size in set(chosen["images"])]
    if not sets:
        return None
    names = [name for name in METHODS if name in set(chosen["method"])]
    # Later lines are thinner, so that two that are the same are both seen.
    widths = np.linspace(3.5, 1.2, len(names))
    figure, axes = plt.subplots(
        len(sizes), len(sets), figsize=(3 * len(sets), 2.4 * len(sizes)), squeeze=False, layout="constrained"
    )
    drawn: dict[str, Line2D] = {}
    for (images, data), axis in zip(product(sizes, sets), axes.flat, strict=True):
        part = chosen[(chosen["images"] == images) & (chosen["data"] == data)]
        if part.empty:
            axis.set_axis_off()
            continue
        for number, name in enumerate(names):
            mean = part[part["method"] == name].groupby("x")["value"].mean()
            if len(mean):
                [drawn[name]] = axis.plot(mean.index, mean, color=f"C{number}", linewidth=widths[number])
        axis.set(title=f"{data}, {images}", xlabel="steps", ylim=(0, 1))
    handles = [drawn[name] for name in names]
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    return figure


def _method_lines(contest: Contest) -> str:
    names = [name for name in METHODS if any(point[3] == name for point in contest.complete)]
    return "\n".join(f"- **{name}**: {METHODS.summary(name)}. {describe_recipe(METHODS[name])}." for name in names)


def describe_recipe(method: Method) -> str:
    """Say what a method does, and which of its choices competes."""
    if len(method.choices) == 1:
        return method.recipe
    chosen, meaning = next(iter(method.choices.items()))
    return f"{method.recipe}. Of {len(method.choices)} choices (`--tune`) competes “{chosen}”: {meaning}"


def _score_lines(contest: Contest, effort: str) -> str:
    """A row for each data set and size, a column for each method; the highest is bold, what is missing says why."""
    points = [point for point in contest.complete if point[0] == effort]
    reasons = {point: reason for point, reason in contest.missing if point[0] == effort}
    names = [name for name in METHODS if any(point[3] == name for point in [*points, *reasons])]
    images = mean_facts(contest, "images")
    rows = []
    for size in _SIZES:
        sets = sorted({point[2] for point in [*points, *reasons] if point[1] == size})
        for data in sets:
            found = {
                name: score(contest, (effort, size, data, name))
                for name in names
                if (effort, size, data, name) in contest.complete
            }
            if not found:
                continue
            best = max(each["mean"] for each in found.values())
            cells = []
            for name in names:
                if name in found:
                    text = f"{found[name]['mean']:.3f}"
                    text = f"**{text}**" if found[name]["mean"] == best else text
                    cells.append(f"{text} ({show_interval(found[name])})")
                else:
                    cells.append(reasons.get((effort, size, data, name), "takes longer"))
            count = next(images[effort, size, data, name] for name in found)
            groups = next(iter(found.values()))["n_groups"]
            rows.append([data, f"{count:.0f}", str(groups), *cells])
    return _table(["data", "images", "groups tested", *names], rows)


def _over_sets_lines(contest: Contest, effort: str) -> str:
    """Mean differences over the sets: our methods against each peer, the best peer marked."""
    rows = []
    for how, images, ours, theirs in _pairs(contest):
        found = compare_over_sets(contest, effort, images, ours, theirs) if how == effort else None
        if found is None:
            continue
        mark = " (best peer)" if best_peer(contest, effort, images, ours) == theirs else ""
        ends = "–" if found.low != found.low else f"{found.low:+.3f} – {found.high:+.3f}"
        rows.append(
            [images, ours, f"{theirs}{mark}", f"{found.difference:+.3f}", ends, f"{found.better} of {found.sets}"]
        )
    if not rows:
        return ""
    several = _seeds(contest) > 1
    return "\n\n".join(
        [
            "Paired differences, averaged over the data sets that both have in full, each set counting alike; the "
            "interval is over the groups within these sets. The best peer is chosen by these very numbers, which "
            "flatters it. " + (SEVERAL_SEEDS if several else TWO_NETWORKS),
            _table(["images", "method", "minus", "difference", "95 % CI", "sets in which better"], rows),
        ]
    )


def _cost_lines(contest: Contest) -> str:
    seconds, steps, predictions = (
        mean_facts(contest, name) for name in ("seconds", "steps", "prediction_seconds")
    )
    rows = []
    for name in METHODS:
        points = [point for point in contest.complete if point[0] == OWN and point[3] == name]
        if points:
            rows.append(
                [
                    name,
                    _range([seconds[point] for point in points], ".0f"),
                    _range([steps[point] for point in points], ".0f"),
                    _range([predictions[point] for point in points], ".2f"),
                ]
            )
    if not rows:
        return ""
    heading = "### What it costs (own recipes; least and most over sets and sizes)"
    return f"{heading}\n\n" + _table(
        ["method", "seconds of training, one core", "steps", "seconds a prediction"], rows
    )


def _curve_lines(contest: Contest, picture: str) -> str:
    found = flatness(contest)
    if found.empty:
        return ""
    gains = {(images, method): mean for images, method, mean in doubling(contest)}
    rows = []
    for row in found.to_dict("records"):
        gain = gains.get((row["images"], row["method"]))
        more = "not run" if gain is None else f"{gain.difference:+.3f} ({gain.sets} sets, one fold)"
        flat = "flat" if row["rise"] < _FLAT else "still rises"
        rows.append([row["images"], row["method"], f"{row['rise']:+.3f}", f"{row['highest']:+.3f}", flat, more])
    return "\n\n".join(
        [
            "### Are the curves flat?",
            "Dice on up to eight images that are not learnt from (spare ones of the training part; test images where all "
            "are learnt from), in sixteen points; nothing is chosen by them. Rise: mean of the last quarter minus that "
            f"of the third; below {_FLAT} the curve counts as flat. Since rates fall towards the end, a flat end proves "
            "little alone: beside it stands what twice the steps gain on the test images.",
            _table(["images", "method", "rise, mean", "rise, highest cell", "", "gain of twice the steps"], rows),
            f"![Curves of all methods by data set and training size]({picture})",
        ]
    )


def _missing_lines(contest: Contest) -> str:
    if not contest.missing:
        return "### Missing cells\n\nNone: every cell of the plan is done."
    rows = Counter((effort, images, method, reason) for (effort, images, _, method), reason in contest.missing)
    names: dict[tuple[str, ...], list[str]] = {}
    for (effort, images, data, method), reason in contest.missing:
        names.setdefault((effort, images, method, reason), []).append(data)
    lines = [
        [effort, images, method, ", ".join(names[effort, images, method, why]), why]
        for effort, images, method, why in rows
    ]
    return "### Missing cells\n\n" + _table(["effort", "images", "method", "data", "why"], lines)


def _pairs(contest: Contest) -> list[tuple[str, str, str, str]]:
    """Effort, size, our method, peer: all that have anything in common."""
    found = {(point[0], point[1]) for point in contest.complete}
    return [
        (effort, images, ours, theirs)
        for effort in (OWN, EQUAL)
        for images in _SIZES
        if (effort, images) in found
        for ours in METHODS
        if METHODS[ours].ours
        for theirs in METHODS
        if not METHODS[theirs].ours and shared_sets(contest, effort, images, ours, theirs)
    ]


def _ordered(points: set[tuple[str, ...]]) -> list[tuple[str, ...]]:
    methods, efforts = list(METHODS), list(_EFFORTS)
    return sorted(
        points,
        key=lambda point: (efforts.index(point[0]), _SIZES.index(point[1]), point[2], methods.index(point[3])),
    )


def _seeds(contest: Contest) -> int:
    return int(contest.cases["seed"].nunique()) if AXES[-1] in contest.cases else 0


def _range(values: Sequence[float], form: str) -> str:
    ends = [format(end, form) for end in (min(values), max(values))]
    return ends[0] if ends[0] == ends[1] else " – ".join(ends)


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
