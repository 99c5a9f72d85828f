"""Every number of a session as a tidy table."""

from __future__ import annotations

from typing import IO, Any

import pandas as pd

from prismseg.monitor.records import Report

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def tidy(report: Report) -> pd.DataFrame:
    """One row for each capture, side and region, with all that it depends on; column names are in English.

    Text that a spreadsheet would take for a formula is led by an apostrophe.
    """
    rows = []
    table = report.session.table()
    per_entry = len(table) // max(len(report.captures), 1)
    for number, (_, row) in enumerate(table.iterrows()):
        facts = report.captures[number // per_entry]
        rows.append(
            {
                "code": report.details.code,
                "session": report.id,
                "capture": facts.number,
                "taken_at": facts.taken_at.isoformat(timespec="milliseconds"),
                **{str(name): value for name, value in row.items() if name != "source"},
                "pain": facts.remarks.pain,
                "cold_left": facts.remarks.cold_left,
                "cold_right": facts.remarks.cold_right,
                "note": facts.remarks.note,
                "mask_origin": facts.mask_origin,
                "edited_by": facts.edited_by,
                "camera": str(facts.camera),
                "view": facts.view,
                **{f"camera_{name}": value for name, value in facts.parameters.items()},
                "frame_sha256": facts.sha256,
                "application": report.provenance.application,
                "model": report.provenance.model,
                "model_sha256": report.provenance.model_hash,
                "template": report.provenance.template_hash,
            }
        )
    return pd.DataFrame(rows).map(harmless)


def write_csv(report: Report, target: IO[bytes]) -> None:
    """Write `tidy` as CSV in UTF-8, with a mark by which Excel knows it."""
    target.write(tidy(report).to_csv(index=False).encode("utf-8-sig"))


def harmless(value: Any) -> Any:
    """Keep a spreadsheet from taking text for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_DANGEROUS) else value
