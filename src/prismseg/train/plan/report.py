"""A plan in sentences."""

from __future__ import annotations

from typing import Any

from prismseg.train.plan.fingerprint import Fingerprint
from prismseg.train.plan.plan import Plan

_NO = "none"


def describe_data(data: Fingerprint) -> list[str]:
    """Sentences about what was found in the data."""
    looked = "" if data.sampled == data.labelled else f"; {data.sampled} of them were looked at"
    masks = "" if data.labelled == data.images else f", {data.labelled} with a mask"
    lines = [
        f"{data.images} images{masks} of {data.groups} group{'s' * (data.groups != 1)}{looked}. {data.channels} "
        f"channel{'s' * (data.channels != 1)}, {data.depth}; {_range(data.heights)} x {_range(data.widths)} pixels."
    ]
    for each in data.classes:
        if each.thickness is None:
            lines.append(f"Class {each.name}: in none of the images that were looked at.")
            continue
        lines.append(
            f"Class {each.name}: {each.share:.1%} of the pixels, in {each.presence:.0%} of the images, {each.objects:g} "
            f"piece{'s' * (each.objects != 1)} of {each.object_area:g} pixels each; a tenth of its area is thinner than "
            f"{each.thickness:.1f} pixels."
        )
    return lines


def describe_plan(plan: Plan) -> list[str]:
    """Sentences about what was chosen, and why."""
    return [f"{each.setting} {_shown(each.value)}: {each.reason}." for each in plan.decisions]


def describe_time(plan: Plan) -> str:
    """Say about how long the run takes."""
    if plan.resources.measured is not None:
        return f"Training takes about {spoken_time(plan.seconds())} here, by the speed of its first steps."
    where = "one GPU" if plan.resources.device == "cuda" else _cores(plan.resources.cores)
    return f"Training takes about {spoken_time(plan.seconds())} on {where}, right to a factor of 3."


def spoken_time(seconds: float) -> str:
    """Say a time in its largest unit.

    Examples
    --------
    >>> spoken_time(0.2), spoken_time(44), spoken_time(400), spoken_time(9000)
    ('1 second', '44 seconds', '7 minutes', '2.5 hours')
    """
    seconds = max(seconds, 1.0)
    if seconds < 90:
        return f"{seconds:.0f} second{'s' * (round(seconds) != 1)}"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def _cores(count: int) -> str:
    return f"{count} core{'s' * (count != 1)}"


def _range(values: tuple[int, int, int]) -> str:
    low, middle, high = values
    return str(low) if low == high else f"{low} to {high} (median {middle})"


def _shown(value: Any) -> str:
    if value is None:
        return _NO
    if isinstance(value, tuple):
        return " x ".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.3g}" if isinstance(value, float) else str(value)
