"""A correction on a network that stays as it is."""

import pytest
import torch
import torch.nn.functional as F

from prismseg.base import ModelError
from prismseg.data import Preprocess
from prismseg.nets import Refined, create_model, export_onnx, load_model, refine


def base_network(size=(32, 32), classes=1, arch="unet", **preprocess):
    network = create_model(arch, width=0.125, classes=classes, seed=0).eval()
    network.metadata = {"preprocess": Preprocess(size, 1, **preprocess).to_dict()}
    return network


def correction_network(classes=1, arch="unet"):
    return create_model(arch, "crffg", width=0.125, classes=classes, seed=1)


@pytest.mark.parametrize("arch", ["unet", "resunet", "fcn"])
@pytest.mark.parametrize("classes", [1, 3])
def test_begins_with_exactly_the_base(arch, classes):
    base = base_network(classes=classes)
    refined = refine(base, correction_network(classes, arch), Preprocess((32, 32), 1)).eval()
    for size in ((32, 32), (19, 45)):
        x = torch.rand(2, 1, *size)
        torch.testing.assert_close(refined(x), base(x), rtol=0, atol=0)


def test_is_the_sum_of_both():
    base, correction = base_network(), correction_network()
    refined = refine(base, correction, Preprocess((32, 32), 1)).eval()
    torch.nn.init.normal_(refined.correction.head.weight)
    correction.load_state_dict(refined.correction.state_dict())
    x = torch.rand(1, 1, 32, 32)
    torch.testing.assert_close(refined(x), base(x) + correction.eval()(x), rtol=0, atol=0)
    assert not torch.equal(refined(x), base(x))


def test_a_base_of_another_size_is_enlarged_in_probability():
    base = base_network(size=(16, 24))
    refined = refine(base, correction_network(), Preprocess((32, 48), 1)).eval()
    x = torch.randn(1, 1, 32, 48)
    small = F.interpolate(x, size=(16, 24), mode="bilinear", antialias=True, align_corners=False)
    small = (small - small.mean()) / small.std(correction=0)
    expected = F.interpolate(torch.sigmoid(base(small)), size=(32, 48), mode="bilinear", align_corners=False)
    torch.testing.assert_close(torch.sigmoid(refined(x)), expected, atol=1e-5, rtol=0)


def test_only_the_correction_learns():
    refined = refine(base_network(), correction_network(), Preprocess((32, 32), 1)).train()
    assert not any(module.training for module in refined.base.modules()) and refined.correction.training
    before = {name: tensor.clone() for name, tensor in refined.base.state_dict().items()}
    refined(torch.rand(2, 1, 32, 32)).square().sum().backward()
    assert all(parameter.grad is None for parameter in refined.base.parameters())
    assert refined.correction.head.weight.grad.abs().sum() > 0
    assert all(torch.equal(tensor, before[name]) for name, tensor in refined.base.state_dict().items())
    assert refined.encoder is refined.correction.encoder


def test_is_stored_and_exported(tmp_path):
    refined = refine(
        base_network((24, 24), intensity="unit"), correction_network(), Preprocess((32, 32), 1, "unit")
    )
    torch.nn.init.normal_(refined.correction.head.weight, std=0.1)
    refined = refined.eval().to(
        memory_format=torch.channels_last
    )  # as loading makes it: other sums round otherwise
    refined.save_pretrained(tmp_path / "network")
    again = load_model(tmp_path / "network")
    assert isinstance(again, Refined)
    x = torch.rand(1, 1, 32, 32)
    torch.testing.assert_close(again(x), refined(x), rtol=0, atol=0)
    assert export_onnx(again, tmp_path / "net.onnx") < 1e-4


def test_what_does_not_fit_is_refused():
    with pytest.raises(ModelError, match="network of 3 logits cannot be corrected by one of 1"):
        refine(base_network(classes=3), correction_network(), Preprocess((32, 32), 1))
    with pytest.raises(ModelError, match=r"1 channel, intensity zscore, fit stretch.*1 channel, intensity unit"):
        refine(base_network(intensity="unit"), correction_network(), Preprocess((32, 32), 1))
    with pytest.raises(ModelError, match="cannot be made into such as the base takes"):
        refine(base_network(fit="area"), correction_network(), Preprocess((32, 32), 1))
    headless = correction_network()
    headless.head = torch.nn.Identity()
    with pytest.raises(ModelError, match=r"'unet' has no layer `head` that could begin at 0"):
        refine(base_network(), headless, Preprocess((32, 32), 1))
