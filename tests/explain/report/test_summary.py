import numpy as np
import pytest

from prismseg.evaluation import SHARE, mean_interval
from prismseg.explain.measures.masks import SUMS
from prismseg.explain.measures.sums import Axes, MapSums
from prismseg.explain.report.summary import MEAN_LAYER, case_table, summarize_layers


@pytest.fixture
def cases():
    """Four cases of two patients, two layers, two classes of 10 and 30 of 40 pixels; class b is absent once."""
    rng = np.random.default_rng(0)
    sums = rng.uniform(1, 2, (4, 1, 2, 2, len(SUMS)))
    sums[..., SUMS.index("inside")] = sums[..., SUMS.index("total")] * rng.uniform(0, 1, (4, 1, 2, 2))
    sums[..., SUMS.index("border")] = sums[..., SUMS.index("total")] * rng.uniform(0, 1, (4, 1, 2, 2))
    for share in ("lowest", "pointing", "rank"):
        sums[..., SUMS.index(share)] -= 1
    sums[..., SUMS.index("on_region")] = sums[..., SUMS.index("inside")]
    sums[..., SUMS.index("lowest")] = 0
    sums[1, 0, 0, 0] = 0  # a map that is zero everywhere
    sums[3, 0, :, 1, SUMS.index("inside")] = 0
    area = np.tile([10.0, 30.0], (4, 1))
    area[3, 1] = 0
    return MapSums(
        axes=Axes(("gradcam",), ("first", "second"), ("a", "b")),
        ids=("1", "2", "3", "4"),
        groups=("p", "p", "q", "q"),
        sums=sums,
        perturbed=np.zeros((4, 1, 2, 2, 0)),
        residual=np.full((4, 1, 2), np.nan),
        area=area,
        band=area,
        region=area,
        hit=area,
        pixels=np.full(4, 40.0),
    )


def cell(table, layer, cls, measure, normalization="none"):
    rows = table.query(
        "layer == @layer and `class` == @cls and measure == @measure and normalization == @normalization"
    )
    assert len(rows) == 1
    return rows.iloc[0]


def test_means_and_intervals(cases):
    table = summarize_layers(cases)
    total, inside = (cases.sums[:, 0, :, :, SUMS.index(name)] for name in ("total", "inside"))
    rho = np.divide(inside, total, out=np.zeros_like(total), where=total > 0)
    row = cell(table, "first", "a", "rho")
    assert row["mean"] == pytest.approx(rho[:, 0, 0].mean())
    groups = rho[:2, 0, 0].mean(), rho[2:, 0, 0].mean()
    assert (row["range_low"], row["range_high"]) == pytest.approx((min(groups), max(groups)))
    assert np.isnan([row["ci_low"], row["ci_high"]]).all(), "two patients have no interval"
    assert (row["n"], row["n_groups"], row["n_empty"], row["n_absent"]) == (4, 2, 1, 0)
    row = cell(table, "second", "b", "rho")
    assert row["mean"] == pytest.approx(rho[:3, 1, 1].mean())  # the case without the class is left out
    groups = rho[:2, 1, 1].mean(), rho[2, 1, 1]
    assert (row["range_low"], row["range_high"]) == pytest.approx((min(groups), max(groups)))
    assert (row["n"], row["n_absent"]) == (3, 1)


def test_mean_over_layers_is_taken_case_by_case(cases):
    table = summarize_layers(cases)
    total, inside = (cases.sums[:, 0, :, :, SUMS.index(name)] for name in ("total", "inside"))
    rho = np.divide(inside, total, out=np.zeros_like(total), where=total > 0).mean(1)
    row = cell(table, MEAN_LAYER, "a", "rho")
    assert row["mean"] == pytest.approx(rho[:, 0].mean())
    groups = rho[:2, 0].mean(), rho[2:, 0].mean()
    assert (row["range_low"], row["range_high"]) == pytest.approx((min(groups), max(groups)))
    assert row["n_empty"] == 0  # the other layer's map is not zero


def test_varrho_is_relative_to_the_best_class(cases):
    table = summarize_layers(cases)
    per_mask = {
        (layer, cls): cell(table, layer, cls, "varrho_prime")["mean"]
        for layer in ("first", "second")
        for cls in "ab"
    }
    shares = []
    for layer in ("first", "second"):
        best = max(per_mask[layer, "a"], per_mask[layer, "b"])
        row = cell(table, layer, "b", "varrho")
        assert row["mean"] == pytest.approx(per_mask[layer, "b"] / best)
        assert np.isnan(row["ci_low"]) and row["range_low"] <= row["range_high"]
        shares.append(row["mean"])
    assert cell(table, MEAN_LAYER, "b", "varrho")["mean"] == pytest.approx(np.mean(shares))


def test_layer_normalisation_uses_one_value_a_layer(cases):
    table = case_table(cases)
    highest = cases.sums[:, 0, 0, :, SUMS.index("highest")].max()
    row = cell(summarize_layers(cases), "first", "a", "varrho_prime", "layer")
    inside = cases.sums[:, 0, 0, 0, SUMS.index("inside")]
    assert row["mean"] == pytest.approx((inside / highest / 10).mean())
    assert len(table) == 4 * 2 * 2
    assert table["empty"].sum() == 1 and table["absent"].sum() == 2


def test_one_patient_has_no_interval(cases):
    table = summarize_layers(cases.take([0, 1]))
    assert table[["ci_low", "ci_high"]].isna().all().all() and table["mean"].notna().all()


def test_every_row_names_its_normalisation(cases):
    table = summarize_layers(cases)
    assert set(table["normalization"]) == {"none", "map", "layer"}
    assert not table.duplicated(["method", "layer", "class", "measure", "normalization"]).any()


def test_eight_patients_have_intervals_as_for_columns_of_their_own(cases):
    """One case a patient: the interval of a measure is that of its values; that of varrho surrounds it."""
    many = eight_patients(cases)
    table = summarize_layers(many)
    total, inside = (many.sums[:, 0, :, :, SUMS.index(name)] for name in ("total", "inside"))
    rho = np.divide(inside, total, out=np.zeros_like(total), where=total > 0)
    row = cell(table, "first", "a", "rho")
    interval = mean_interval(rho[:, 0, 0], many.groups, bounds=SHARE)
    assert interval.kind == "interval" and row["n_groups"] == 8
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((interval.low, interval.high))
    assert np.isnan(row["range_low"])
    row = cell(table, "first", "b", "varrho")
    assert row["ci_low"] < row["mean"] < row["ci_high"] and np.isnan(row["range_low"])
    few = cell(table, "first", "b", "rho")
    assert few["n"] == few["n_groups"] == 6 and np.isfinite(few["ci_low"]), "two have no class b"


def eight_patients(cases):
    rng = np.random.default_rng(1)
    sums = np.concatenate([cases.sums, cases.sums]) * rng.uniform(0.8, 1.0, (8, 1, 1, 1, 1))
    inside, total = SUMS.index("inside"), SUMS.index("total")
    sums[..., inside] *= rng.uniform(0.5, 1, sums.shape[:-1])
    assert (sums[..., inside] <= sums[..., total]).all()
    area = np.concatenate([cases.area, cases.area])
    names = tuple("12345678")
    return MapSums(
        axes=cases.axes, ids=names, groups=names, sums=sums, perturbed=np.zeros((8, 1, 2, 2, 0)),
        residual=np.full((8, 1, 2), np.nan), area=area, band=area, region=area, hit=area, pixels=np.full(8, 40.0),
    )  # fmt: skip
