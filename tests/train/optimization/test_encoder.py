"""The encoder in training: frozen at first, slower than the rest, its statistics kept, resumed exactly."""

import pytest
import torch
from safetensors.torch import load_file
from tests.train.conftest import small_config
from torch import nn

from prismseg.base import ConfigError, ModelError
from prismseg.nets import ARCHITECTURES, SegmentationModel, create_model
from prismseg.train import RunFolder, Trainer, make_config
from prismseg.train.finetune import finetune_settings
from prismseg.train.optimization.encoder import SMALL_BATCH, EncoderPhases
from prismseg.train.runs.summary import summarize_run

MODEL = {"arch": "unet", "skip": "none", "width": 0.25}
LITE = MODEL | {"encoder": "efficientnet_lite0"}


@pytest.fixture
def pretrained(tmp_path):
    """A network whose encoder the tests take; the statistics of its batch normalisation are like none that occur."""
    network = create_model("unet", encoder="efficientnet_lite0", width=0.25, seed=9)
    for name, buffer in network.named_buffers():
        if name.endswith("running_mean"):
            buffer.fill_(0.125)
    network.save_pretrained(tmp_path / "pretrained")
    return tmp_path / "pretrained"


def snapshot(trainer):
    return {name: tensor.clone() for name, tensor in trainer.network.state_dict().items()}


def changed(before, after):
    """Names of tensors of the encoder, and of the rest, that are no longer the same."""
    names = [name for name in before if not torch.equal(before[name], after[name])]
    return [name for name in names if name.startswith("encoder.")], [n for n in names if n.startswith("decoder.")]


def test_the_encoder_is_frozen_for_as_many_steps_as_asked(discs, tmp_path):
    optim = {"freeze_encoder_steps": 2, "ema": None, "steps": 4, "weight_decay": 0.1}
    trainer = Trainer(small_config(discs, model=LITE, optim=optim), tmp_path / "run")
    states = [snapshot(trainer)]
    for step in range(3):
        trainer.step(step)
        states.append(snapshot(trainer))
    assert changed(states[0], states[2])[0] == [] and changed(states[0], states[1])[1]
    encoder, _ = changed(states[2], states[3])
    assert "encoder.stem.weight" in encoder and "encoder.stem_norm.running_mean" in encoder


def test_gradients_that_other_processes_would_wait_for_are_dropped(discs, tmp_path):
    config = small_config(discs, model=LITE, optim={"freeze_encoder_steps": 1})
    network = create_model(**LITE, seed=0)
    phases = EncoderPhases(network, config, processes=2)
    network.train()
    phases.begin(0)
    network(torch.randn(2, 1, 64, 64)).sum().backward()
    assert network.encoder.stem.weight.grad is not None
    phases.drop_gradients(0)
    assert all(p.grad is None for p in network.encoder.parameters()) and network.head.weight.grad is not None
    network(torch.randn(2, 1, 64, 64)).sum().backward()
    phases.drop_gradients(1)
    assert network.encoder.stem.weight.grad is not None


def test_the_encoder_learns_at_its_share_of_the_rate(discs, tmp_path):
    """One step of plain gradient descent moves the encoder by that share of what it moves otherwise."""
    moved = []
    for factor in (1.0, 0.25):
        optim = {"optimizer": "sgd", "momentum": 0.0, "clip": None, "ema": None, "weight_decay": 0.0, "lr": 0.1,
                 "schedule": "constant", "encoder_lr_factor": factor}  # fmt: skip
        trainer = Trainer(small_config(discs, model=LITE, optim=optim), tmp_path / f"run-{factor}")
        before = snapshot(trainer)
        trainer.step(0)
        after = snapshot(trainer)
        moved.append({name: after[name] - before[name] for name in ("encoder.stem.weight", "head.weight")})
    assert moved[0]["encoder.stem.weight"].abs().max() > 1e-6
    torch.testing.assert_close(
        moved[1]["encoder.stem.weight"], moved[0]["encoder.stem.weight"] / 4, rtol=1e-3, atol=1e-7
    )
    torch.testing.assert_close(moved[1]["head.weight"], moved[0]["head.weight"])


def test_small_batches_keep_the_statistics_of_a_pretrained_encoder(discs, tmp_path, pretrained):
    model = LITE | {"weights": str(pretrained)}
    optim = {"batch_size": 2, "ema": None}
    trainer = Trainer(small_config(discs, model=model, optim=optim), tmp_path / "run")
    before = snapshot(trainer)
    assert before["encoder.stem_norm.running_mean"].eq(0.125).all()
    trainer.step(0)
    encoder, decoder = changed(before, snapshot(trainer))
    assert "encoder.stem_norm.weight" in encoder and not [name for name in encoder if "running" in name]
    assert [name for name in decoder if "running" in name]


@pytest.mark.parametrize(
    ("model", "optim", "processes", "kept"),
    [
        ({}, {"batch_size": SMALL_BATCH}, 1, False),
        ({}, {"batch_size": SMALL_BATCH - 1}, 1, True),
        ({}, {"batch_size": SMALL_BATCH, "accumulate": 2}, 1, True),
        ({}, {"batch_size": SMALL_BATCH}, 2, True),
        ({"weights": None}, {"batch_size": 1}, 1, False),
        ({}, {"batch_size": 1, "encoder_norm": "train"}, 1, False),
        ({"weights": None}, {"batch_size": 64, "encoder_norm": "frozen"}, 1, True),
    ],
)
def test_when_statistics_are_kept(discs, model, optim, processes, kept):
    config = small_config(discs, model=LITE | {"weights": "somewhere"} | model, optim=optim)
    assert EncoderPhases(create_model(**LITE), config, processes=processes).keeps_statistics == kept


def test_synchronised_statistics_are_of_all_processes(discs):
    config = small_config(discs, model=LITE | {"weights": "somewhere"}, optim={"batch_size": SMALL_BATCH})
    assert not EncoderPhases(create_model(**LITE), config, processes=2, synchronized=True).keeps_statistics


def test_a_run_that_was_cut_resumes_exactly_without_the_weights_it_began_with(
    discs, tmp_path, pretrained, monkeypatch
):
    model = LITE | {"weights": str(pretrained), "skip": "crffg"}
    optim = {"freeze_encoder_steps": 3, "encoder_lr_factor": 0.5, "steps": 6}
    config = small_config(discs, model=model, optim=optim)
    Trainer(config, tmp_path / "whole").fit(show_progress=False)
    for cut in (2, 4):
        run = tmp_path / f"cut-{cut}"
        trainer = Trainer(config, run)
        original = trainer.step

        def crash(step, cut=cut, original=original):
            if step == cut:
                raise RuntimeError("power cut")
            return original(step)

        monkeypatch.setattr(trainer, "step", crash)
        with pytest.raises(RuntimeError, match="power cut"):
            trainer.fit(show_progress=False)
        with monkeypatch.context() as gone:
            gone.setattr("prismseg.nets.factory.load_encoder_weights", lambda *_: pytest.fail("weights were read"))
            Trainer(config, run, resume=True).fit(show_progress=False)
        states = [load_file(RunFolder(folder).checkpoint) for folder in (tmp_path / "whole", run)]
        assert states[0].keys() == states[1].keys()
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    trainer = Trainer(config, tmp_path / "cut-2", resume=True)
    assert f"unet, encoder efficientnet_lite0 (weights {pretrained}), skip crffg" in "".join(
        summarize_run(trainer)
    )
    training = trainer.network.metadata["training"]
    assert training["encoder_weights"] == "pretrained" and training["optim"]["encoder_lr_factor"] == 0.5


def test_training_goes_on_from_a_network_with_an_encoder(discs, tmp_path, pretrained):
    first = small_config(discs, model=LITE | {"weights": str(pretrained)}, optim={"steps": 2})
    Trainer(first, tmp_path / "first").fit(show_progress=False)
    settings = finetune_settings(tmp_path / "first")
    assert settings["model"]["encoder"] == "efficientnet_lite0" and settings["model"]["weights"] == "none"
    model = {**settings["model"], "decoder": None, "bottleneck": None, "options": None, "weights": None}
    initial = settings["initial"]
    trainer = Trainer(small_config(discs, model=model, initial=initial), tmp_path / "second")
    theirs = load_file(tmp_path / "first" / "model" / "model.safetensors")
    assert torch.equal(trainer.network.state_dict()["encoder.stem.weight"], theirs["encoder.stem.weight"])
    assert trainer.phases.keeps_statistics  # a batch of 4


def test_settings_that_cannot_be(discs, tmp_path):
    with pytest.raises(
        ConfigError, match="cannot have the weights imagenet and those of the network thermal-feet"
    ):
        small_config(discs, model=LITE | {"weights": "imagenet"}, initial="thermal-feet")
    with pytest.raises(ModelError, match="no weights 'imagenet' for the encoder 'plain'"):
        Trainer(small_config(discs, model=MODEL | {"weights": "imagenet"}), tmp_path / "run")
    single = {"batch_size": 1, "encoder_norm": "train"}
    grouped = LITE | {"norm": "group"}
    with pytest.raises(ConfigError, match=r"batch normalisation .* --encoder-norm frozen, or more images a batch"):
        Trainer(small_config(discs, model=grouped, optim=single), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    Trainer(small_config(discs, model=grouped, optim=single | {"encoder_norm": "frozen"}), tmp_path / "run")


def test_an_architecture_without_an_encoder(discs):
    class Bare(SegmentationModel):
        stride = 1

        def __init__(self, settings):
            super().__init__(settings)
            self.head = nn.Conv2d(settings.in_channels, settings.classes, 1)

        def segment(self, x):
            return self.head(x)

    with ARCHITECTURES.temporarily("bare", Bare):
        bare = {"arch": "bare", "skip": "none"}
        for optim in ({"freeze_encoder_steps": 1}, {"encoder_lr_factor": 0.1}, {"encoder_norm": "frozen"}):
            with pytest.raises(ConfigError, match="'bare' has no encoder that could be frozen"):
                EncoderPhases(create_model("bare"), small_config(discs, model=bare, optim=optim))
        with pytest.raises(ConfigError, match="'bare' has no encoder"):
            create_model("bare", weights="imagenet")
        assert not EncoderPhases(create_model("bare"), small_config(discs, model=bare)).keeps_statistics


def test_settings_that_were_not_chosen_are_not_written():
    stored = make_config({"data": {"path": "d"}}).model_dump(mode="json")
    assert not {"encoder", "weights"} & stored["model"].keys()
    assert not {name for name in stored["optim"] if "encoder" in name}
    chosen = make_config({"data": {"path": "d"}, "optim": {"encoder_lr_factor": 0.1}}).model_dump(mode="json")
    assert chosen["optim"]["encoder_lr_factor"] == 0.1 and "encoder_norm" not in chosen["optim"]
