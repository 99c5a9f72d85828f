"""A siamese network, as for changes between two images: one encoder runs twice, and its runs are layers of their own."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from prismseg.explain import Atlas, ExplainSettings, explain_loader
from prismseg.explain.inputs.packing import pack_inputs, take_packed
from tests.explain.conftest import scene


class Siamese(nn.Module):
    """FC-Siam-diff (Daudt et al. 2018) in small: the decoder sees how far the features of both images are apart."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.encoder = nn.Conv2d(1, 5, 3, padding=1)
        self.head = nn.Conv2d(5, 2, 3, padding=1)

    def forward(self, before, after):
        first, second = torch.relu(self.encoder(before)), torch.relu(self.encoder(after))
        return self.head((first - second).abs())


@pytest.fixture(scope="module")
def pair():
    images, masks = scene(4, channels=2, size=(12, 16), classes=2)
    return images[:, :1], images[:, 1:], masks


def by_hand(model, before, after, masks, cls):
    """Grad-CAM of each run of the encoder and the share of it in the class's region."""
    runs = [model.encoder(image).detach().requires_grad_() for image in (before, after)]
    logits = model.head((torch.relu(runs[0]) - torch.relu(runs[1])).abs())
    inside = (masks == cls).float()
    score = ((logits[:, cls] * inside).sum((1, 2)) / inside.sum((1, 2))).sum()
    gradients = torch.autograd.grad(score, runs)
    maps = [
        (gradient.mean((2, 3), keepdim=True) * run).sum(1).relu().detach()
        for run, gradient in zip(runs, gradients, strict=True)
    ]
    return [(each, (each * inside).sum((1, 2)) / each.sum((1, 2))) for each in maps]


def test_each_run_of_the_shared_encoder_has_its_own_maps_and_measures(pair):
    before, after, masks = pair
    packed, packing = pack_inputs([before, after])
    atlas = Atlas(take_packed(Siamese(), packing), ["encoder"], ["gradcam"], region="truth")
    maps = atlas.maps(packed, masks)
    atlas.update(packed, masks)
    rho = atlas.cases().set_index(["layer", "class", "case"])["rho"].sort_index()
    assert atlas.layers == ("encoder[0]", "encoder[1]")
    for cls in (0, 1):
        for layer, (expected, share) in zip(atlas.layers, by_hand(Siamese(), *pair, cls), strict=True):
            torch.testing.assert_close(maps["gradcam", layer, cls], expected, atol=1e-7, rtol=1e-4)
            assert rho[layer, str(cls)].tolist() == pytest.approx(share.tolist(), rel=1e-4)


class TwoVolumes(nn.Module):
    """A branch for each of two volumes, joined by the last convolution."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(4)
        self.ct = nn.Conv3d(1, 4, 3, padding=1, bias=False)
        self.pet = nn.Conv3d(1, 4, 3, padding=1, bias=False)
        self.head = nn.Conv3d(8, 3, 1, bias=False)

    def forward(self, ct, pet):
        return self.head(torch.relu(torch.cat([self.ct(ct), self.pet(pet)], dim=1)))


def test_relevance_of_all_inputs_together_is_the_score(pair):
    """Layer-wise relevance is conserved without biases, whatever is shared, and however many inputs there are."""
    generator = torch.Generator().manual_seed(5)
    shared = Siamese()
    shared.encoder.bias.data.zero_(), shared.head.bias.data.zero_()
    volumes = [torch.rand(2, 1, 4, 6, 8, generator=generator) for _ in range(2)]
    for model, inputs in ((shared, pair[:2]), (TwoVolumes(), volumes)):
        packed, packing = pack_inputs(inputs)
        atlas = Atlas(take_packed(model, packing), ["head"], ["lrp"], region="image")
        atlas.update(packed, torch.zeros(packed[:, 0].shape, dtype=torch.long))
        assert atlas.cases()["residual"].abs().max() < 1e-4


def test_the_page_of_a_siamese_network(pair, tmp_path):
    before, after, masks = pair
    loader = [{"images": {"before": before[:2], "after": after[:2]}, "labels": masks[:2]}]
    settings = ExplainSettings(layers=("encoder",), methods=("gradcam",), regions=("truth",))
    page = explain_loader(
        Siamese(), loader, tmp_path, class_names=["same", "changed"], settings=settings, check_sanity=False,
        formats=("svg",), show_progress=False,
    )  # fmt: skip
    measured = pd.read_csv(tmp_path / "measures.csv", dtype={"case": str})
    _, share = by_hand(Siamese(), before[:2], after[:2], masks[:2], 1)[1]
    rows = measured.query("layer == 'encoder[1]' and method == 'gradcam' and `class` == 'changed'")
    np.testing.assert_allclose(rows["rho"], share, rtol=1e-4)
    text = page.read_text(encoding="utf-8")
    assert "inputs before, after (pictures show before)" in text and "encoder[1]" in text
