"""Comparing networks: on tables whose differences are known."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from prismseg.base import ConfigError, DataError
from prismseg.evaluation import holm
from prismseg.explain import compare_runs
from prismseg.explain.comparison.tables import compare_explanations, mean_measures, read_explanations
from prismseg.train import train
from tests.conftest import write_discs
from tests.train.conftest import small_config


def explanation(folder, shift, cases=8, **changes):
    """An explanation whose rho is that of the case plus `shift`."""
    folder.mkdir()
    rows = [
        {
            "region": "prediction",
            "case": f"c{case}",
            "group": f"g{case}",
            "method": method,
            "layer": layer,
            "class": "nerve",
            "area": 0.1,
            "empty": False,
            "absent": case == 0,
            "rho": 0.3 + 0.02 * case + shift,
            "rho_excess": 0.02 * case + shift,
            "cam_dice": 0.5,
        }
        | changes
        for case in range(cases)
        for method in ("layercam", "random")
        for layer in ("first", "(fused)")
    ]
    pd.DataFrame(rows).to_csv(folder / "measures.csv", index=False)
    return folder


def test_cases_of_one_name_and_other_pixels_are_not_compared(tmp_path):
    one, other = explanation(tmp_path / "a", 0), explanation(tmp_path / "b", 0)
    for folder, last in ((one, "07"), (other, "ff")):
        pixels = {f"c{case}": f"0{case}" for case in range(7)} | {"c7": last}
        (folder / "explanation.json").write_text(json.dumps({"pixels": pixels}))
    with pytest.raises(
        DataError, match=r"b explains other cases than .*a \(both have one called c7, but with other"
    ):
        compare_runs([one, other], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_runs_of_other_cases_are_refused_before_one_is_explained(discs, tmp_path):
    twin = write_discs(tmp_path / "twin")
    for image in twin.glob("*[0-9].png"):
        Image.fromarray(255 - np.asarray(Image.open(image))).save(image)
    for name, data in (("one", discs), ("other", twin)):
        train(small_config(data), tmp_path / name, show_progress=False)
    with pytest.raises(DataError, match=r"other explains other cases than .*with other pixels"):
        compare_runs([tmp_path / "one", tmp_path / "other"], out=tmp_path / "out")
    assert not (tmp_path / "one" / "explanation").exists()


def test_every_pair_is_compared_and_adjusted_together(tmp_path):
    folders = {name: explanation(tmp_path / name, shift) for name, shift in (("a", 0.2), ("b", 0.1), ("c", 0.0))}
    tables = read_explanations(folders)
    table = compare_explanations(tables)
    assert table[["first", "second"]].drop_duplicates().to_numpy().tolist() == [["a", "b"], ["a", "c"], ["b", "c"]]
    rho = table.query("measure == 'rho' and layer == '(fused)'").set_index(["first", "second"])
    assert rho["difference"].tolist() == pytest.approx([0.1, 0.2, 0.1])
    assert (rho["n"] == 7).all()  # the case without the class is left out
    assert set(table["method"]) == {"layercam"}
    family = table[table["layer"].isin(["(fused)", "(mean)"])]
    np.testing.assert_allclose(family["p_holm"], holm(family["p_value"]))
    assert (family["p_holm"].dropna() >= family["p_value"].dropna()).all()


def test_means_are_those_of_cases_that_have_the_class(tmp_path):
    tables = {"a": pd.read_csv(explanation(tmp_path / "a", 0.2) / "measures.csv")}
    rho = mean_measures(tables).query("measure == 'rho' and method == 'layercam'")
    assert rho["mean"].item() == pytest.approx(0.5 + 0.02 * 4) and rho["n"].item() == 7
    assert rho["layer"].item() == "(fused)"


def test_a_page_of_three(tmp_path):
    folders = [explanation(tmp_path / name, shift) for name, shift in (("a", 0.2), ("b", 0.1), ("c", 0.0))]
    page = compare_runs(folders, out=tmp_path / "out", formats=["svg"])
    text = page.read_text()
    assert "<b>a</b> minus <b>c</b>" in text and "+0.200" in text and "3 networks" in text
    assert {path.name for path in page.parent.iterdir()} == {
        "comparison.html",
        "differences.csv",
        "means.csv",
        "means.svg",
    }


def test_what_cannot_be_compared_is_named_before_anything_is_written(tmp_path):
    one, other = explanation(tmp_path / "a", 0), explanation(tmp_path / "b", 0, cases=5)
    with pytest.raises(DataError, match="b explains other cases than"):
        compare_runs([one, other], out=tmp_path / "out")
    alien = explanation(tmp_path / "c", 0, region="truth")
    with pytest.raises(DataError, match="share no method and region"):
        compare_runs([one, alien], out=tmp_path / "out")
    with pytest.raises(ConfigError, match="named twice"):
        compare_runs([one, one], out=tmp_path / "out")
    with pytest.raises(DataError, match="two or more"):
        compare_runs([one], out=tmp_path / "out")
    from prismseg.base import PrismsegError

    with pytest.raises(PrismsegError, match="nothing-here"):
        compare_runs([one, tmp_path / "nothing-here"], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
