"""Spectra of layers whose frequencies are known, bounds that nothing exceeds, and a band that carries the mask."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn
from typer.testing import CliRunner

from prismseg.base import ConfigError, DataError, ModelError
from prismseg.cli.main import app
from prismseg.data import Preprocess, open_dataset
from prismseg.evaluation import EvaluatedNetwork
from prismseg.features import CRFFg2d
from prismseg.inference import Predictor
from prismseg.inference.disagreement import pair_dice
from prismseg.nets import ARCHITECTURES, SegmentationModel, create_model, load_model
from prismseg.study.spectrum.ablation import ablate_bands, split_bands, summarize_bands, without_filters
from prismseg.study.spectrum.measures import (
    angular_spectrum,
    convolution_norm,
    effective_rank,
    lipschitz_bound,
    measure_spectrum,
)
from prismseg.study.spectrum.report import write_spectrum
from prismseg.train import train
from tests.train.conftest import small_config


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_untrained_filters_follow_their_kernel_and_stretched_ones_do_not():
    layer = CRFFg2d(8, 256, generator=seeded())
    found = measure_spectrum("layer", layer).scalars
    assert found["length_scale"] == pytest.approx(1, abs=4 * found["length_scale_error"])
    assert found["ks_p"] > 0.01
    assert found["dimension"] == pytest.approx(found["dimension_isotropic"], rel=0.05)
    with torch.no_grad():
        layer.weight.mul_(2)
    stretched = measure_spectrum("layer", layer).scalars
    assert stretched["length_scale"] == pytest.approx(found["length_scale"] / 2) and stretched["ks_p"] < 1e-6
    assert stretched["effective_rank"] == pytest.approx(found["effective_rank"]), "rank knows no size"


def test_the_density_of_norms_lies_on_the_law():
    curves = measure_spectrum("layer", CRFFg2d(4, 4096, kernel="matern32", generator=seeded())).curves
    (x, found), (_, law) = curves["norms"], curves["norms_law"]
    assert np.abs(found - law)[1:-1].max() < 0.15 * law.max() and len(x) == 24


def test_a_kernel_without_a_law_of_norms_has_the_other_measures():
    found = measure_spectrum("layer", CRFFg2d(4, 32, kernel="laplacian_l1", generator=seeded()))
    assert "ks" not in found.scalars and "norms" not in found.curves and found.scalars["effective_rank"] > 10


def test_effective_rank_of_matrices_of_known_rank():
    rng = np.random.default_rng(0)
    thin = rng.normal(size=(40, 3)) @ rng.normal(size=(3, 30))
    assert 1 < effective_rank(thin) <= 3 and effective_rank(np.eye(7)) == pytest.approx(7)
    assert effective_rank(np.zeros((3, 3))) == 0


def test_white_filters_have_no_orientation_and_stripes_have_theirs():
    rng = np.random.default_rng(0)
    assert angular_spectrum(rng.normal(size=(2000, 1, 3, 3)))[1].std() < 0.05
    rows = np.tile(np.array([[1.0], [-1.0], [1.0]]), (1, 1, 1, 3))
    angles, power = angular_spectrum(rows)
    assert abs(angles[power.argmax()] - 90) <= 7.5
    assert power.mean() == pytest.approx(1)


def circular_matrix_norm(filters, size):
    """Norm of the convolution with circular borders, from its matrix."""
    weight = torch.from_numpy(filters)
    basis = torch.eye(filters.shape[1] * size * size, dtype=torch.float64).reshape(
        -1, filters.shape[1], size, size
    )
    border = filters.shape[-1] // 2
    padded = torch.nn.functional.pad(basis, (border,) * 4, mode="circular")
    return float(torch.linalg.matrix_norm(torch.conv2d(padded, weight).flatten(1), 2))


@pytest.mark.parametrize("k", [1, 3, 5])
def test_the_norm_is_an_upper_bound_and_tight(k):
    filters = np.random.default_rng(k).normal(size=(3, 2, k, k))
    exact = circular_matrix_norm(filters, 9)
    bound = convolution_norm(filters)
    assert exact <= bound * (1 + 1e-12) and bound < 1.15 * exact
    assert convolution_norm(filters, 256) <= bound * (1 + 1e-12) and convolution_norm(filters, 256) > bound / 1.05


@pytest.mark.parametrize(
    "changes",
    [{}, {"padding_mode": "zeros"}, {"padding_mode": "replicate"}, {"mapping": "paired"}, {"amplitude": "kernel"}],
)
def test_no_output_changes_more_than_the_bound(changes):
    layer = CRFFg2d(2, 8, normalization="none", scale=0.7, generator=seeded(), **changes).double()
    bound = lipschitz_bound(layer)
    x = torch.randn(1, 2, 7, 7, generator=seeded(1), dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(layer, x).reshape(8 * 49, -1)
    steepest = float(torch.linalg.matrix_norm(jacobian, 2))
    assert steepest <= bound and steepest > bound / 20


class OneFilter(SegmentationModel):
    """Foreground where the feature of its shortest frequency is high; seven other filters that nothing looks at."""

    stride = 1

    def __init__(self, settings):
        super().__init__(settings)
        self.features = CRFFg2d(1, 8, kernel_size=1, normalization="none", amplitude="none")
        self.head = nn.Conv2d(8, 1, 1)

    def segment(self, x):
        return self.head(self.features(x))


@pytest.fixture
def one_filter():
    with ARCHITECTURES.temporarily("one-filter", OneFilter):
        network = create_model("one-filter")
    with torch.no_grad():
        # Images are 0 and 1: cos(omega x + pi) is -1 where they are dark and -cos(3) = .99 where they are bright.
        network.features.weight.copy_(torch.arange(1, 9).reshape(8, 1, 1, 1) * 3.0)
        network.features.set_scale_(network.features.unit)
        network.features.bias.zero_()
        network.features.bias[0] = np.pi
        network.head.weight.zero_()
        network.head.weight[0, 0] = 9.0
        network.head.bias.zero_()
    network.metadata = {
        "classes": ["background", "bright"],
        "preprocess": Preprocess((40, 48), 1, "unit").to_dict(),
    }
    return Predictor(network)


def test_the_band_that_carries_the_mask_is_the_one_that_is_missed(one_filter, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(3):
        disc = np.hypot(*(np.mgrid[:40, :48] - np.array([20 + number, 24])[:, None, None])) < 9
        Image.fromarray((disc * 255).astype(np.uint8)).save(folder / f"p{number}_0.png")
        Image.fromarray(disc.astype(np.uint8)).save(folder / f"p{number}_0_mask.png")
    data = open_dataset(folder, classes=["background", "bright"])
    table = ablate_bands(EvaluatedNetwork(one_filter, (0, 1, 2)), data, bands=4)
    assert [list(band) for band in split_bands(one_filter.model.features, 4)] == [[0, 1], [2, 3], [4, 5], [6, 7]]
    drops = summarize_bands(table).set_index("band")["drop"]
    assert drops[1] > 0.5 and drops[2] == drops[3] == drops[4] == 0
    relevance = summarize_bands(table).set_index("band")["rho_drop"]
    assert relevance[1] > 0.5 and relevance[2] == relevance[3] == relevance[4] == 0
    assert len(table) == 12 and set(table["layer"]) == {"features"}
    # The hook is gone.
    assert pair_dice(one_filter(data[0].image).mask == 1, data[0].mask == 1) == 1
    with pytest.raises(ConfigError, match="--bands"):
        ablate_bands(EvaluatedNetwork(one_filter, (0,)), data, bands=9)


def test_paired_features_go_together():
    layer = CRFFg2d(2, 8, mapping="paired", generator=seeded())
    x = torch.rand(1, 2, 6, 6)
    whole = layer(x)
    with without_filters(layer, np.array([1])):
        part = layer(x)
    changed = [channel for channel in range(8) if not torch.equal(whole[0, channel], part[0, channel])]
    assert changed == [1, 5] and part[0, 1].std() < 1e-6
    torch.testing.assert_close(part.mean((2, 3)), whole.mean((2, 3)))


def test_the_verb_writes_page_and_tables(discs, tmp_path):
    train(small_config(discs), tmp_path / "run", show_progress=False)
    done = CliRunner().invoke(app, ["spectrum", str(tmp_path / "run"), "--bands", "2", "--quiet"])
    assert done.exit_code == 0, done.output
    out = tmp_path / "run" / "spectrum"
    layers = pd.read_csv(out / "layers.csv")
    assert set(layers["state"]) == {"before", "after"} and layers["layer"].nunique() == 4
    before = layers.query("state == 'before' and measure == 'length_scale'")["value"]
    assert before.between(0.7, 1.3).all()
    bands = pd.read_csv(out / "bands.csv")
    assert len(bands) == 8 and (bands["high"] >= bands["low"]).all()
    assert set(pd.read_csv(out / "curves.csv")["curve"]) == {"norms", "norms_law", "radial", "angular", "singular"}
    page = (out / "spectrum.html").read_text()
    assert "What each band is worth" in page and "Angular" in page


def test_networks_without_a_spectrum_or_data_are_told(tmp_path):
    with pytest.raises(ModelError, match="--skip crffg"):
        create_model("unet", width=0.25, seed=0).save_pretrained(tmp_path / "plain")
        write_spectrum(tmp_path / "plain", tmp_path / "out")
    network = create_model("unet", "crffg", width=0.25, seed=0)
    network.save_pretrained(tmp_path / "alone")
    with pytest.raises(DataError, match="--bands 0"):
        write_spectrum(tmp_path / "alone", tmp_path / "out")
    report = write_spectrum(tmp_path / "alone", tmp_path / "out", bands=0)
    assert report.bands is None and any("before training" in note for note in report.notes)
    assert set(report.layers["state"]) == {"after"}


def test_layers_of_few_filters_have_as_many_bands_unless_more_are_asked_for(discs, tmp_path):
    config = small_config(discs)
    config = config.model_copy(update={"model": config.model.model_copy(update={"multiplier": 1, "width": 0.25})})
    train(config, tmp_path / "narrow", show_progress=False)
    few = min(
        len(each.weight)
        for each in load_model(tmp_path / "narrow" / "model").modules()
        if isinstance(each, CRFFg2d)
    )
    assert few == 2
    report = write_spectrum(tmp_path / "narrow", tmp_path / "out", show_progress=False)
    assert report.bands is not None and set(report.bands["band"]) == {1, 2}
    with pytest.raises(ConfigError, match="make 2 bands, not 4"):
        split_bands(
            next(
                each for each in load_model(tmp_path / "narrow" / "model").modules() if isinstance(each, CRFFg2d)
            ),
            4,
        )
