from pathlib import Path

import pytest

from prismseg.base import ConfigError
from prismseg.train import configure, make_config, read_config
from prismseg.train.config import differences, write_config
from prismseg.train.configure import parse_size


def test_chosen_over_file_over_defaults(tmp_path):
    base = make_config({"data": {"path": "a"}, "optim": {"lr": 0.5, "steps": 7}, "seed": 3})
    write_config(tmp_path / "c.yaml", base)
    assert read_config(tmp_path / "c.yaml") == base
    config = configure({"optim": {"steps": 9, "lr": None}, "size": "240x320", "seed": None}, tmp_path / "c.yaml")
    assert (config.optim.lr, config.optim.steps, config.seed, config.size) == (0.5, 9, 3, (240, 320))
    assert config.optim.loss == "dice_ce"
    assert differences(base, config) == ["optim.steps: 7 -> 9", "size: (224, 224) -> (240, 320)"]


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({}, "data"),
        ({"data": {"path": "a"}, "colour": 1}, "colour"),
        ({"data": {"path": "a"}, "optim": {"batch_size": 5, "accumulate": 2}}, "accumulate"),
        ({"data": {"path": "a"}, "split": {"folds": 3, "fold": 3}}, "fold 3"),
        ({"data": {"path": "a"}, "optim": {"loss": "hinge"}}, "loss"),
        ({"data": {"path": "a"}, "optim": {"lr": 0}}, "lr"),
        ({"data": {"path": "a"}, "optim": {"lr": float("inf")}}, "lr"),
        ({"data": {"path": "a"}, "optim": {"clip": float("inf")}}, "clip"),
        ({"data": {"path": "a"}, "model": {"width": float("inf")}}, "width"),
    ],
)
def test_wrong_settings_are_named(values, word):
    with pytest.raises(ConfigError, match=word):
        make_config(values)


def test_a_path_is_taken_where_its_text_is():
    config = make_config({"data": {"path": Path("a") / "b"}, "initial": Path("runs/first")})
    assert config == make_config({"data": {"path": "a/b"}, "initial": "runs/first"})
    assert (config.data.path, config.initial) == ("a/b", "runs/first")


def test_sizes():
    assert parse_size("64") == (64, 64) and parse_size("240X320") == (240, 320)
    for text in ("axb", "0", "1x2x3", "-4"):
        with pytest.raises(ConfigError, match="height x width"):
            parse_size(text)


def test_unreadable_files(tmp_path):
    with pytest.raises(ConfigError, match="no file"):
        read_config(tmp_path / "absent.yaml")
    (tmp_path / "bad.yaml").write_text("a: [1")
    with pytest.raises(ConfigError, match="not valid YAML"):
        read_config(tmp_path / "bad.yaml")
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(ConfigError, match="no settings"):
        read_config(tmp_path / "list.yaml")
    with pytest.raises(ConfigError, match="No data set"):
        configure({})
