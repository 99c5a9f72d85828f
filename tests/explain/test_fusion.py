import numpy as np
import pytest
import torch

from prismseg.base import ConfigError, DataError
from prismseg.explain.atlas import Atlas
from prismseg.explain.fusion import BETAS, _measure_fused, cross_fit, fit_weights, folds, scale_to_unit
from prismseg.explain.measures.masks import SUMS
from prismseg.explain.measures.sums import Axes, MapSums
from prismseg.nets import create_model
from tests.explain.conftest import scene


def two_layers(inside, groups=None, area=2.0):
    """Cases of 4 pixels, one class: two layers with total 1, highest 1 and the given sums inside, (n, 2)."""
    inside = np.asarray(inside, float)
    count = len(inside)
    sums = np.zeros((count, 1, 2, 1, len(SUMS)))
    sums[..., SUMS.index("total")] = 1
    sums[..., SUMS.index("highest")] = 1
    sums[:, 0, :, 0, SUMS.index("inside")] = inside
    plane = np.full((count, 1), area)
    return MapSums(
        axes=Axes(("layercam",), ("good", "bad"), ("foot",)),
        ids=tuple(map(str, range(count))),
        groups=tuple(groups or map(str, range(count))),
        sums=sums,
        perturbed=np.zeros((count, 1, 2, 1, 0)),
        residual=np.full((count, 1, 1), np.nan),
        area=plane,
        band=plane,
        region=plane,
        hit=plane,
        pixels=np.full(count, 4.0),
    )


def test_weights_by_hand():
    """rho is 1 and 0, so the best beta is the largest: weights 1 and e^-64, and D' = 2 / (1 + 2)."""
    fitted = fit_weights(two_layers([[1, 0], [1, 0]]), "layercam")
    assert fitted.betas.tolist() == [max(BETAS)]
    np.testing.assert_allclose(fitted.weights[:, 0], [1 / (1 + np.exp(-64)), np.exp(-64)], rtol=1e-6)
    single = fit_weights(two_layers([[1, 0]]), "layercam", betas=[1.0])
    np.testing.assert_allclose(single.weights[:, 0], [np.e / (1 + np.e), 1 / (1 + np.e)])


def test_thesis_weights_by_hand():
    """w = a / m = 1/2 and 1/4; softmax of w / max w = (1, 1/2): nearly flat, as the method notes say."""
    fitted = fit_weights(two_layers([[1, 0.5], [1, 0.5]]), "layercam", "thesis")
    np.testing.assert_allclose(fitted.weights[:, 0], [np.exp(0.5) / (np.exp(0.5) + 1), 1 / (np.exp(0.5) + 1)])
    assert np.isnan(fitted.betas).all()


def test_equal_layers_have_equal_weights_and_beta_zero():
    fitted = fit_weights(two_layers([[0.5, 0.5]]), "layercam")
    assert fitted.betas.tolist() == [0] and fitted.weights[:, 0].tolist() == [0.5, 0.5]


def test_a_class_that_no_case_has():
    fitted = fit_weights(two_layers([[0, 0]], area=0), "layercam")
    assert fitted.weights[:, 0].tolist() == [0.5, 0.5] and np.isnan(fitted.betas[0])


def test_cross_fit_by_hand_and_without_leaks():
    """Where patient b alone has evidence in the other layer, its maps are fused by the weights of the others."""
    cases = two_layers([[1, 0], [1, 0], [0, 1]], groups=["a", "c", "b"])
    table = cross_fit(cases, "layercam").set_index("group")
    assert table.loc["b", "rho"] == pytest.approx(np.exp(-64), abs=1e-9)
    for fitted, judged in folds(cases):
        assert not {cases.groups[i] for i in fitted} & {cases.groups[i] for i in judged}
    assert sorted(i for _, judged in folds(cases) for i in judged) == [0, 1, 2]
    with pytest.raises(DataError, match="two are needed"):
        cross_fit(two_layers([[1, 0], [1, 0]], groups="aa"), "layercam")


def test_unknown_method_and_mode():
    with pytest.raises(ConfigError, match="no maps of 'gradcam'"):
        fit_weights(two_layers([[1, 0]]), "gradcam")
    with pytest.raises(ConfigError, match="mode"):
        fit_weights(two_layers([[1, 0]]), "layercam", "best")


@pytest.mark.parametrize("region", ["truth", "prediction"])
def test_fused_measures_are_those_of_fused_maps(region):
    """Measures taken from sums alone equal those of the fused map itself, with coarse layers and ignored pixels."""
    torch.manual_seed(0)
    model = create_model("unet", width=0.5)
    images, masks = scene(4)
    masks[:, 3:9, 20:30] = 255
    atlas = Atlas(model, ["encoder.*.first.0", "bottleneck*", "decoder.3.second.0"], ["layercam"], region)
    atlas.update(images, masks)
    cases = atlas.sums()
    fitted = fit_weights(cases, "layercam")
    valid = masks != 255
    fused = fitted.fuse(atlas.maps(images, masks), [0, 1], valid)
    assert set(fused) == {0, 1} and fused[1].shape == (4, 32, 32)
    unit = cases.relevance(0).normalized("map")
    for cls in (0, 1):
        by_sums = _measure_fused(unit, fitted.weights[:, cls], cls)
        mask = (masks == cls).double()
        values = fused[cls].double() * valid
        inside, total = (values * mask).sum((1, 2)), values.sum((1, 2))
        np.testing.assert_allclose(
            by_sums["cam_dice"], 2 * inside / (total + mask.sum((1, 2))), rtol=1e-4, atol=1e-6
        )
        np.testing.assert_allclose(by_sums["rho"], inside / total, rtol=1e-4, atol=1e-6)


def test_scale_to_unit():
    maps = torch.tensor([[[1.0, 3.0]], [[2.0, 2.0]]])
    assert scale_to_unit(maps).tolist() == [[[0, 1]], [[0, 0]]]
    valid = torch.tensor([[[True, True, False]]])
    assert scale_to_unit(torch.tensor([[[1.0, 3.0, 9.0]]]), valid).tolist() == [
        [[0, 1, 1]]
    ]  # the third is not valid


def test_table():
    table = fit_weights(two_layers([[1, 0]]), "layercam").table()
    assert table.columns.tolist() == ["method", "mode", "layer", "class", "weight", "beta"]
    assert table["weight"].sum() == pytest.approx(1)
