"""Finished runs whose data, code or version have changed since."""

from __future__ import annotations

from collections.abc import Sequence

from prismseg.study.grid import Run
from prismseg.study.kind import KINDS
from prismseg.study.provenance import Provenance
from prismseg.study.store import Store


def stale_runs(kind: str, store: Store, runs: Sequence[Run]) -> dict[str, list[str]]:
    """Find the finished runs that would have other numbers now, with the reasons, by key."""
    provenance = Provenance(store.root)
    found = {
        run.key: store.stale(run, provenance.of(KINDS[kind], run.settings))
        for run in runs
        if store.state(run) == "done"
    }
    return {key: reasons for key, reasons in found.items() if reasons}
