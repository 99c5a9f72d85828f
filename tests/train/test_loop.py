import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from prismseg.base import ConfigError, DataError, ModelError, OutputError, PrismsegError
from prismseg.data import Split, open_dataset
from prismseg.train import RunFolder, Trainer, TrainingInterrupted, make_config, train
from prismseg.train.optimization.optimizers import create_optimizer
from prismseg.train.setup import make_accelerator, should_compile, start_trackers

from .conftest import small_config


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {
        name: value
        for name, value in load_file(RunFolder(folder).checkpoint).items()
        if not name.startswith("optim")
    }


def assert_equal_runs(first: Path, second: Path) -> None:
    a, b = weights(first), weights(second)
    assert a.keys() == b.keys() and len(a) > 50
    assert all(torch.equal(a[name], b[name]) for name in a)
    best = [load_file(RunFolder(folder).model / "model.safetensors") for folder in (first, second)]
    assert all(torch.equal(best[0][name], best[1][name]) for name in best[0])


def test_it_learns(discs, tmp_path):
    config = small_config(discs, optim={"steps": 80, "batch_size": 6, "lr": 1e-2})
    progress = Trainer(config, tmp_path / "run").fit(show_progress=False)
    assert progress.finished and progress.step == 80
    assert progress.best_score > 0.9
    history = pd.read_csv(tmp_path / "run" / "history.csv")
    assert history["step"].tolist() == list(range(4, 81, 4))
    assert history["loss"].iloc[-1] < history["loss"].iloc[0] / 2


def test_the_same_seed_gives_the_same_weights_and_another_does_not(discs, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        torch.manual_seed(hash(name) % 100)  # what ran before must not matter
        Trainer(small_config(discs, seed=seed), tmp_path / name).fit(show_progress=False)
    assert_equal_runs(tmp_path / "a", tmp_path / "b")
    first, other = weights(tmp_path / "a"), weights(tmp_path / "c")
    assert not torch.equal(first["model.head.weight"], other["model.head.weight"])


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("stop_at", [1, 2, 5])
def test_resume_is_exact_after_a_stop_at_any_step(discs, tmp_path, optimizer, stop_at, monkeypatch):
    config = small_config(discs, optim={"optimizer": optimizer, "lr": 1e-2, "momentum": 0.9})
    Trainer(config, tmp_path / "whole").fit(show_progress=False)
    cut = Trainer(config, tmp_path / "cut")
    original = cut.step

    def crash(step):
        if step == stop_at:
            raise RuntimeError("power cut")
        return original(step)

    monkeypatch.setattr(cut, "step", crash)
    with pytest.raises(RuntimeError, match="power cut"):
        cut.fit(show_progress=False)
    Trainer(config, tmp_path / "cut", resume=True).fit(show_progress=False)
    assert_equal_runs(tmp_path / "whole", tmp_path / "cut")


def start(discs: Path, out: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [
        sys.executable, "-m", "prismseg", "train", str(discs), "--out", str(out), "--width", "0.5", "--size", "32",
        "--batch-size", "4", "--steps", "40", "--evaluate-every", "10", "--checkpoint-every", "3", "--compile", "no",
        "--quiet", *options,
    ]  # fmt: skip
    return subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE)


def wait_for_checkpoint(process: subprocess.Popen[bytes], out: Path) -> None:
    deadline = time.time() + 120
    while not RunFolder(out).checkpoint.exists() and process.poll() is None and time.time() < deadline:
        time.sleep(0.01)


def test_resume_is_exact_after_sigkill(discs, tmp_path):
    assert start(discs, tmp_path / "whole").wait(120) == 0
    for attempt in range(2):
        process = start(discs, tmp_path / "cut", *(["--resume"] if attempt else []))
        wait_for_checkpoint(process, tmp_path / "cut")
        time.sleep(0.35 * attempt)
        process.kill()
        process.wait()
    assert start(discs, tmp_path / "cut", "--resume").wait(120) == 0
    assert_equal_runs(tmp_path / "whole", tmp_path / "cut")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_save_and_say_how_to_go_on(discs, tmp_path, number):
    process = start(discs, tmp_path / "run", "--steps", "100000")
    wait_for_checkpoint(process, tmp_path / "run")
    process.send_signal(number)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"--resume" in message and b"Traceback" not in message
    stopped = int(message.split(b"step ")[1].split()[0])
    metadata = json.loads(_metadata(RunFolder(tmp_path / "run").checkpoint)["progress"])
    assert metadata["step"] == stopped


def _metadata(path: Path) -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return file.metadata()


def test_interruption_in_python(discs, tmp_path, monkeypatch):
    trainer = Trainer(small_config(discs), tmp_path / "run")
    original = trainer.step

    def interrupt(step):
        if step == 3:
            signal.raise_signal(signal.SIGINT)
        return original(step)

    monkeypatch.setattr(trainer, "step", interrupt)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(TrainingInterrupted, match="step 4 of 8"):
        trainer.fit(show_progress=False)
    assert signal.getsignal(signal.SIGINT) is before


def test_accumulation_gives_the_gradients_of_the_whole_batch(discs, tmp_path):
    # Group normalisation and no augmentation: nothing but the loss's mean could differ.
    gradients = []
    for name, parts in (("one", 1), ("three", 3)):
        config = small_config(
            discs, model={"arch": "unet", "skip": "crffg", "width": 0.5, "norm": "group"}, augmentation="none",
            optim={"batch_size": 6, "accumulate": parts, "clip": None},
        )  # fmt: skip
        trainer = Trainer(config, tmp_path / name)
        kept = []
        trainer.optimizer.step = lambda trainer=trainer, kept=kept: kept.extend(
            parameter.grad.clone() for parameter in trainer.network.parameters() if parameter.grad is not None
        )
        trainer.step(0)
        gradients.append(kept)
    for one, three in zip(*gradients, strict=True):
        torch.testing.assert_close(one, three, atol=1e-6, rtol=1e-4)


def test_early_stopping_and_no_validation_part(discs, tmp_path):
    config = small_config(discs, patience=2, evaluate_every=1, optim={"steps": 50, "lr": 1e-9})
    progress = Trainer(config, tmp_path / "patient").fit(show_progress=False)
    # The averaged weights hardly move at this rate: no better score after the first steps.
    assert progress.finished and progress.step < 50 and progress.stale == 2
    dataset = open_dataset(discs)
    split = Split(train=tuple(range(18)), validation=(), test=())
    trainer = Trainer(small_config(discs), tmp_path / "all", dataset=dataset, split=split)
    progress = trainer.fit(show_progress=False)
    assert progress.best_score is None and progress.best_step == 8
    final = load_file(tmp_path / "all" / "model" / "model.safetensors")
    assert torch.equal(final["head.weight"], weights(tmp_path / "all")["average.module.head.weight"])


def test_split_keeps_groups_apart_and_is_stored(config, tmp_path):
    trainer = Trainer(config, tmp_path / "run")
    stored = json.loads((tmp_path / "run" / "split.json").read_text())
    patients = {part: {name.split("_")[0] for name in names} for part, names in stored.items()}
    assert not patients["train"] & patients["test"] and not patients["train"] & patients["validation"]
    assert sum(map(len, stored.values())) == len(trainer.dataset)


def test_folds_cover_every_case_once_and_finished_folds_are_left_alone(discs, tmp_path):
    config = small_config(discs, split={"folds": 3}, optim={"steps": 2})
    folders = train(config, tmp_path / "cv", show_progress=False)
    tested = [name for folder in folders for name in json.loads(folder.split.read_text())["test"]]
    assert sorted(tested) == sorted(open_dataset(discs).ids)
    before = [folder.checkpoint.stat().st_mtime_ns for folder in folders]
    train(config, tmp_path / "cv", resume=True, show_progress=False)
    assert before == [folder.checkpoint.stat().st_mtime_ns for folder in folders]


def test_the_callers_random_numbers_are_left_alone(config, tmp_path):
    before = torch.get_rng_state()
    Trainer(config, tmp_path / "run").fit(show_progress=False)
    assert torch.equal(before, torch.get_rng_state())


def test_small_training_sets_are_nested(discs, tmp_path):
    used = []
    for number, plan in enumerate(({"limit": 3}, {"limit": 6}, {"fraction": 1.0})):
        config = small_config(discs, split={"fractions": (0.5, 0.2, 0.3), **plan})
        Trainer(config, tmp_path / str(number))
        used.append(set(json.loads((tmp_path / str(number) / "split.json").read_text())["train"]))
    assert [len(names) for names in used] == [3, 6, 9] and used[0] < used[1] < used[2]
    with pytest.raises(ConfigError, match="not both"):
        small_config(discs, split={"limit": 3, "fraction": 0.5})


def test_a_split_that_the_data_bring_along(discs, tmp_path):
    ids = open_dataset(discs).ids
    lines = ["image,mask,group,split"] + [
        f"{discs}/{name}.png,{discs}/{name}_mask.png,{name[:2]},{'test' if name < 'p2' else 'train'}"
        for name in ids
    ]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    config = small_config(tmp_path / "table.csv", split={"predefined": True})
    Trainer(config, tmp_path / "run")
    stored = json.loads((tmp_path / "run" / "split.json").read_text())
    assert sorted(stored["test"]) == [name for name in ids if name < "p2"] and not stored["validation"]
    with pytest.raises(DataError, match="brings no split along; leave out --predefined-split"):
        Trainer(small_config(discs, split={"predefined": True}), tmp_path / "none")


class TestRefusals:
    def test_folder_with_a_run(self, config, tmp_path):
        Trainer(config, tmp_path / "run").fit(show_progress=False)
        with pytest.raises(OutputError, match="--resume"):
            Trainer(config, tmp_path / "run")

    def test_nothing_to_resume(self, config, tmp_path):
        with pytest.raises(ModelError, match="no run to resume"):
            Trainer(config, tmp_path / "run", resume=True)

    def test_other_settings(self, config, tmp_path, discs):
        Trainer(config, tmp_path / "run").fit(show_progress=False)
        with pytest.raises(ModelError, match=r"optim\.lr: 0\.005 -> 0\.1"):
            Trainer(small_config(discs, optim={"lr": 0.1}), tmp_path / "run", resume=True)

    def test_checkpoint_of_another_architecture(self, config, tmp_path, discs):
        other = small_config(discs, model={"arch": "resunet", "width": 0.5})
        for name, settings in (("a", config), ("b", other)):
            Trainer(settings, tmp_path / name).fit(show_progress=False)
        stolen = RunFolder(tmp_path / "b").checkpoint
        RunFolder(tmp_path / "a").checkpoint.write_bytes(stolen.read_bytes())
        with pytest.raises(ModelError, match="arch"):
            Trainer(config, tmp_path / "a", resume=True)

    def test_damaged_checkpoint(self, config, tmp_path):
        Trainer(config, tmp_path / "run").fit(show_progress=False)
        path = RunFolder(tmp_path / "run").checkpoint
        path.write_bytes(path.read_bytes()[:1000])
        with pytest.raises(ModelError, match="damaged"):
            Trainer(config, tmp_path / "run", resume=True)

    def test_changed_data(self, config, tmp_path, discs, monkeypatch):
        Trainer(config, tmp_path / "run").fit(show_progress=False)
        monkeypatch.setattr("prismseg.data.dataset.SegmentationDataset.fingerprint", lambda self: "other")
        with pytest.raises(ModelError, match="data set has changed"):
            Trainer(config, tmp_path / "run", resume=True)

    def test_too_few_groups(self, discs, tmp_path):
        with pytest.raises(DataError, match="group"):
            Trainer(small_config(discs, split={"folds": 7}), tmp_path / "run")

    def test_diverging_loss(self, config, tmp_path, monkeypatch):
        trainer = Trainer(config, tmp_path / "run")
        monkeypatch.setattr(trainer, "loss", lambda logits, masks: logits.sum() * float("nan"))
        with pytest.raises(PrismsegError, match="learning rate"):
            trainer.fit(show_progress=False)

    def test_full_disk_keeps_the_last_checkpoint(self, config, tmp_path, monkeypatch):
        trainer = Trainer(config, tmp_path / "run")
        trainer.step(0)
        trainer.save()
        before = RunFolder(tmp_path / "run").checkpoint.read_bytes()

        def full(self, content):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(OutputError, match="disk is full"):
            trainer.save()
        monkeypatch.undo()
        assert RunFolder(tmp_path / "run").checkpoint.read_bytes() == before
        assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["last.safetensors"]


def test_phases_and_biases_do_not_decay(config, tmp_path):
    network = Trainer(config, tmp_path / "run").network
    decayed, spared = create_optimizer(config.optim, network).param_groups
    assert decayed["weight_decay"] > 0 and spared["weight_decay"] == 0
    assert all(p.ndim > 1 for p in decayed["params"]) and all(p.ndim <= 1 for p in spared["params"])
    total = len(decayed["params"]) + len(spared["params"])
    assert total == sum(p.requires_grad for p in network.parameters())


def test_compiling_is_for_long_runs(discs):
    cpu = torch.device("cpu")
    assert not should_compile(small_config(discs, compile="auto", optim={"steps": 10}), cpu)
    assert should_compile(small_config(discs, compile="auto", optim={"steps": 1000}), cpu)
    assert should_compile(small_config(discs, compile="yes"), cpu)
    assert not should_compile(small_config(discs, compile="no", optim={"steps": 1000}), cpu)


def test_unknown_tracker_names_the_extra(discs, tmp_path, monkeypatch):
    monkeypatch.setattr("prismseg.train.setup.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="tracking"):
        Trainer(small_config(discs, tracking=("mlflow",)), tmp_path / "run")


def test_tensorboard_gets_the_curve(discs, tmp_path):
    config = small_config(discs, tracking=("tensorboard",))
    Trainer(config, tmp_path / "run").fit(show_progress=False)
    assert list((tmp_path / "run" / "tracking").rglob("events.out.tfevents*"))


def test_weights_and_biases_writes_into_the_run_and_is_sent_no_code(discs, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("prismseg.train.setup.find_spec", lambda name: name == "wandb")
    monkeypatch.setattr("prismseg.train.setup.Accelerator", lambda log_with, project_dir: asked.append(log_with))
    folder = tmp_path / "run" / "tracking"
    config = small_config(discs, tracking=("wandb",))
    make_accelerator(config, tmp_path / "run")
    assert asked == [["wandb"]]
    told = {}
    stub = SimpleNamespace(project_dir=str(folder), init_trackers=lambda name, **facts: told.update(facts))
    start_trackers(stub, config)
    assert told["init_kwargs"] == {"wandb": {"dir": str(folder), "save_code": False}} and folder.is_dir()
    assert set(told["config"]) == {"seed", "dataset"}  # no path, which may say whose data these are


def test_config_of_a_run_can_start_another(config, tmp_path):
    Trainer(config, tmp_path / "run")
    assert make_config(config.model_dump()) == config
