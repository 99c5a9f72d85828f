import json

import pytest
import torch

from prismseg.base import ModelError, OutputError
from prismseg.nets import create_model, load_model
from prismseg.nets.unet import UNet


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    model = create_model("unet", "crffg", multiplier=3, classes=3, width=0.25).eval()
    model.metadata = {"classes": ["background", "nerve", "vessel"], "training": {"seed": 3}}
    model.save_pretrained(tmp_path / "model")
    return model, tmp_path / "model"


def test_round_trip_is_exact(saved):
    model, folder = saved
    again = load_model(folder)
    assert again.config == model.config and again.metadata == model.metadata and not again.training
    assert all(
        torch.equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values(), strict=True)
    )
    x = torch.rand(1, 1, 20, 20)
    with torch.no_grad():
        torch.testing.assert_close(again(x), model(x))
        torch.testing.assert_close(UNet.from_pretrained(folder)(x), model(x))
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    assert (
        "nerve" in (folder / "README.md").read_text() and "esearch use only" in (folder / "README.md").read_text()
    )


def test_missing_folder_and_missing_files(saved, tmp_path):
    with pytest.raises(ModelError, match="no folder"):
        load_model(tmp_path / "nowhere")
    (saved[1] / "config.json").unlink()
    with pytest.raises(ModelError, match=r"config\.json"):
        load_model(saved[1])


def test_pickled_weights_are_refused(saved):
    _, folder = saved
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"anything")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin could run code"):
        load_model(folder)
    with pytest.raises(ModelError, match="could run code"):
        UNet.from_pretrained(folder)


def test_truncated_weights(saved):
    path = saved[1] / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="damaged"):
        load_model(saved[1])


def test_weights_of_another_architecture(saved):
    path = saved[1] / "config.json"
    config = json.loads(path.read_text())
    config["model"]["arch"] = "resunet"
    path.write_text(json.dumps(config))
    with pytest.raises(ModelError, match="another architecture"):
        load_model(saved[1])


def test_configuration_of_a_newer_version(saved):
    path = saved[1] / "config.json"
    config = json.loads(path.read_text())
    config["model"]["colour"] = "blue"
    path.write_text(json.dumps(config))
    with pytest.raises(ModelError, match="newer version"):
        load_model(saved[1])


def test_a_file_where_the_folder_should_be(saved, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="taken"):
        saved[0].save_pretrained(tmp_path / "taken")
