"""Several measured sessions in one table, from the folders that `prismseg.thermal.write_session` wrote."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from prismseg.base import ConfigError, DataError, read_json
from prismseg.thermal.anatomy import SIDES, WHOLE_SOLE

_FILES = ("session.json", "curves.csv", "frames.csv")
_CURVES = ["minute", "source", "status", "side", "region", "mean", "delta", "delta_low", "delta_high"]
_FRAMES = ["minute", "status", "cautions"]
# Minutes by which a frame may be earlier or later than the minute that is asked for.
NEAR = 1.0


def find_results(sources: Sequence[str | Path]) -> list[Path]:
    """Find the folders of measured sessions: those named, and the folders directly in the others.

    Parameters
    ----------
    sources : sequence of str or Path
        Folders.

    Raises
    ------
    DataError
        When a source does not exist or holds no session.
    """
    found: list[Path] = []
    for source in map(Path, sources):
        inside = sorted(path for path in source.iterdir() if path.is_dir()) if source.is_dir() else []
        sessions = [path for path in (source, *inside) if (path / _FILES[0]).is_file()]
        if not sessions:
            raise DataError(
                f"There is no measured session in {source}; name the --out folders of `prismseg thermal measure`."
            )
        found.extend(sessions)
    return list(dict.fromkeys(path.resolve() for path in found))


def summarize_sessions(
    folders: Sequence[str | Path], *, minutes: Sequence[float] = (5, 10, 15, 20), region: str = WHOLE_SOLE
) -> pd.DataFrame:
    """Put sessions into one table, a row for each.

    Parameters
    ----------
    folders : sequence of str or Path
        From `find_results`.
    minutes : sequence of float
        At which changes are given, from the nearest measured frame within 1 min.
    region : str
        Whose changes.

    Returns
    -------
    DataFrame
        Columns: session (the folder), frames, measured, cautions (measured frames that have one), first_minute,
        last_minute; for each side baseline (°C), the changes with 95 % intervals ``delta_SIDE_10min``, ``…_low``,
        ``…_high``, the largest change and its minute, and the last change; then the flags but for those of quality, and
        what the sessions were measured with. Empty where there is no number.

    Raises
    ------
    DataError
        When a folder is no measured session, or damaged.
    ConfigError
        When the region was measured in none of them.

    Examples
    --------
    >>> from prismseg.thermal import Session, write_session
    >>> from prismseg.thermal.phantom import draw_subject
    >>> session, subject = Session(regions=[]), draw_subject(seed=5, number=0)
    >>> for minute in (0, 10):
    ...     frame = subject.frame_at(minute)
    ...     entry = session.add(frame.celsius, frame.mask, minute=minute, source=f"t{minute}")
    >>> _ = write_session(session, "sessions/S01")
    >>> table = summarize_sessions(find_results(["sessions"]), minutes=[10])
    >>> table.session.tolist(), table.measured.tolist(), bool(table.delta_left_10min[0] > 2)
    (['S01'], [2], True)
    """
    paths = [Path(folder) for folder in folders]
    read = [(path, *_read(path)) for path in paths]
    known = list(dict.fromkeys(name for _, _, curves, _ in read for name in curves.region.unique()))
    if region not in known:
        raise ConfigError(f"No session has a region {region!r}; choose one of {', '.join(known)}.")
    names = _names(paths)
    rows = [
        _row(name, facts, curves[curves.region == region], frames, minutes)
        for name, (_, facts, curves, frames) in zip(names, read, strict=True)
    ]
    return pd.DataFrame(rows)


def differing_conditions(table: pd.DataFrame) -> list[str]:
    """Name what the sessions of a table were measured with that is not the same in all of them."""
    columns = ("software", "view", "template", "soles_by", "thresholds")
    return [column for column in columns if column in table and table[column].nunique(dropna=False) > 1]


def _read(folder: Path) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise DataError(f"{folder} lacks {', '.join(missing)}; measure it again.")
    facts = read_json(folder / _FILES[0])
    tables = []
    for name, columns in ((_FILES[1], _CURVES), (_FILES[2], _FRAMES)):
        try:
            tables.append(pd.read_csv(folder / name, usecols=columns, keep_default_na=True))
        except (ValueError, OSError) as error:
            raise DataError(f"{folder / name} is no table of a session; measure it again.") from error
    if not isinstance(facts, dict) or not isinstance(facts.get("flags"), list):
        raise DataError(f"{folder / _FILES[0]} is no record of a session; measure it again.")
    return facts, tables[0], tables[1]


def _names(paths: Sequence[Path]) -> list[str]:
    """Names of the folders, with those above them where names are equal."""
    short = [path.name for path in paths]
    return [path.name if short.count(path.name) == 1 else f"{path.parent.name}/{path.name}" for path in paths]


def _row(
    name: str, facts: dict[str, Any], curves: pd.DataFrame, frames: pd.DataFrame, minutes: Sequence[float]
) -> dict[str, Any]:
    measured = frames[frames.status == "measured"]
    row: dict[str, Any] = {
        "session": name,
        "frames": len(frames),
        "measured": len(measured),
        "cautions": int(measured.cautions.notna().sum()),
        "first_minute": measured.minute.min(),
        "last_minute": measured.minute.max(),
    }
    for side in SIDES:
        row |= _side_columns(side, curves[curves.side == side].sort_values("minute"), minutes)
    row["flags"] = "; ".join(_flag_text(flag) for flag in facts["flags"] if flag.get("name") != "quality")
    for fact in ("software", "view", "template"):
        row[fact] = facts.get(fact)
    row["soles_by"] = facts.get("network", facts.get("soles_by"))
    row["thresholds"] = (
        repr(sorted(facts["settings"].items())) if isinstance(facts.get("settings"), dict) else None
    )
    return row


def _side_columns(side: str, curve: pd.DataFrame, minutes: Sequence[float]) -> dict[str, Any]:
    # t0 is the only frame whose change is 0 without an error.
    baseline = curve[(curve.delta == 0) & (curve.delta_low == 0) & (curve.delta_high == 0) & (curve.minute <= 0)]
    later = curve[curve.delta.notna() & (curve.minute > 0)]
    columns: dict[str, Any] = {f"baseline_{side}": baseline["mean"].iloc[-1] if len(baseline) else math.nan}
    for minute in minutes:
        near = later[(later.minute - minute).abs() <= NEAR]
        chosen = None if near.empty else near.iloc[int((near.minute - minute).abs().argmin())]
        for suffix, column in (("", "delta"), ("_low", "delta_low"), ("_high", "delta_high")):
            columns[f"delta_{side}_{minute:g}min{suffix}"] = math.nan if chosen is None else chosen[column]
    largest = None if later.empty else later.iloc[int(later.delta.argmax())]
    columns[f"largest_{side}"] = math.nan if largest is None else largest.delta
    columns[f"largest_{side}_minute"] = math.nan if largest is None else largest.minute
    columns[f"last_{side}"] = math.nan if later.empty else later.delta.iloc[-1]
    return columns


def _flag_text(flag: dict[str, Any]) -> str:
    side = f" {flag['side']}" if flag.get("side") else ""
    level = f" ({flag['level']})" if flag.get("level") in ("clear", "unconfirmed") else ""
    when = flag.get("minutes") or []
    return f"{flag.get('name')}{side}{level}" + (f" from {min(when):g} min" if when else "")
