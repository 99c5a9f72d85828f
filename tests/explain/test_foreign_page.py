"""The page of a network that nobody here wrote, on the cases of a data loader."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from prismseg.base import DataError, ModelError
from prismseg.explain import Atlas, ExplainSettings, explain_loader
from prismseg.explain.foreign import _AsTheyAre, _LoadedCases, unpack_batch
from prismseg.explain.task import ExplainTask, load_cases
from tests.explain.conftest import scene

QUICK = {"check_sanity": False, "show_progress": False}
SETTINGS = ExplainSettings(methods=("layercam",), regions=("prediction",))


class Theirs(nn.Module):
    """Batch normalisation in training mode, four channels, and logits in a dictionary among others."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.stem = nn.Sequential(nn.Conv2d(4, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU())
        self.deep = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1, stride=2), nn.ReLU())
        self.head = nn.Conv2d(6, 3, 1)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.4)

    def forward(self, x):
        z = self.head(self.deep(self.stem(x)))
        return {"aux": z.mean(), "seg": nn.functional.interpolate(z, size=x.shape[2:])}


@pytest.fixture(scope="module")
def cases():
    images, masks = scene(5, channels=4, size=(16, 20), classes=3)
    masks[0, 0] = 255
    return images, masks


@pytest.fixture(scope="module")
def explained(cases, tmp_path_factory):
    images, masks = cases
    model = Theirs().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    loader = [{"image": images[:2], "label": masks[:2, None]}, {"image": images[2:], "label": masks[2:, None]}]
    page = explain_loader(
        model, loader, tmp_path_factory.mktemp("out") / "x", class_names=["rest", "left", "right"],
        groups=["A", "A", "B", "C", "D"], name="their data", settings=SETTINGS, output="seg", **QUICK,
    )  # fmt: skip
    assert model.training  # nothing of the network has changed
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    return page


def test_the_page_is_whole(explained):
    text = explained.read_text()
    for said in (
        "their data",
        "Theirs, 585 parameters",
        "5 cases of 4 groups",
        "right",
    ):
        assert said in text
    assert {"headline.csv", "measures.csv", "excess.csv", "paper", "figures", "maps"} <= {
        path.name for path in explained.parent.iterdir()
    }
    assert json.loads((explained.parent / "explanation.json").read_text())["dataset"] == "their data"


def test_its_numbers_are_those_of_an_atlas(cases, explained):
    images, masks = cases
    atlas = Atlas(Theirs(), methods=["layercam"], output="seg")
    atlas.update(images, masks)
    found = pd.read_csv(explained.parent / "measures.csv")
    found = found[(found["method"] == "layercam") & ~found["layer"].str.startswith("(")]
    assert found["rho"].tolist() == pytest.approx(atlas.cases()["rho"].tolist(), abs=1e-5)


def test_a_loader_of_pairs_with_images_of_several_sizes(tmp_path):
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))
    loader = [(torch.rand(1, 1, size, 16), torch.randint(0, 2, (1, size, 16))) for size in (16, 20)]
    page = explain_loader(net, loader, tmp_path / "x", settings=SETTINGS, **QUICK)
    assert set(pd.read_csv(page.parent / "measures.csv")["case"]) == {"case 0000", "case 0001"}
    net, loader = (
        nn.Sequential(nn.Conv2d(1, 2, 1)),
        DataLoader(TensorDataset(torch.rand(3, 1, 8, 8), torch.zeros(3, 8, 8))),
    )
    page = explain_loader(net, loader, tmp_path / "y", settings=SETTINGS, most=2, **QUICK)
    assert pd.read_csv(page.parent / "measures.csv")["case"].nunique() == 2


def test_what_cannot_be_explained_is_named(cases, tmp_path):
    images, masks = cases
    with pytest.raises(DataError, match="yields no case"):
        explain_loader(Theirs(), [], tmp_path / "x")
    with pytest.raises(DataError, match="5 cases and 2 groups"):
        explain_loader(Theirs(), [(images, masks)], tmp_path / "x", groups=["a", "b"])
    with pytest.raises(DataError, match="mapping of 'picture'"):
        unpack_batch({"picture": images})
    with pytest.raises(DataError, match="unpack=FUNCTION"):
        unpack_batch(images)
    assert not (tmp_path / "x").exists()


def test_the_page_of_volumes_shows_slices(tmp_path):
    net = nn.Sequential(nn.Conv3d(1, 3, 1), nn.ReLU(), nn.Conv3d(3, 2, 3, padding=1))
    masks = torch.zeros(2, 4, 8, 8, dtype=torch.long)
    masks[0, 2, 2:6, 2:6] = masks[1, 1, 2:6, 2:6] = 1
    images = torch.rand(2, 1, 4, 8, 8) + masks[:, None]
    settings = ExplainSettings(methods=("layercam",), regions=("truth",))
    page = explain_loader(net, [(images, masks[:, None])], tmp_path / "x", settings=settings, **QUICK)
    text = page.read_text()
    assert "input 4 × 8 × 8" in text and "slice" in text and "of 4" in text
    assert "enlarged trilinearly" in (page.parent / "paper" / "methods.md").read_text()
    assert pd.read_csv(page.parent / "layers.csv")["reach"].tolist() == [1, 0]
    rho = pd.read_csv(page.parent / "measures.csv").query("method == 'region' and `class` == 1")["rho"]
    assert rho.tolist() == pytest.approx([1, 1])


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float64])
def test_cases_are_of_the_networks_own_precision(kind):
    network = nn.Conv2d(1, 2, 3, padding=1).to(kind)
    cases = _LoadedCases("data", ["a", "b"], ["a", "b"], ["0", "1"])
    cases.images = [np.ones((8, 8, 1), np.float32)] * 2
    cases.masks = [np.eye(8, dtype=np.uint8)] * 2
    device = torch.device("cpu")
    predictor = SimpleNamespace(model=network, device=device, preprocess=_AsTheyAre((8, 8), False))
    task = ExplainTask([SimpleNamespace(predictor=predictor, cases=(0, 1))], cases, SETTINGS, "test")
    ((first, second),) = task.batches(task.networks[0])
    assert network(load_cases(predictor, cases, (first, second)).images).dtype == kind


@pytest.mark.parametrize(
    ("network", "shape", "told"),
    [
        (nn.Conv2d(3, 2, 3), (2, 1, 8, 8), r"first image, 1 channel of 8 x 8 \(RuntimeError: .*3 channels"),
        (
            nn.Sequential(nn.MaxPool2d(8), nn.InstanceNorm2d(1), nn.Conv2d(1, 2, 1), nn.Upsample(scale_factor=8)),
            (2, 1, 8, 8),
            r"ValueError: Expected more than 1 spatial element",  # as networks that halve a small image to one pixel
        ),
        (nn.Conv3d(1, 2, (9, 3, 3)), (2, 1, 4, 8, 8), r"1 channel in 4 slices of 4 x 8 x 8"),
    ],
)
def test_a_network_that_fails_on_the_images_is_told_before_anything_is_written(tmp_path, network, shape, told):
    network.train()
    cases = [(torch.rand(shape), torch.zeros(shape[0], *shape[2:], dtype=torch.long))]
    with pytest.raises(ModelError, match=told) as caught:
        explain_loader(network, cases, tmp_path / "x", **QUICK)
    assert "Give images of the size and the channels" in str(caught.value)
    assert not (tmp_path / "x").exists() and network.training
