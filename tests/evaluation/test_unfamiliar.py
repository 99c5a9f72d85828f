"""Foreign images: how they are made, AUROC against scikit-learn, and uncertainties that must and must not pass."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from prismseg.base import DataError
from prismseg.evaluation.networks import EvaluatedNetwork
from prismseg.evaluation.unfamiliar import SCORES, UnfamiliarCheck, auroc, check_unfamiliar, foreign_images


class Images(list):
    """A data set of images of its own names."""

    @property
    def ids(self):
        return [f"c{number}" for number in range(len(self))]


def images(count=6, seed=0):
    """Ramps from dark to bright, of other slopes."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(40, 160, 24)[:, None, None] * rng.uniform(0.8, 1.2, (count, 1, 1, 1)) + np.zeros((1, 16, 1))
    return Images(SimpleNamespace(image=each.astype(np.uint8)) for each in ramp)


def roughness(image):
    """How far an image is from a ramp: it grows with noise, and is 0 for a blank image."""
    return float(np.abs(np.diff(image.astype(float)[..., 0], axis=1)).mean())


def asked(score):
    """Draws whose scores are `score` of the image."""

    def ask(image):
        value = np.full((2, 2), score(image))
        return SimpleNamespace(entropy=value, mutual_information=value, variance=np.stack([value, value]))

    return ask


def network(cases):
    def predict(image):
        p = min(0.5, roughness(image) / 500)
        return SimpleNamespace(probabilities=np.stack([np.full((2, 2), 1 - p), np.full((2, 2), p)]))

    return EvaluatedNetwork(predict, cases)


def check(score, others=None, networks=None, **settings):
    networks = networks or [network((0, 1, 2, 3, 4, 5))]
    found = check_unfamiliar(
        networks,
        images(),
        UnfamiliarCheck("test", [asked(score)] * len(networks), others or {}, **settings),
        show_progress=False,
    )
    return found, {row["kind"]: row for row in found.summary()}


@pytest.mark.parametrize("seed", range(3))
def test_auroc_is_scikit_learns_with_ties(seed):
    rng = np.random.default_rng(seed)
    foreign, own = rng.integers(0, 6, 30), rng.integers(0, 5, 40)
    expected = roc_auc_score([1] * 30 + [0] * 40, [*foreign, *own])
    assert auroc(foreign, own) == pytest.approx(expected)
    assert auroc([1, 1], [1]) == 0.5


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_foreign_images_are_like_the_own_one_and_the_same_each_time(dtype):
    image = (np.linspace(20, 90, 40 * 50 * 3).reshape(40, 50, 3) * [1, 2, 0.5]).astype(dtype)
    made = {(kind, strength): other for kind, strength, other in foreign_images(image, "a")}
    assert all(other.dtype == dtype and other.shape == image.shape for other in made.values())
    np.testing.assert_allclose(made["noise", 0].mean((0, 1)), image.mean((0, 1)), rtol=0.05)
    np.testing.assert_allclose(made["noise", 0].std((0, 1)), image.std((0, 1)), rtol=0.1)
    assert np.ptp(made["blank", 0], axis=(0, 1)).tolist() == [0, 0, 0]
    added = [np.abs(made["own + noise", s].astype(float) - image).mean() for s in (0.5, 1, 2)]
    assert added == sorted(added) and added[0] > 0
    again = {(kind, strength): other for kind, strength, other in foreign_images(image, "a")}
    assert all(np.array_equal(made[key], again[key]) for key in made)
    assert not np.array_equal(made["noise", 0], {(k, s): o for k, s, o in foreign_images(image, "b")}["noise", 0])


def test_an_uncertainty_that_grows_with_the_distance_finds_noise_and_is_aware():
    found, rows = check(roughness)
    assert rows["noise"]["entropy"] == rows["noise"]["variance"] == rows["noise"]["network"] == 1
    assert all(rows["distance"][score] == 1 for score in SCORES)
    assert rows["noise"]["n"] == rows["distance"]["n"] == found.own == 6


def test_controls_that_must_not_pass():
    _, sure = check(lambda image: -roughness(image))
    assert sure["noise"]["entropy"] == 0 and sure["distance"]["variance"] == -1
    assert sure["noise"]["network"] == 1  # the network itself is asked apart
    _, blind = check(lambda image: 0.3)
    assert blind["noise"]["entropy"] == blind["blank"]["entropy"] == 0.5 and blind["distance"]["entropy"] == 0
    # Blank images are as smooth as the own ones: what looks at noise alone does not find them.
    assert check(roughness)[1]["blank"]["entropy"] == 0.5


def test_other_data_sets_are_shared_out_among_networks(tmp_path):
    calls = []
    networks = [network((0, 1, 2)), network(()), network((3, 4, 5))]
    asks = [lambda image, n=n: (calls.append((n, image.shape)), asked(roughness)(image))[1] for n in range(3)]
    others = [tmp_path / f"t{number}.png" for number in range(5)]
    for path in others:
        Image.fromarray(np.zeros((9, 9), np.uint8)).save(path)
    found = check_unfamiliar(
        networks, images(), UnfamiliarCheck("test", asks, {"tiles": others}, most=4), show_progress=False
    )
    rows = {row["kind"]: row for row in found.summary()}
    assert rows["tiles"]["n"] == 4 and found.own == 4
    assert [n for n, shape in calls if shape == (9, 9, 1)] == [0, 2, 0, 2]
    with pytest.raises(DataError, match="there are 1 of these; evaluate more cases"):
        check(roughness, networks=[network((2,))])
