"""Regions drawn on the baseline of a session whose frames are files, and what became of them."""

from __future__ import annotations

from pathlib import Path

from prismseg.base import ConfigError
from prismseg.thermal.anatomy import SIDES
from prismseg.thermal.regions.drawn import DrawnRegions
from prismseg.thermal.regions.files import picture_name, read_drawn_regions
from prismseg.thermal.sessions.session import Session
from prismseg.thermal.sessions.timing import SessionPlan

# Share of a region's pixels beside the soles from which it is told.
_BESIDE = 0.005


def read_drawn_on_baseline(path: str | Path, plan: SessionPlan) -> DrawnRegions:
    """Read regions that were drawn on t0: the last frame at or before 0 min that could be read.

    Parameters
    ----------
    path : str or Path
        As `prismseg.thermal.read_drawn_regions` takes it.
    plan : SessionPlan
        The session's files.

    Raises
    ------
    ConfigError
        When there is no such frame, the drawing names another one, or as `read_drawn_regions` raises it.
    """
    before = [file for file in plan.files if file.frame is not None and (file.minute or 0.0) <= 0]
    if not before:
        raise ConfigError(
            f"The regions in {path} are to be carried from t0, and no frame at or before 0 min could be read."
        )
    baseline, named = before[-1], picture_name(path)
    others = {file.path.stem for file in plan.files} - {baseline.path.stem}
    if named is not None and Path(named).stem in others:
        raise ConfigError(
            f"The regions in {path} were drawn on {Path(named).name}, and t0 is {baseline.path.name}. Draw them on t0: "
            "changes are those since then."
        )
    assert baseline.frame is not None  # only frames that were read are asked
    return read_drawn_regions(path, baseline.frame.size, str(baseline.path))


def describe_drawn(session: Session) -> list[str]:
    """Say of drawn regions what was left out, in a sentence each: frames without them, pixels beside the soles."""
    drawn = session.drawn
    if drawn is None:
        return []
    name = Path(drawn.source).name
    entry = next((entry for entry in session.measured if entry.source == drawn.source), None)
    if entry is None:
        return [f"The drawn regions ({', '.join(drawn.names)}) were not measured: {name} has no numbers."]
    sentences = []
    for region, shares in drawn.shares(entry.territories).items():
        beside = 1 - sum(shares.values())
        if not any(shares.values()):
            sentences.append(f"The region {region!r} was not measured: it lies on no sole of {name}.")
        elif beside >= _BESIDE:
            sentences.append(
                f"Of the region {region!r} {beside:.0%} lies beside the soles of {name} and is left out."
            )
    earlier = sum(entry.source != drawn.source and entry.minute <= 0 for entry in session.measured)
    if earlier:
        sentences.append(f"Drawn regions have no numbers before {name} (frames: {earlier}).")
    without = [
        Path(entry.source).name
        for entry in session.measured
        if entry.minute > 0 and any(side in entry.estimates and side not in entry.territories for side in SIDES)
    ]
    if without:
        sentences.append(f"Drawn regions could not be carried to a sole of {', '.join(without)}.")
    return sentences
