"""The closed-form head beside scikit-learn, and the choice of images by hand."""

import gzip
import struct

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.linear_model import Ridge as SklearnRidge
from sklearn.metrics import f1_score

from prismseg.base import ConfigError, DataError
from prismseg.study import KINDS
from prismseg.study.kinds.fashion.frozen import FrozenFeatures
from prismseg.study.kinds.fashion.ridge import fit_ridge
from prismseg.study.kinds.fashion.run import classification_measures, nested_subset, run_fashion
from prismseg.study.kinds.fashion.settings import FashionSettings, FrozenSettings


def problem(count, width, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.normal(2.0, 1.0, (count, width)) * np.linspace(0.2, 2, width)
    targets = features @ rng.normal(0, 1, (width, 3)) + rng.normal(0, 2.0, (count, 3)) + 5
    return torch.from_numpy(features), torch.from_numpy(targets)


@pytest.mark.parametrize(("count", "width"), [(40, 8), (12, 30)])
def test_the_ridge_is_scikit_learns(count, width):
    """More images than features (X'X in batches) and fewer (XX')."""
    x, y = problem(count, width)
    head = fit_ridge(zip(x.split(7), y.split(7), strict=True), count, penalty=3.7)
    wanted = SklearnRidge(alpha=3.7).fit(x.numpy(), y.numpy())
    np.testing.assert_allclose(head(x).numpy(), wanted.predict(x.numpy()), atol=1e-9)


@pytest.mark.parametrize(("count", "width"), [(40, 8), (12, 30)])
def test_the_penalty_maximises_the_marginal_likelihood(count, width):
    """Beside the density of a multivariate normal over a grid of penalties and noises."""
    x, y = problem(count, width)
    head = fit_ridge([(x, y)], count)
    centre = np.eye(count)[1:] - 1 / count
    basis = np.linalg.qr(centre.T)[0].T  # coordinates in which the mean is integrated out
    kernel = basis @ x.numpy() @ x.numpy().T @ basis.T
    targets = (basis @ y.numpy()).T

    def evidence(penalty):
        covariance = np.eye(count - 1) + kernel / penalty
        noise = np.mean([t @ np.linalg.solve(covariance, t) for t in targets]) / (count - 1)
        return np.mean(
            [stats.multivariate_normal.logpdf(t, np.zeros(count - 1), noise * covariance) for t in targets]
        )

    at_best = evidence(head.penalty)
    assert head.log_evidence == pytest.approx(at_best, rel=1e-6)
    for factor in (0.5, 0.9, 1.1, 2.0):
        assert evidence(head.penalty * factor) < at_best


def test_nothing_to_fit_is_an_error():
    ones = torch.ones(5, 3, dtype=torch.float64)
    with pytest.raises(DataError, match="same features"):
        fit_ridge([(ones, torch.randn(5, 2).double())], 5)
    with pytest.raises(DataError, match="at least two images"):
        fit_ridge([], 1)


def test_features_are_those_of_the_layer():
    images = torch.rand(20, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    frozen = FrozenFeatures(FrozenSettings(patch=3, filters=8, grid=2), images, torch.Generator().manual_seed(1))
    mapped = frozen.layer(images)
    assert mapped.shape == (20, 8, 10, 10)
    by_hand = torch.stack(
        [mapped[:, :, r : r + 5, c : c + 5].mean((2, 3)) for r in (0, 5) for c in (0, 5)], dim=2
    ).flatten(1)
    torch.testing.assert_close(frozen(images), by_hand)
    with pytest.raises(ConfigError, match="choose a smaller grid"):
        FrozenFeatures(FrozenSettings(grid=11, patch=3), images, torch.Generator())


def test_subsets_are_nested_and_balanced():
    labels = np.random.default_rng(0).integers(0, 5, 500)
    small, large = nested_subset(labels, 33, seed=2), nested_subset(labels, 120, seed=2)
    np.testing.assert_array_equal(large[:33], small)
    assert len(set(large)) == 120 and set(np.bincount(labels[large])) == {24}
    assert not np.array_equal(small, nested_subset(labels, 33, seed=3))
    with pytest.raises(ConfigError, match="only 500"):
        nested_subset(labels, 501, seed=0)


def test_measures_by_hand():
    found = classification_measures(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
    assert found["accuracy"] == 0.75 and found["recall"] == 0.75
    assert found["precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["f1"] == pytest.approx(f1_score([0, 0, 1, 1], [0, 1, 1, 1], average="macro"))


@pytest.fixture
def tiny(tmp_path):
    """Two kinds of pictures as the four files of Fashion-MNIST: stripes that lie and stripes that stand."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 60), ("t10k", 40)):
        labels = np.arange(count) % 2
        stripes = np.tile(np.where(np.arange(28) % 4 < 2, 200, 30), (28, 1))
        images = np.stack([stripes if label else stripes.T for label in labels]) + rng.integers(
            0, 50, (count, 28, 28)
        )
        data = {
            "images-idx3": (struct.pack(">4I", 2051, count, 28, 28), images),
            "labels-idx1": (struct.pack(">2I", 2049, count), labels),
        }
        for name, (head, values) in data.items():
            with gzip.open(tmp_path / f"{part}-{name}-ubyte.gz", "wb") as file:
                file.write(head + values.astype(np.uint8).tobytes())
    return tmp_path


@pytest.mark.parametrize("method", ["cnn", "crffg", "cnn+rff", "frozen"])
def test_every_method_tells_stripes_apart_and_repeats_itself(method, tiny, tmp_path):
    frozen = FrozenSettings(filters=16, grid=3)
    settings = FashionSettings(
        method=method, images=20, folder=tiny, epochs=1, fewest_steps=8, batch_size=10, frozen=frozen
    )
    (tmp_path / "a").mkdir()
    first, second = (run_fashion(settings, tmp_path / "a") for _ in range(2))
    assert first.equals(second)
    assert first.set_index("measure").loc["accuracy", "value"] >= (0.95 if method == "frozen" else 0.5)
    assert (tmp_path / "a" / "predictions.csv").is_file()


def test_absent_data_say_where_they_come_from(tmp_path):
    with pytest.raises(DataError, match="dataset-fashion-mnist"):
        run_fashion(FashionSettings(folder=tmp_path / "none"), tmp_path)
    with pytest.raises(ConfigError, match="no preset 'thesis'"):
        KINDS["fashion"].check({"method": "frozen", "preset": "thesis"})
