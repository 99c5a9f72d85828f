"""The runner that docs/guide/train.md shows, against the `Predictor`."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from prismseg.inference import Predictor
from prismseg.nets import create_model, export_onnx

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "train.md"


def runner() -> str:
    (block,) = re.findall(r"```python\n(import json.*?)```", PAGE.read_text(), re.DOTALL)
    return block


def test_it_is_about_ten_lines():
    assert len(ast.parse(runner()).body) <= 16  # statements, however the formatter breaks their lines


@pytest.mark.parametrize(
    ("channels", "classes", "intensity", "colour"),
    [(1, 3, "zscore", True), (3, 2, "unit", False)],
)
def test_it_agrees_with_the_predictor(tmp_path, monkeypatch, capsys, channels, classes, intensity, colour):
    model = create_model(
        "unet", "crffg", width=0.25, in_channels=channels, classes=1 if classes == 2 else classes, seed=1
    )
    preprocess = {"size": [48, 64], "channels": channels, "intensity": intensity, "fit": "stretch"}
    model.metadata = {"classes": [f"c{k}" for k in range(classes)], "preprocess": preprocess}
    rows, columns = np.mgrid[:150, :180]
    rng = np.random.default_rng(3)
    waves = np.stack([np.sin(rows / (9 + k)) + np.cos(columns / (14 - k)) for k in range(3)], axis=2)
    pixels = (waves * 50 + 120 + rng.normal(0, 10, waves.shape)).clip(0, 255).astype(np.uint8)
    (tmp_path / "feet" / "grey").mkdir(parents=True)
    picture = Image.fromarray(pixels if colour else pixels[..., 0])
    picture.save(tmp_path / "feet" / "grey" / "S01_t00min.png")
    export_onnx(model, tmp_path / "feet.onnx")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(compile(runner(), "runner", "exec"), names)
    prediction = Predictor(model)(tmp_path / "feet" / "grey" / "S01_t00min.png")
    assert names["mask"].shape == (150, 180) and len(np.unique(prediction.mask)) > 1
    assert (names["mask"] != prediction.mask).mean() < 2e-3
    assert "c1" in capsys.readouterr().out
