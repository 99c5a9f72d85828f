"""The region as a map: what every measure is worth where a map shows no more than the network's own answer."""

import numpy as np
import pandas as pd
import pytest
import torch

from prismseg.explain import Atlas
from prismseg.explain.fusion import FUSED
from prismseg.explain.registries import NULLS
from prismseg.explain.report.summary import IMAGE_LAYER, MEAN_LAYER, excess_over_nulls
from prismseg.nets import create_model
from tests.explain.conftest import scene


@pytest.fixture(scope="module")
def atlas():
    model = create_model("unet", "none", width=0.25, classes=3, seed=0).eval()
    images, masks = scene(4, classes=3, seed=1)
    masks[0, :3] = 255
    atlas = Atlas(model, ["encoder.0", "decoder.*"], ["hirescam", *NULLS])
    atlas.update(images, masks)
    return atlas, model, images, masks


def test_rho_of_the_region_is_the_precision_of_the_prediction_exactly(atlas):
    atlas, model, images, masks = atlas
    with torch.no_grad():
        pred = model(images).argmax(1)
    valid = masks != 255
    table = atlas.cases().query("method == 'region'")
    assert set(table["layer"]) == {IMAGE_LAYER} and len(table) == 4 * 3
    checked = 0
    for row in table.query("not absent").to_dict("records"):
        case, cls = int(row["case"]), int(row["class"])
        predicted = int(((pred[case] == cls) & valid[case]).sum())
        true = int(((pred[case] == cls) & valid[case] & (masks[case] == cls)).sum())
        if predicted:
            assert row["rho"] == true / predicted  # to the last digit
            assert row["rho_excess"] == 0 and row["region_share"] == 1
            dice = 2 * true / (predicted + int((masks[case] == cls).sum()))
            assert row["cam_dice"] == pytest.approx(dice, abs=1e-12)
            checked += 0 < true < predicted
        else:
            assert row["rho"] == 0 and row["empty"]
    assert checked >= 3


def test_the_region_of_the_whole_image_scores_as_chance(atlas):
    _, model, images, masks = atlas
    atlas = Atlas(model, ["encoder.0"], ["region"], region="image")
    atlas.update(images, masks)
    table = atlas.cases().query("not absent")
    np.testing.assert_allclose(table["lift"], 1)


def test_excess_is_the_mean_of_the_differences_case_by_case(atlas):
    atlas, *_ = atlas
    excess, cases = excess_over_nulls(atlas.sums()), atlas.cases().query("not absent")
    assert set(excess["null"]) == {"random", "region"} and set(excess["method"]) == {"hirescam"}
    ours = cases.query("method == 'hirescam' and layer == 'encoder.0'").set_index(["case", "class"])
    region = cases.query("method == 'region'").set_index(["case", "class"])
    random = cases.query("method == 'random' and layer == 'encoder.0'").set_index(["case", "class"])
    for null, theirs in (("region", region), ("random", random)):
        for measure in ("rho", "cam_dice", "rank_accuracy", "border_lift"):
            expected = (ours[measure] - theirs[measure]).groupby("class").mean()
            rows = excess.query(f"null == '{null}' and measure == '{measure}' and layer == 'encoder.0'")
            rows = rows.drop_duplicates("class").set_index("class")["mean"]
            pd.testing.assert_series_equal(rows, expected, check_names=False)


def test_the_region_is_no_better_than_itself(atlas):
    """The control: a method that redraws the region has no excess over it, whatever the measure."""
    _, model, images, masks = atlas
    from prismseg.explain import METHODS
    from prismseg.explain.maps.method import ImageMethod

    copy = ImageMethod(title="copy", maps=lambda context: 3 * context.regions)
    with METHODS.temporarily("copy", copy):
        atlas = Atlas(model, ["encoder.0", "encoder.1"], ["copy", *NULLS])
        atlas.update(images, masks)
        excess = excess_over_nulls(atlas.sums()).query("null == 'region'")
        assert set(excess["layer"]) == {IMAGE_LAYER, MEAN_LAYER} and FUSED not in set(excess["layer"])
        scale_free = excess[excess["measure"] != "varrho_prime"]
        np.testing.assert_allclose(scale_free["mean"], 0, atol=1e-6)


def test_an_atlas_without_nulls_has_no_excess(atlas):
    _, model, images, masks = atlas
    atlas = Atlas(model, ["encoder.0"], ["gradcam"])
    atlas.update(images, masks)
    assert excess_over_nulls(atlas.sums()).empty
