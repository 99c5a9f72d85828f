"""Each tutorial runs from top to bottom, and what it computes is right."""

import pytest

from tests.docs.pages import PICTURE, ROOT, run_page

TUTORIALS = ROOT / "docs" / "tutorials"


@pytest.fixture
def tutorial(tmp_path, monkeypatch):
    """Run a tutorial in an empty folder; give its names, and see that it has drawn the pictures that it shows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")

    def run(name):
        page = TUTORIALS / name
        names = run_page(page)
        shown = PICTURE.findall(page.read_text())
        assert shown and all((tmp_path / picture).is_file() for picture in shown)
        assert all((TUTORIALS / "pictures" / picture).is_file() for picture in shown)
        return names

    return run


# On an idle machine each takes half a minute.
pytestmark = pytest.mark.timeout(900)


def test_own_data(tutorial):
    names = tutorial("own-data.md")
    assert names["dice"]["cell"] > 0.85 and names["dice"]["nucleus"] > 0.85
    assert "0 errors" in names["output"] and "range of groups, no CI" in names["output"]
    prediction, truth = names["prediction"].mask, names["truth"]
    assert (prediction == truth).mean() > 0.95
    share = names["rho"]
    assert share["layercam"].iloc[-1] > 0.7  # the last layer redraws the prediction
    assert share["random"].max() < 0.2  # and noise finds no nucleus


def test_layer(tutorial):
    names = tutorial("layer.md")
    for kernel, values in names["error"].items():
        # 16 to 4096 features: the error falls by a factor of 16, but for chance.
        assert 8 < values[0] / values[-1] < 32, kernel
    assert names["maps"].shape == (1, 24, 120, 160)
    assert names["maps"].detach().square().mean().sqrt().item() == pytest.approx(1, abs=0.1)
    assert names["reports"]["default"].ok
    assert names["reports"]["thesis"].gradient_ratio == pytest.approx((2 / 64) ** 4.5, rel=0.5)
    assert names["accuracy"] > 0.95


def test_explain_a_network(tutorial):
    names = tutorial("explain-a-network.md")
    assert min(names["dice"]) > 0.9
    disc, strip = names["table"][names["last"]]
    assert disc > 0.9 and strip < 0.05  # the last layer redraws the prediction
    assert names["table"][names["deep"]][1] > 1.3 * names["area"][1]  # a deep one looks at the strip
    assert min(names["turned"]) > 0.9  # and the strip alone decides
    assert names["enhanced"](names["images"]).shape == (16, 3, 48, 48)


def test_thermal_session(tutorial):
    names = tutorial("thermal-session.md")
    for side in ("left", "right"):
        true_change = names["truth"][f"{side}_celsius"] - names["truth"].loc[0, f"{side}_celsius"]
        measured = names["whole"].loc[side]["delta"]
        assert (measured - true_change).abs().max() < 0.2
    assert names["output"].count(", held") >= 11
    assert "The rise is clear" in names["output"]
    refused = [line for line in names["output"].splitlines() if "no numbers" in line]
    assert len(refused) == 1 and refused[0].startswith("10 min") and "left sole was not found" in refused[0]


def test_thermal_figures(tutorial):
    names = tutorial("thermal-figures.md")
    regions = names["shown"].set_index(["region", "minute"])
    assert regions.loc[("scar", 0), "pixels"] > 100 and regions.loc[("scar", 20), "delta"] > 1
    assert names["sessions"]["session"].tolist() == ["S01", "S02"] and (names["sessions"]["measured"] > 3).all()
    assert "toe warming" in names["output"] and "Page: review.html" in names["output"]


def test_cluster(tutorial):
    names = tutorial("cluster.md")
    row = names["comparison"].iloc[0]
    assert row["role"] == "primary" and (row["n_groups"], row["n_seeds"]) == (6, 2)
    means = names["dice"].groupby("skip")["value"].mean()
    assert row["difference"] == pytest.approx(means["crffg"] - means["none"], abs=1e-9)
    assert row["ci_low"] < 0 < row["ci_high"]  # twenty steps decide nothing
    assert names["output"].count("8 done") == 2
