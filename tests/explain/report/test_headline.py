"""The headline of an explanation, worked out by hand."""

import pandas as pd

from prismseg.explain.report.headline import REDRAWS, headline
from prismseg.explain.report.summary import MEAN_LAYER


def tables(region_share, area=0.25):
    """Tables of one class: rho of single layers .2 .8 and, of a layer that acts pixel by pixel, 1."""
    common = {"method": "layercam", "region": "prediction", "class": "foot"}
    layers = {"a": 0.2, "b": 0.8, "head": 1.0, MEAN_LAYER: 2 / 3}
    summary = pd.DataFrame([{**common, "measure": "rho", "layer": k, "mean": v} for k, v in layers.items()])
    fused = {"rho": 0.7, "lift": 2.8, "rho_excess": -0.1, "region_share": region_share, "cam_dice": 0.5}
    rows = [{**common, "mode": "rho", "measure": k, "mean": v, "n": 4, "n_groups": 2} for k, v in fused.items()]
    return headline(
        pd.DataFrame(rows), summary, {"foot": area}, method="layercam", region="prediction", without=["head"]
    ).iloc[0]


def test_headline_by_hand():
    row = tables(0.5)
    assert (row["rho"], row["lift"], row["area"], row["n"]) == (0.7, 2.8, 0.25, 4)
    assert (row["lowest_layer"], row["lowest"], row["highest_layer"], row["highest"]) == ("a", 0.2, "b", 0.8)
    assert not row["redraws"] and tables(REDRAWS)["redraws"]
