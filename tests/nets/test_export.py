import numpy as np
import onnxruntime
import pytest
import torch

from prismseg.base import ModelError
from prismseg.nets import create_model, export_onnx


@pytest.mark.parametrize("arch", ["unet", "fcn", "resunet"])
def test_onnx_agrees_with_torch_at_sizes_it_was_not_made_for(arch, tmp_path):
    torch.manual_seed(0)
    model = create_model(arch, "crffg", classes=3, width=0.25).eval()
    path = tmp_path / "net.onnx"
    assert export_onnx(model, path) < 1e-4
    session = onnxruntime.InferenceSession(str(path))
    images = torch.rand(1, 1, 70, 45)
    (found,) = session.run(["logits"], {"images": images.numpy()})
    with torch.no_grad():
        expected = model(images).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4 * max(1, np.abs(expected).max()))


def test_a_file_that_disagrees_is_not_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("prismseg.nets.export.TOLERANCE", -1.0)
    with pytest.raises(ModelError, match="not written"):
        export_onnx(create_model("unet", width=0.25), tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_missing_extra_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(ModelError, match=r"prismseg\[onnx\]"):
        export_onnx(create_model("unet", width=0.25), tmp_path / "net.onnx")
