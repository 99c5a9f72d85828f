"""Our maps beside those of captum and torchcam, layer by layer, before any normalisation."""

import pytest
import torch
from captum.attr import LayerGradCam
from torch import nn
from torchcam.methods import GradCAM, LayerCAM

from prismseg.explain import Atlas
from prismseg.explain.target.regions import class_scores
from prismseg.nets import create_model

LAYERS = [
    "encoder.0.first.0",
    "encoder.2.second.0",
    "bottleneck.first.0",
    "skips.0",
    "skips.3",
    "decoder.3.first.0",
]


class Scores(nn.Module):
    """A classifier (B, K) made of a segmentation network: its mean logits over the regions of each class."""

    def __init__(self, model, masks):
        super().__init__()
        self.model, self.masks = model, masks

    def forward(self, x):
        logits = self.model(x)
        classes = range(logits.shape[1])
        return torch.stack(
            [class_scores(logits[:, cls], (self.masks == cls).float()) for cls in classes],
            dim=1,
        )


@pytest.fixture(scope="module")
def scene():
    torch.manual_seed(0)
    model = create_model("unet", "crffg", multiplier=3, classes=3).double().eval()
    images = torch.rand(2, 1, 48, 64, dtype=torch.float64)
    masks = nn.functional.interpolate(torch.randint(0, 3, (2, 1, 6, 8)).float(), size=(48, 64))[:, 0].long()
    return model, images, masks


@pytest.fixture(scope="module")
def maps(scene):
    model, images, masks = scene
    return Atlas(model, LAYERS, ["gradcam", "layercam"], region="truth").maps(images, masks)


def enlarged(values):
    return nn.functional.interpolate(values, size=(48, 64), mode="bilinear", align_corners=False)[:, 0]


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("cls", [0, 1, 2])
def test_captum_grad_cam(scene, maps, layer, cls):
    model, images, masks = scene
    scores = Scores(model, masks)
    theirs = LayerGradCam(scores, model.get_submodule(layer)).attribute(images, target=cls, relu_attributions=True)
    torch.testing.assert_close(maps["gradcam", layer, cls], enlarged(theirs.detach()), rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("method, theirs", [("gradcam", GradCAM), ("layercam", LayerCAM)])
def test_torchcam(scene, maps, layer, method, theirs):
    model, images, masks = scene
    scores = Scores(model, masks)
    for cls in range(3):
        with theirs(scores, target_layer=f"model.{layer}") as extractor:
            result = extractor(cls, scores(images), normalized=False)
        torch.testing.assert_close(
            maps[method, layer, cls], enlarged(result[0][:, None].detach()), rtol=1e-5, atol=1e-12
        )


def test_captum_infidelity():
    from captum.metrics import infidelity as theirs

    from prismseg.explain.faithfulness.infidelity import hide_squares, infidelity

    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1)).double().eval()
    images, slopes = torch.rand(3, 1, 12, 12).double(), torch.rand(3, 1, 12, 12).double()

    def scores(x):
        return net(x).mean((2, 3))

    squares = hide_squares(images, scores, "black", count=6)
    for index in (0, 1):
        each = [
            theirs(scores, lambda x, plane=plane: (x * plane, x * ~plane), images, slopes, target=index)
            for plane in squares.hidden
        ]
        # Their maps are of slopes and are multiplied by what is taken away; ours are of contributions.
        mine = infidelity((slopes * images)[:, 0], squares, index)
        torch.testing.assert_close(torch.from_numpy(mine), torch.stack(each).mean(0).detach())
