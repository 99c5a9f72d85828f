"""Rows of the spectrum study: bands before and after training, and means over layers."""

import numpy as np
import pandas as pd
import pytest

from prismseg.study.kinds.spectrum.run import MEASURES, run_spectrum
from prismseg.study.kinds.spectrum.settings import SpectrumSettings


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    root = tmp_path_factory.mktemp("spectrum")
    patch = pytest.MonkeyPatch()
    patch.chdir(root)
    try:
        return run_spectrum(SpectrumSettings(sessions=3, steps=1, size=32, width=0.25, bands=2), root / "work")
    finally:
        patch.undo()


def test_bands_and_layers(rows):
    assert set(MEASURES) <= set(rows["measure"])
    drops = rows[rows["measure"] == "rho_drop"]
    assert set(drops["class"]) == {"band 1", "band 2"}
    assert set(drops["layer"]) == {*(f"skips.{number}" for number in range(4)), "(mean)"}
    for _, part in drops.groupby(["case", "class"]):
        by_layer = part.set_index("layer")["value"]
        assert by_layer["(mean)"] == pytest.approx(by_layer.drop("(mean)").mean())
    scales = rows[rows["measure"].isin(["length_scale", "length_scale_before"])].groupby("layer")["value"]
    assert (scales.nunique() == 2).all()  # a step was taken
    assert not pd.isna(rows["value"]).all() and np.isfinite(drops["value"]).all()
