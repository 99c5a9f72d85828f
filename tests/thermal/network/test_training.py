"""Training on simulated frames: what is drawn, exact resume, the left-out domain, and going on from a network."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
import yaml
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tests.train.conftest import small_config
from typer.testing import CliRunner

from prismseg.base import ConfigError, ModelError, OutputError
from prismseg.data import Preprocess, TensorCache, open_dataset
from prismseg.inference import Predictor
from prismseg.nets import create_model, load_model
from prismseg.thermal.network.segmenter import two_feet
from prismseg.thermal.network.settings import PhantomSettings
from prismseg.thermal.network.training import phantom_config, resumed_phantom_config, train_on_phantoms
from prismseg.thermal.phantom import DOMAINS, pair_at
from prismseg.train import Trainer, TrainingInterrupted, configure
from prismseg.train import loop as loop_module
from prismseg.train.config import make_config, read_config, refused_changes, write_config
from prismseg.train.finetune import finetune_settings
from prismseg.train.runs.folder import RunFolder
from prismseg.train.sources import CasesSettings, SourceInputs

SMALL = {"steps": 4, "batch_size": 2, "size": (32, 48)}


def small_phantoms(out, **changes):
    config = phantom_config(out, recipe="small", **SMALL)
    small = config.source.model_copy(update={"size": (48, 64)})
    return config.model_copy(update={"source": small, "compile": "no", "checkpoint_every": 1} | changes)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("feet") / "run"
    train_on_phantoms(small_phantoms(out), out, left_out_frames=4, show_progress=False)
    return out


def test_batches_are_the_frames_of_the_stream():
    prepare = Preprocess((48, 64), 1)
    settings = PhantomSettings(domains=("spline", "blob"), size=(48, 64), seed=5)
    source = settings.open(SourceInputs(TensorCache(None, prepare), cases=(), batch_size=3, seed=0))
    try:
        assert source.numbers(2) == [6, 7, 8]
        images, masks = source.batch(source.numbers(2))
        again, _ = source.batch([8])
    finally:
        source.close()
    for k, number in enumerate((6, 7, 8)):
        picture, mask = pair_at(5, number, ("spline", "blob"), size=(48, 64))
        # Number 8 is met as °C, the others as grey levels.
        assert picture.dtype == (np.float32 if number == 8 else np.uint8)
        # Frames are made by other processes, with another number of threads.
        torch.testing.assert_close(images[k], prepare.image_tensor(picture), atol=1e-5, rtol=0)
        np.testing.assert_array_equal(masks[k].numpy(), mask)
    torch.testing.assert_close(again[0], images[2], atol=1e-5, rtol=0)


def test_the_left_out_domain_is_never_learnt_and_always_watched(trained):
    config = phantom_config(trained, left_out="solid")
    assert "solid" not in config.source.domains and len(config.source.domains) == 3
    watched = open_dataset(trained / "left-out", channels=1)
    assert len(watched.ids) == 4 and sum("soles" in name for name in watched.ids) == 2
    assert json.loads((trained / "split.json").read_text())["train"] == []
    with pytest.raises(ConfigError, match=r"no phantom domain 'cube'.*none to train on all"):
        phantom_config(trained, left_out="cube")
    with pytest.raises(ConfigError, match="no recipe 'huge'; choose one of pretrained, small"):
        phantom_config(trained, recipe="huge")


def test_the_usual_recipe_begins_with_pretrained_weights(tmp_path):
    config = phantom_config(tmp_path, **SMALL)
    assert (config.model.encoder, config.model.weights) == ("efficientnet_lite0", "imagenet")
    # A run that goes on from another has that one's weights instead.
    going_on = phantom_config(tmp_path, initial="runs/feet", **SMALL)
    assert (going_on.model.weights, going_on.initial) == (None, "runs/feet")
    assert going_on.model.encoder == config.model.encoder


def test_a_run_on_all_domains_goes_on_from_one_that_left_one_out(trained, tmp_path):
    out = tmp_path / "all"
    config = phantom_config(out, recipe="small", left_out=None, initial=trained, seed=1, **SMALL)
    small = config.source.model_copy(update={"size": (48, 64)})
    # At so low a rate the weights stay those of the first run.
    slow = config.optim.model_copy(update={"lr": 1e-9, "ema": None})
    config = config.model_copy(update={"source": small, "compile": "no", "augmentation": "none", "optim": slow})
    train_on_phantoms(config, out, left_out_frames=8, show_progress=False)
    network = load_model(out / "model")
    assert network.metadata["training"]["source"]["domains"] == list(DOMAINS)
    before = load_model(trained / "model").state_dict()
    for name, tensor in network.state_dict().items():
        if "running" not in name and "num_batches" not in name:
            torch.testing.assert_close(tensor, before[name], atol=1e-6, rtol=0)
    # What chooses is of all domains, and never what is learnt.
    assert len(open_dataset(out / "left-out", channels=1).ids) == 8


def test_resume_takes_the_settings_of_the_run(trained, tmp_path, monkeypatch):
    """`thermal train --resume` set what was not given back to its defaults, and was refused for it."""
    from prismseg.cli.main import app

    seen = []
    monkeypatch.setattr(
        "prismseg.thermal.network.training.train_on_phantoms",
        lambda config, out, **options: seen.append(config) or RunFolder(out),
    )
    started = RunFolder(trained).read_config()
    words = ["thermal", "train", "--out", str(trained), "--resume", "--quiet"]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert refused_changes(started, seen[-1]) == []
    given = {
        "steps": ("99", lambda config: config.optim.steps, 99),
        "batch-size": ("6", lambda config: config.optim.batch_size, 6),
        "size": ("64x96", lambda config: config.size, (64, 96)),
        "multiplier": ("3", lambda config: config.model.multiplier, 3),
        "seed": ("8", lambda config: config.seed, 8),
        "left-out": ("spline", lambda config: "spline" in config.source.domains, False),
        "skip": ("conv", lambda config: config.model.skip, "conv"),
    }
    for name, (word, value, meant) in given.items():
        assert CliRunner().invoke(app, [*words, f"--{name}", word]).exit_code == 0
        assert value(seen[-1]) == meant != value(started)
    assert CliRunner().invoke(app, [*words, "--left-out", "none"]).exit_code == 0
    assert seen[-1].source.domains == tuple(DOMAINS)
    fresh = ["thermal", "train", "--out", str(tmp_path / "new"), "--quiet"]
    assert CliRunner().invoke(app, fresh).exit_code == 0
    assert seen[-1] == phantom_config(tmp_path / "new")
    begun = [*fresh, "--from", str(trained), "--recipe", "small", "--left-out", "none"]
    assert CliRunner().invoke(app, begun).exit_code == 0
    assert seen[-1] == phantom_config(tmp_path / "new", recipe="small", left_out=None, initial=trained)


def test_refused_phantom_runs_write_nothing(trained, tmp_path):
    run = RunFolder(tmp_path / "run")
    write_config(run.config, make_config({"data": {"path": "x"}}))
    with pytest.raises(OutputError, match="holds a training run"):
        train_on_phantoms(phantom_config(tmp_path / "run", **SMALL), tmp_path / "run")
    with pytest.raises(ModelError, match="other settings"):
        train_on_phantoms(phantom_config(tmp_path / "run", **SMALL), tmp_path / "run", resume=True)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["config.yaml"]


def test_what_travels_with_the_network(trained):
    network = load_model(trained / "model")
    assert network.metadata["preprocess"]["fit"] == "area"
    assert network.metadata["postprocess"] == "two-feet"
    assert network.metadata["classes"] == ["background", "foot"]
    assert network.metadata["training"]["source"]["domains"] == ["spline", "blob", "solid"]


def test_a_cut_run_ends_as_the_uncut_one(trained, tmp_path, monkeypatch):
    config = small_phantoms(tmp_path / "run", data=small_phantoms(trained).data)
    real, seen = loop_module.save_checkpoint, []

    def cut(*args, **kwargs):
        real(*args, **kwargs)
        seen.append(1)
        if len(seen) == 2:
            raise TrainingInterrupted("cut")

    monkeypatch.setattr(loop_module, "save_checkpoint", cut)
    with pytest.raises(TrainingInterrupted):
        train_on_phantoms(config, tmp_path / "run", show_progress=False)
    monkeypatch.undo()
    train_on_phantoms(config, tmp_path / "run", resume=True, show_progress=False)
    ours = load_file(tmp_path / "run" / "checkpoints" / "last.safetensors")
    theirs = load_file(trained / "checkpoints" / "last.safetensors")
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_predictions_keep_each_picture_s_shape(trained):
    predictor = Predictor.from_pretrained(trained / "model")
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, size, dtype=np.uint8) for size in ((48, 64), (64, 48), (64, 48), (1, 1))]
    together = list(predictor.predict(images))
    for image, prediction in zip(images, together, strict=True):
        assert prediction.mask.shape == image.shape
        np.testing.assert_allclose(prediction.probabilities, predictor(image).probabilities, atol=1e-5)


def test_two_feet_by_hand():
    mask = np.zeros((100, 100), np.uint8)
    mask[10:50, 10:25] = mask[10:50, 60:75] = 1
    mask[20:23, 15:18] = 0  # a hole
    mask[5:8, 12:16] = 1  # a toe apart from its sole, by 2 pixels
    mask[80:82, 40:43] = 1  # a speck
    mask[70:85, 80:95] = 1  # a third piece, smaller than both feet
    clean = two_feet(mask)
    assert clean[21, 16] == 1 and clean[6, 13] == 1
    assert not clean[60:].any()
    assert clean[10:50, 10:25].all() and clean[10:50, 60:75].all()
    assert not two_feet(np.zeros((20, 20), np.uint8)).any()


def test_a_network_goes_on_learning(trained, discs, tmp_path):
    initial = finetune_settings(trained / "model")
    chosen = {"data": {"path": str(discs)}, "optim": {"steps": 1, "lr": 1e-9, "ema": None, "batch_size": 2}}
    config = configure(chosen | {"augmentation": "none"}, initial=initial)
    assert (config.optim.steps, config.optim.lr, config.size) == (1, 1e-9, (32, 48))
    assert config.model.skip == "crffg" and config.postprocess == "two-feet"
    Trainer(config, tmp_path / "on").fit(show_progress=False)
    before, after = (load_model(path).state_dict() for path in (trained / "model", tmp_path / "on" / "model"))
    for name, tensor in before.items():
        if "running" not in name and "num_batches" not in name:
            torch.testing.assert_close(after[name], tensor, atol=1e-6, rtol=0)


def test_a_network_of_another_form_is_no_start(trained, discs, tmp_path):
    config = small_config(discs, initial=str(trained / "model"))
    with pytest.raises(ModelError, match=r"width 1\.0 -> 0\.5"):
        Trainer(config, tmp_path / "on")


def test_another_head_is_drawn_for_other_classes(trained, tmp_path):
    from prismseg.train.finetune import copy_weights

    network = create_model("unet", "crffg", multiplier=1, in_channels=1, classes=3)
    head = network.head.weight.clone()
    copy_weights(network, load_model(trained / "model"), trained)
    assert torch.equal(network.head.weight, head)
    theirs = load_model(trained / "model").state_dict()
    assert torch.equal(network.state_dict()["encoder.0.first.0.weight"], theirs["encoder.0.first.0.weight"])


def test_the_head_of_classes_in_another_order_is_not_taken_over():
    """Its rows would stand for each other's classes."""
    from prismseg.train.finetune import copy_weights, has_reordered_classes

    first = create_model("unet", "none", in_channels=1, classes=3, width=0.25, seed=1)
    first.metadata = {"classes": ["background", "nerve", "vessel"]}
    ours = create_model("unet", "none", in_channels=1, classes=3, width=0.25, seed=2)
    drawn = ours.head.weight.clone()
    assert has_reordered_classes(("background", "vessel", "nerve"), first)
    assert not has_reordered_classes(("background", "nerve", "vessel"), first)
    assert not has_reordered_classes(("background", "tumour", "cyst"), first)
    copy_weights(ours, first, "first", head=False)
    assert torch.equal(ours.head.weight, drawn)
    copy_weights(ours, first, "first")
    assert torch.equal(ours.head.weight, first.head.weight)


def as_version_0_1_wrote_it(run):
    """Put the settings of a run and of its checkpoint back to how prismseg 0.1 stored them."""
    config = yaml.safe_load((run / "config.yaml").read_text())
    source = config.pop("source")
    config["phantoms"] = {name: value for name, value in source.items() if name != "kind"}
    (run / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    checkpoint = run / "checkpoints" / "last.safetensors"
    with safe_open(checkpoint, framework="pt") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(tensors, checkpoint, metadata | {"config": json.dumps(config)})


def test_a_run_of_version_0_1_is_read_and_resumed(trained, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    as_version_0_1_wrote_it(run)
    assert RunFolder(run).read_config() == RunFolder(trained).read_config()
    longer = resumed_phantom_config(run, steps=5)
    train_on_phantoms(longer, run, resume=True, show_progress=False)
    assert (run / "history.csv").read_text().splitlines()[-1].startswith("5,")
    assert read_config(run / "config.yaml").source == RunFolder(trained).read_config().source
    assert "phantoms:" not in (run / "config.yaml").read_text()


def test_settings_of_version_0_1_without_phantoms(tmp_path):
    (tmp_path / "config.yaml").write_text("data: {path: x}\nphantoms: null\nmodel: {arch: fcn}\n")
    assert read_config(tmp_path / "config.yaml") == make_config({"data": {"path": "x"}, "model": {"arch": "fcn"}})
    assert configure({}, tmp_path / "config.yaml").source == CasesSettings()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"kind": "fantoms"}, "Did you mean 'phantoms'"),
        ({"kind": "phantoms"}, "domains: Field required"),
        ({"kind": "cases", "seed": 1}, r"seed \(no such setting\)"),
        ("phantoms", "by its kind"),
    ],
)
def test_sources_that_do_not_exist(source, message):
    with pytest.raises(ConfigError, match=message):
        make_config({"data": {"path": "x"}, "source": source})


def test_another_kind_of_source_replaces_the_settings_of_the_first(tmp_path):
    (tmp_path / "config.yaml").write_text(
        "data: {path: x}\nsource: {kind: phantoms, domains: [spline], seed: 4}\n"
    )
    assert configure({"source": {"kind": "cases"}}, tmp_path / "config.yaml").source == CasesSettings()
    changed = configure({"source": {"seed": 5}}, tmp_path / "config.yaml").source
    assert changed == PhantomSettings(domains=("spline",), seed=5)


def test_the_shipped_network_needs_nothing_imported_before():
    """Its post-processing is registered by the thermal application, which nobody has imported."""
    code = (
        "import sys; from prismseg.inference.predictor import Predictor; "
        "assert not any(name.startswith('prismseg.thermal') for name in sys.modules); "
        "import numpy as np; print(Predictor.from_pretrained('thermal-feet')(np.zeros((60, 80), np.uint8)).mask.shape)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "(60, 80)"
