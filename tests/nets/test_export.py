import json

import numpy as np
import onnxruntime
import pytest
import torch

from prismseg.base import ModelError
from prismseg.nets import create_model, export_onnx


@pytest.mark.parametrize("arch", ["fcn", "resunet"])  # `tests/inference/test_runner.py` has the U-Net
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


def test_the_file_says_how_to_feed_it(tmp_path):
    model = create_model("unet", width=0.25, seed=0)
    facts = {
        "classes": ["background", "nervio ciático"],
        "preprocess": {"size": [64, 96], "channels": 1, "intensity": "zscore", "fit": "stretch"},
        "mirror": True,
    }
    model.metadata = facts | {"seen": {"train": "not to be carried along"}}
    export_onnx(model, tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"))
    carried = session.get_modelmeta().custom_metadata_map
    assert {key: json.loads(carried[key]) for key in facts} == facts
    assert create_model(**json.loads(carried["model"])).config == model.config and "seen" not in carried


@pytest.mark.parametrize(
    ("arch", "skip"), [("unet", "none"), ("unet", "crffg"), ("fcn", "conv"), ("resunet", "crffg")]
)
def test_torch_export_with_free_height_and_width(arch, skip):
    model = create_model(arch, skip, width=0.125, classes=2, seed=0).eval()
    free = torch.export.Dim.DYNAMIC
    example = torch.randn(2, 1, 2 * model.stride + 1, 3 * model.stride + 3)
    program = torch.export.export(model, (example,), dynamic_shapes=({0: free, 2: free, 3: free},)).module()
    with torch.no_grad():
        for size in ((64, 64), (33, 70), (50, 129)):
            images = torch.randn(3, 1, *size)
            expected = model(images)
            torch.testing.assert_close(program(images), expected, atol=1e-4 * float(expected.abs().max()), rtol=0)


def test_torch_export_with_named_dimensions():
    model = create_model("unet", "crffg", width=0.125, seed=0).eval()
    dims = {axis: torch.export.Dim(name, min=model.stride + 1) for axis, name in ((2, "height"), (3, "width"))}
    program = torch.export.export(model, (torch.randn(1, 1, 40, 50),), dynamic_shapes=(dims,)).module()
    images = torch.randn(1, 1, 17, 90)
    with torch.no_grad():
        expected = model(images)
        torch.testing.assert_close(program(images), expected, atol=1e-4 * float(expected.abs().max()), rtol=0)
