"""Runs of the kinds of uncertainty share their trainings, and say the same of the same."""

import numpy as np

from prismseg.study.kinds.uncertainty.run import MEASURES, run_uncertainty
from prismseg.study.kinds.uncertainty.settings import UncertaintySettings


def test_runs_share_trainings_and_differ_in_what_is_asked(tmp_path):
    tables = {}
    for by in ("single", "last-layer"):
        settings = UncertaintySettings(by=by, patients=3, others=1, steps=2, size=32, width=0.25)
        work = tmp_path / "runs" / by / "work"
        work.mkdir(parents=True)
        tables[by] = run_uncertainty(settings, work)
    (shared,) = (path for path in (tmp_path / "shared").iterdir())
    assert (shared / "cv" / "fold-0" / "uncertainty" / "last-layer.json").is_file()
    for table in tables.values():
        assert set(MEASURES) <= set(table["measure"])
        per_case = table[table["measure"] == "nll"]
        assert per_case["group"].nunique() == 1 and np.isfinite(table["value"]).all()
    value = {by: table.set_index("measure")["value"] for by, table in tables.items()}
    # A network alone has no draws that could differ, so mutual information tells nothing.
    assert value["single"]["noise_information"] == 0.5 != value["last-layer"]["noise_information"]
