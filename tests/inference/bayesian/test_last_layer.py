"""The posterior of the last layer against autograd, integrals and evidence, and away from the data."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch import nn

from prismseg.base import ConfigError, DataError, ModelError
from prismseg.data import Preprocess, open_dataset
from prismseg.inference import BayesianPredictor, Predictor
from prismseg.inference.bayesian.last_layer import (
    INFLATIONS,
    LastLayer,
    choose_precision,
    curvature_of,
    draw_head,
    fit_last_layer,
    held_out_loss,
)
from prismseg.inference.bayesian.maps import maps_of_draws
from prismseg.inference.margins import fingerprint
from prismseg.nets import ARCHITECTURES, SegmentationModel, create_model


class Features(SegmentationModel):
    """Two fixed features of each pixel, its value and that it is above 1/2, before a 1×1 head."""

    stride = 1

    def __init__(self, settings):
        super().__init__(settings)
        self.head = nn.Conv2d(2, settings.classes, 1)

    def segment(self, x):
        return self.head(torch.cat([x, (x > 0.5).float()], 1))


def predictor_of(classes=1):
    with ARCHITECTURES.temporarily("two-features", Features):
        network = create_model("two-features", classes=classes, seed=1)
    with torch.no_grad():
        network.head.weight.mul_(3)
    names = ["background", "a", "b"][: max(classes, 2)]
    network.metadata = {"classes": names, "preprocess": Preprocess((6, 5), 1, "unit").to_dict()}
    return Predictor(network)


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("p0", "p1", "p2"):
        np.save(tmp_path / f"{name}.npy", rng.integers(0, 256, (6, 5), np.uint8))
        np.save(tmp_path / f"{name}_mask.npy", rng.integers(0, 2, (6, 5), np.uint8))
    return open_dataset(tmp_path)


@pytest.mark.parametrize("classes", [1, 3])
def test_the_curvature_is_autograds(classes):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, 4, 3, 3, generator=generator, dtype=torch.float64)
    target = torch.randint(0, max(classes, 2), (2, 3, 3), generator=generator)
    start = torch.randn(classes, 5, generator=generator, dtype=torch.float64)

    def loss(weights):
        logits = torch.einsum("bdhw,kd->bkhw", features, weights[:, :4]) + weights[:, 4, None, None]
        if classes == 1:
            return nn.functional.binary_cross_entropy_with_logits(logits[:, 0], target.double(), reduction="sum")
        return nn.functional.cross_entropy(logits, target, reduction="sum")

    hessian = torch.autograd.functional.hessian(loss, start)
    blocks = torch.stack([hessian[k, :, k, :] for k in range(classes)])
    logits = torch.einsum("bdhw,kd->bkhw", features, start[:, :4]) + start[:, 4, None, None]
    p = torch.sigmoid(logits) if classes == 1 else torch.softmax(logits, 1)
    torch.testing.assert_close(curvature_of(features, p), blocks)


def test_the_prior_has_the_largest_evidence():
    generator = torch.Generator().manual_seed(0)
    roots = torch.randn(2, 6, 4, generator=generator, dtype=torch.float64)
    curvature, weights = roots.mT @ roots, torch.randn(2, 4, generator=generator)

    def log_evidence(precision):
        sign = torch.linalg.slogdet(curvature + precision * torch.eye(4, dtype=torch.float64)).logabsdet
        return float(8 / 2 * np.log(precision) - precision / 2 * weights.square().sum() - sign.sum() / 2)

    best = choose_precision(curvature, weights)
    tried = best * np.geomspace(0.01, 100, 81)
    assert max(tried, key=log_evidence) == pytest.approx(best, rel=0.07)
    with pytest.raises(ModelError, match="learnt nothing"):
        choose_precision(curvature, torch.zeros(2, 4))


def test_covariance_and_variance_by_hand(data):
    predictor = predictor_of()
    fitted = fit_last_layer(predictor, data, [0, 1])
    x = torch.stack([predictor.preprocess.image_tensor(data[i].image) for i in (0, 1)])
    phi = torch.cat([x, (x > 0.5).float(), torch.ones_like(x)], 1).double()
    p = torch.sigmoid(predictor.model(x)).double().detach()
    rows, weights = phi.permute(0, 2, 3, 1).reshape(-1, 3), (p * (1 - p)).reshape(-1)
    covariance = torch.linalg.inv(rows.T @ (rows * weights[:, None]) + fitted.precision * torch.eye(3).double())
    torch.testing.assert_close(
        (fitted.factors[0] @ fitted.factors[0].T).double(), covariance, rtol=1e-4, atol=1e-5
    )
    by_hand = torch.einsum("nd,de,ne->n", rows, covariance, rows)
    found = fitted.variance(torch.cat([x, (x > 0.5).float()], 1)).permute(0, 2, 3, 1).reshape(-1)
    torch.testing.assert_close(found.double(), by_hand, rtol=1e-4, atol=1e-5)
    assert "no case was left" in fitted.notes[0].lower() and fitted.inflation == 1


def test_variance_grows_away_from_the_data(data):
    predictor = predictor_of()
    fitted = fit_last_layer(predictor, data, [0, 1, 2])
    inside = fitted.variance(torch.full((1, 2, 1, 1), 0.5)).item()
    for distance in (2.0, 4.0, 8.0):
        outside = fitted.variance(torch.full((1, 2, 1, 1), 0.5 + distance)).item()
        assert outside > inside
        inside = outside


def test_the_mean_over_draws_is_the_integral_over_the_posterior(data):
    predictor = predictor_of()
    fitted = fit_last_layer(predictor, data, [0, 1, 2])
    image = data[0].image
    draws, weights = draw_head(fitted, predictor, image)
    maps = maps_of_draws(draws, weights)
    x = predictor.preprocess.image_tensor(image)[None]
    logit = predictor.model(x)[0, 0, 2, 3].item()
    spread = fitted.variance(torch.cat([x, (x > 0.5).float()], 1))[0, 0, 2, 3].sqrt().item()
    exact = integrate.quad(lambda z: stats.norm.pdf(z) / (1 + np.exp(-logit - spread * z)), -9, 9)[0]
    assert maps.probabilities[1, 2, 3] == pytest.approx(exact, abs=1e-4)
    second = integrate.quad(lambda z: stats.norm.pdf(z) / (1 + np.exp(-logit - spread * z)) ** 2, -9, 9)[0]
    assert maps.variance[1, 2, 3] == pytest.approx(second - exact**2, abs=1e-4)
    plain = predictor(image).probabilities
    assert np.abs(maps.probabilities - 0.5).max() < np.abs(plain - 0.5).max(), (
        "unsure of its weights, nearer to 1/2"
    )


def test_the_inflation_is_the_best_of_those_tried_for_cases_left_out(data):
    predictor = predictor_of()
    fitted = fit_last_layer(predictor, data, [0, 1], [2])
    loss = held_out_loss(fitted, predictor, data, [2])
    # The masks are noise, so a network that is sure is wrong: it pays to doubt the weights.
    assert fitted.inflation > 1
    for inflation in INFLATIONS:
        other = replace(fitted, inflation=inflation)
        assert held_out_loss(other, predictor, data, [2]) >= loss
    control = replace(fitted, inflation=1e-9)
    assert held_out_loss(control, predictor, data, [2]) > loss + 0.02


def test_three_classes_and_their_file(data, tmp_path):
    predictor = predictor_of(classes=3)
    fitted = fit_last_layer(predictor, data.with_classes(["background", "foreground"]), [0, 1, 2])
    assert fitted.factors.shape == (3, 3, 3)
    fitted.save(tmp_path)
    maps = BayesianPredictor(predictor, "last-layer", tmp_path)(data[0].image)
    assert maps.probabilities.shape == (3, 6, 5) and (maps.mutual_information > 0).all()
    np.testing.assert_allclose(maps.probabilities.sum(0), 1, rtol=1e-5)
    (tmp_path / "last-layer.safetensors").write_bytes(b"no")
    with pytest.raises(ModelError, match="damaged"):
        LastLayer.load(tmp_path)


def test_what_has_no_posterior_is_told(data, tmp_path):
    fcn = create_model("fcn", width=0.25, seed=0)
    fcn.metadata = {"classes": ["background", "a"], "preprocess": Preprocess((32, 32), 1, "unit").to_dict()}
    with pytest.raises(ModelError, match="unet and resunet have one"):
        fit_last_layer(Predictor(fcn), data, [0])
    with pytest.raises(DataError, match="no training case"):
        fit_last_layer(predictor_of(), data, [])
    with pytest.raises(ModelError, match="prismseg uncertainty RUN"):
        BayesianPredictor(predictor_of(), "last-layer")
    with pytest.raises(ModelError, match="prismseg ensemble"):
        BayesianPredictor(predictor_of(), "ensemble")
    with pytest.raises(ConfigError, match="last-layer"):
        BayesianPredictor(predictor_of(), "lastlayer")
    other = fit_last_layer(predictor_of(), data, [0])
    changed = predictor_of()
    with torch.no_grad():
        changed.model.head.bias.add_(1)
    assert fingerprint(changed) != other.network
    with pytest.raises(ConfigError, match="another network"):
        other.draw(changed, data[0].image)
