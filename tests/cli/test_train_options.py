"""Given on the command line > file > plan > default, for every option of every verb that reads a file."""

import importlib
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from prismseg.cli.main import app
from prismseg.train.config import flat_settings, make_config
from prismseg.train.plan import limits
from prismseg.train.plan.fingerprint import ClassFacts, Fingerprint
from prismseg.train.plan.plan import Plan, settle
from prismseg.train.plan.recipe import decide
from prismseg.train.plan.resources import Resources

from .test_cli import prismseg

LEGEND = {"#000000": "background", "#ff0000": "nerve"}
# Option -> setting, what the file says, what the command line says (words, and the value they mean).
TRAIN: dict[str, tuple[str, Any, list[str], Any]] = {
    "layout": ("data.layout", "folders", ["--layout", "table"], "table"),
    "group": ("data.group", "prefix", ["--group", "block:3"], "block:3"),
    "binary": ("data.binary", True, ["--no-binary"], False),
    "classes": ("data.classes", ["background", "nerve"], ["--classes", "background, vessel"], ("background", "vessel")),
    "mask_suffix": ("data.mask_suffix", "_gt", ["--mask-suffix", "_m"], "_m"),
    "channels": ("data.channels", 3, ["--channels", "1"], 1),
    "colours": ("data.colours", {"#010203": "background"}, ["--colours", "LEGEND"], LEGEND),
    "annotators": ("data.annotators", "majority", ["--annotators", "staple"], "staple"),
    "multilabel": ("data.multilabel", True, ["--one-label"], False),
    "size": ("size", [64, 64], ["--size", "32x48"], (32, 48)),
    "crop": ("crop", [32, 32], ["--crop", "24x32"], (24, 32)),
    "crop_foreground": ("crop_foreground", 0.5, ["--crop-foreground", "0.25"], 0.25),
    "soft_labels": ("soft_labels", True, ["--no-soft-labels"], False),
    "intensity": ("intensity", "unit", ["--intensity", "zscore"], "zscore"),
    "fit": ("fit", "area", ["--fit", "stretch"], "stretch"),
    "shrink": ("shrink", 4, ["--shrink", "2"], 2),
    "fractions": ("split.fractions", [0.5, 0.2, 0.3], ["--fractions", "1,0,0"], (1.0, 0.0, 0.0)),
    "folds": ("split.folds", 4, ["--folds", "3"], 3),
    "fold": ("split.fold", 1, ["--fold", "0"], 0),
    "predefined_split": ("split.predefined", True, ["--ignore-split"], False),
    "limit": ("split.limit", 5, ["--limit", "7"], 7),
    "fraction": ("split.fraction", 0.5, ["--fraction", "0.25"], 0.25),
    "split_seed": ("split.seed", 3, ["--split-seed", "0"], 0),
    "model": ("model.arch", "fcn", ["--model", "unet"], "unet"),
    "skip": ("model.skip", "conv", ["--skip", "none"], "none"),
    "multiplier": ("model.multiplier", 3, ["--multiplier", "1"], 1),
    "preset": ("model.preset", "thesis", ["--preset", "default"], "default"),
    "width": ("model.width", 0.5, ["--width", "1"], 1.0),
    "norm": ("model.norm", "group", ["--norm", "batch"], "batch"),
    "encoder": ("model.encoder", "residual", ["--encoder", "plain"], "plain"),
    "decoder": ("model.decoder", "wide", ["--decoder", "slim"], "slim"),
    "bottleneck": ("model.bottleneck", "attention", ["--bottleneck", "attention_exact"], "attention_exact"),
    "sampling": ("optim.sampling", "balanced", ["--sampling", "shuffled"], "shuffled"),
    "encoder_weights": ("model.weights", "runs/zeroth", ["--encoder-weights", "runs/first"], "runs/first"),
    "encoder_lr_factor": ("optim.encoder_lr_factor", 0.5, ["--encoder-lr-factor", "0.25"], 0.25),
    "freeze_encoder_steps": ("optim.freeze_encoder_steps", 7, ["--freeze-encoder-steps", "9"], 9),
    "encoder_norm": ("optim.encoder_norm", "train", ["--encoder-norm", "frozen"], "frozen"),
    "deep_supervision": ("optim.deep_supervision", True, ["--no-deep-supervision"], False),
    "relevance": ("optim.relevance", 0.5, ["--relevance", "0.25"], 0.25),
    "relevance_margin": ("optim.relevance_margin", 7, ["--relevance-margin", "0"], 0),
    "relevance_every": ("optim.relevance_every", 7, ["--relevance-every", "1"], 1),
    "loss": ("optim.loss", "focal", ["--loss", "ce"], "ce"),
    "class_weights": ("optim.class_weights", "balanced", ["--class-weights", "1,2.5"], (1.0, 2.5)),
    "optimizer": ("optim.optimizer", "sgd", ["--optimizer", "adam"], "adam"),
    "lr": ("optim.lr", 0.5, ["--lr", "0.25"], 0.25),
    "weight_decay": ("optim.weight_decay", 0.5, ["--weight-decay", "0"], 0.0),
    "momentum": ("optim.momentum", 0.5, ["--momentum", "0.25"], 0.25),
    "schedule": ("optim.schedule", "poly", ["--schedule", "constant"], "constant"),
    "steps": ("optim.steps", 7, ["--steps", "9"], 9),
    "batch_size": ("optim.batch_size", 4, ["--batch-size", "6"], 6),
    "accumulate": ("optim.accumulate", 2, ["--accumulate", "1"], 1),
    "clip": ("optim.clip", 3.0, ["--clip", "none"], None),
    "ema": ("optim.ema", 0.5, ["--ema", "none"], None),
    "postprocess": ("postprocess", "two-feet", ["--postprocess", "none"], "none"),
    "augmentation": ("augmentation", "thesis", ["--augmentation", "none"], "none"),
    "test_mirror": ("test_mirror", False, ["--test-mirror"], True),
    "patience": ("patience", 3, ["--patience", "none"], None),
    "evaluate_every": ("evaluate_every", 7, ["--evaluate-every", "9"], 9),
    "checkpoint_every": ("checkpoint_every", 7, ["--checkpoint-every", "9"], 9),
    "seed": ("seed", 7, ["--seed", "0"], 0),
    "device": ("device", "cuda", ["--device", "cpu"], "cpu"),
    "force": ("force", True, ["--no-force"], False),
    "precision": ("precision", "bf16", ["--precision", "fp32"], "fp32"),
    "compile_": ("compile", "auto", ["--compile", "yes"], "yes"),
    "tracking": ("tracking", ["tensorboard"], ["--tracking", "none"], ()),
    "cache_mib": ("cache_mib", 7, ["--cache-mib", "9"], 9),
}  # fmt: skip
# No settings of a run: where it lies, what it starts from, how it is shown. --from has tests of its own.
OTHERS = {"data", "out", "config", "from_", "resume", "within", "quiet", "help"}
# Settings that no option of `train` reaches: those of `thermal train`, and the path, which is the argument.
UNREACHED = {"source.kind", "data.path", "initial"}
# Settings that are not written where nothing was chosen.
OMITTED = {"model.encoder", "model.decoder", "model.weights", "crop", "crop_foreground", "test_mirror", "shrink",
           "data.annotators", "data.multilabel", "soft_labels", "optim.class_weights",
           "optim.encoder_lr_factor", "optim.freeze_encoder_steps", "optim.deep_supervision",
           "optim.encoder_norm", "optim.sampling", "model.bottleneck",
           "optim.relevance", "optim.relevance_margin", "optim.relevance_every"}  # fmt: skip
DEFAULTS = make_config({"data": {"path": "x"}})
OPTIONAL = {name for name, (setting, *_) in TRAIN.items() if attrgetter(setting)(DEFAULTS) is None}


# Data that there are none of, and what follows from them where nothing is chosen.
DATA = Fingerprint(
    images=40, labelled=40, groups=8, sampled=32, channels=1, depth="uint8", heights=(128,) * 3, widths=(128,) * 3,
    aspects=(1.0, 1.0), classes=(ClassFacts("nerve", 0.03, 1.0, 1.0, 900.0, thickness=20.0, fineness=0.16),),
)  # fmt: skip
PLANNED = {
    "size": (128, 128), "model.encoder": limits.ENCODER, "model.weights": limits.WEIGHTS,
    "model.skip": limits.SKIP, "augmentation": limits.AUGMENTATION["few"],
    "test_mirror": True, "optim.lr": limits.LEARNING_RATE["pretrained"], "optim.steps": limits.STEPS["cpu"],
    "compile": limits.COMPILE["cpu"], "optim.batch_size": limits.BATCH_SIZE,
    "evaluate_every": limits.STEPS["cpu"] // limits.EVALUATIONS,
}  # fmt: skip


def plan_nothing(dataset, settings):
    """Plan as for the data above, whatever the settings say of data, which need not be there."""
    resources = Resources("cpu", 2, weights=True)
    return Plan(DATA, resources, tuple(decide(DATA, resources, settle(settings))), settings)


@pytest.fixture
def settings_of(monkeypatch, tmp_path):
    """Run `prismseg train` with these words and give the settings with which it would train."""
    seen = []
    monkeypatch.setattr("prismseg.train.plan.run.open_with", lambda path, options: None)
    monkeypatch.setattr("prismseg.train.plan.run.check_data", lambda config, dataset, show_progress: [])
    monkeypatch.setattr("prismseg.train.plan.run.make_plan", plan_nothing)
    monkeypatch.setattr("prismseg.train.crossval.train", lambda config, out, **options: seen.append(config) or [])
    legend = tmp_path / "legend.csv"
    legend.write_text("colour,class\n#000000,background\n#ff0000,nerve\n")

    def run(*words: object, file: dict[str, Any] | None = None) -> dict[str, Any]:
        config: list[object] = []
        if file is not None:
            (tmp_path / "file.yaml").write_text(yaml.safe_dump(file))
            config = ["--config", tmp_path / "file.yaml"]
        words = tuple(str(legend) if word == "LEGEND" else word for word in words)
        result = prismseg("train", tmp_path / "data", "--out", tmp_path / "run", *config, *words)
        assert result.returncode == 0, result.stderr
        return seen[-1].model_dump()

    return run


def value_of(settings: dict[str, Any], name: str) -> Any:
    *sections, last = name.split(".")
    for section in sections:
        settings = settings[section]
    return settings.get(last, attrgetter(name)(DEFAULTS)) if name in OMITTED else settings[last]


def nested(name: str, value: Any) -> dict[str, Any]:
    for part in reversed(name.split(".")):
        value = {part: value}
    return value


def parameters(*verb: str) -> set[str]:
    command = typer.main.get_command(app)
    for name in verb:
        command = command.commands[name]
    return {parameter.name for parameter in command.params}


def test_the_table_holds_every_option_and_every_setting():
    assert parameters("train") | {"help"} == set(TRAIN) | OTHERS
    default = make_config({"data": {"path": "x"}}).model_dump()
    reached = {setting for setting, *_ in TRAIN.values()}
    assert set(flat_settings(default)) | OMITTED == reached | UNREACHED


BESIDE: dict[str, dict[str, Any]] = {
    "fold": {"split": {"folds": 4}},
    "shrink": {"fit": "native"},
    "crop_foreground": {"crop": [16, 16]},
    "momentum": {"optim": {"optimizer": "sgd"}},
    "relevance_margin": {"optim": {"relevance": 0.1}},
    "relevance_every": {"optim": {"relevance": 0.1}},
}


@pytest.mark.parametrize("option", TRAIN)
def test_given_over_file_over_plan_over_default(settings_of, option):
    setting, stated, words, meant = TRAIN[option]
    default = PLANNED.get(setting, value_of(DEFAULTS.model_dump(), setting))
    # An option that could only be given with another one brings it along.
    beside = BESIDE.get(option, {})
    stated_value = tuple(stated) if isinstance(stated, list) else stated
    assert stated_value not in (default, meant) and meant is not stated_value
    file = nested(setting, stated)
    for section, values in beside.items():
        file[section] = {**file.get(section, {}), **values} if isinstance(values, dict) else values
    assert value_of(settings_of(), setting) == default
    assert value_of(settings_of(file=file), setting) == stated_value
    assert value_of(settings_of(*words, file=file), setting) == meant
    assert value_of(settings_of(*words, file=beside or None), setting) == meant


@pytest.mark.parametrize("option", sorted(OPTIONAL - {"predefined_split"}))
def test_none_takes_back_what_a_file_says(settings_of, option):
    setting, stated, words, _ = TRAIN[option]
    file = nested(setting, stated)
    if option == "fold":
        file["split"]["folds"] = 4
    assert value_of(settings_of(words[0], "none", file=file), setting) is None


def test_one_of_two_that_exclude_each_other(settings_of):
    split = settings_of("--fraction", "0.5", file={"split": {"limit": 7, "folds": 3}})["split"]
    assert (split["limit"], split["fraction"], split["folds"]) == (None, 0.5, 3)
    split = settings_of("--fractions", "1,0,0", file={"split": {"folds": 3}})["split"]
    assert (split["folds"], split["fractions"]) == (None, (1.0, 0.0, 0.0))
    split = settings_of("--folds", "3", file={"split": {"fractions": [1, 0, 0]}})["split"]
    assert (split["folds"], split["fractions"]) == (3, None)
    data = settings_of("--classes", "background,vessel", file={"data": {"colours": LEGEND}})["data"]
    assert (data["classes"], data["colours"]) == (("background", "vessel"), None)
    data = settings_of("--colours", "LEGEND", file={"data": {"classes": ["background", "vessel"]}})["data"]
    assert (data["classes"], data["colours"]) == (None, LEGEND)


def test_the_data_of_a_file_and_of_the_command_line(settings_of, tmp_path):
    file = {"data": {"path": "elsewhere", "group": "prefix"}}
    settings = settings_of(file=file)
    assert settings["data"]["path"] == str(tmp_path / "data") and settings["data"]["group"] == "prefix"


def test_evaluate_and_explain_read_data_as_the_run_did(monkeypatch, discs, tmp_path):
    """Every option of `evaluate` that says how data are read has its place in the settings of a run."""
    data_options = {name for name, (setting, *_) in TRAIN.items() if setting.startswith("data.")}
    for verb in ("evaluate", "explain"):
        assert data_options <= parameters(verb)
    from prismseg.train.config import write_config
    from prismseg.train.runs.data import open_for
    from prismseg.train.runs.folder import RunFolder

    opened = {}
    monkeypatch.setattr(
        "prismseg.train.runs.data.open_with", lambda path, options: opened.update(options.model_dump())
    )
    for option in sorted(data_options):
        setting, stated, _, meant = TRAIN[option]
        key = setting.removeprefix("data.")
        config = make_config({"data": {"path": str(discs), key: stated}})
        write_config(RunFolder(tmp_path).config, config)
        default = getattr(make_config({"data": {"path": "x"}}).data, key)
        cases = [({}, getattr(config.data, key)), ({key: meant}, meant)]
        for given, expected in cases + [({key: "none"}, None)] * (option in OPTIONAL):
            open_for(tmp_path, discs, given)
            found = opened[key]
            assert (
                tuple(found) if isinstance(found, list) else found
            ) == expected != default or expected == default


def test_a_runs_own_settings_lie_below_the_options_when_it_is_resumed(settings_of, tmp_path):
    from prismseg.train.config import write_config
    from prismseg.train.runs.folder import RunFolder

    config = make_config({"data": {"path": "here", "group": "prefix", "binary": True}, "optim": {"steps": 7}})
    write_config(RunFolder(tmp_path / "run").config, config)
    resumed = settings_of("--resume", "--steps", "9")
    assert resumed["data"] | {"path": ""} == config.data.model_dump() | {"path": ""}
    assert resumed["optim"]["steps"] == 9
    (tmp_path / "run" / "config.yaml").rename(tmp_path / "config.yaml")
    for fold in (0, 1):
        split = {"folds": 2, "fold": fold}
        folded = make_config(config.model_dump() | {"split": split})
        write_config(RunFolder(tmp_path / "run" / f"fold-{fold}").config, folded)
    assert settings_of("--resume")["split"]["fold"] is None and settings_of("--resume")["split"]["folds"] == 2


def test_resume_alone_goes_on_and_lengthens(discs, tmp_path):
    quick = [
        "--width",
        "0.5",
        "--size",
        "32",
        "--batch-size",
        "4",
        "--steps",
        "2",
        "--evaluate-every",
        "2",
        "--quiet",
    ]
    run = tmp_path / "run"
    result = prismseg("train", discs, "--group", "prefix", "--out", run, *quick)
    assert result.returncode == 0 and "18 images of 6 groups (--group prefix)" in result.stdout
    result = prismseg("train", "--resume", "--out", run, "--quiet")
    assert result.returncode == 0 and "The run is finished (step 2 of 2)" in result.stdout
    result = prismseg("train", "--resume", "--out", run, "--steps", "3", "--quiet")
    assert result.returncode == 0 and "from step 2 to 3" in result.stdout
    result = prismseg("train", "--resume", "--out", run, "--group", "image", "--quiet")
    assert result.returncode == 2 and "data.group: prefix -> image" in result.stderr


def test_the_twin_of_a_run_has_its_groups(tmp_path):
    """`--config RUN/config.yaml` lost group, binary and layout: patients landed on both sides."""
    from ..conftest import write_discs

    folder = write_discs(tmp_path / "images")
    masks = tmp_path / "masks"
    masks.mkdir()
    for path in folder.glob("*_mask.png"):
        path.rename(masks / path.name.replace("_mask", ""))
    quick = ["--width", "0.25", "--size", "32", "--batch-size", "4", "--steps", "1", "--quiet"]
    words = ["--binary", "--group", "prefix", "--layout", "folders"]
    assert prismseg("train", tmp_path, *words, "--out", tmp_path / "a", *quick).returncode == 0
    assert prismseg("train", "--config", tmp_path / "a" / "config.yaml", "--out", tmp_path / "b").returncode == 0
    for name in ("config.yaml", "split.json"):
        assert (tmp_path / "a" / name).read_text() == (tmp_path / "b" / name).read_text()
    assert not Path("runs/latest").exists()


@pytest.mark.parametrize("verb", ["evaluate", "explain"])
def test_verbs_on_data_hand_over_only_what_is_given(monkeypatch, tmp_path, verb):
    """A default of the command line must not beat the run's own settings."""
    seen = []

    def stop(model, path=None, options=None):
        seen.append({key: value for key, value in options.items() if value is not None})
        raise typer.Exit

    # A module that is first imported meanwhile would keep the other function for ever.
    for module in ("runs.assignment", "runs.uncertainty", "ensemble.make"):
        importlib.import_module(f"prismseg.train.{module}")
    monkeypatch.setattr("prismseg.train.runs.data.open_for", stop)
    (tmp_path / "legend.csv").write_text("colour,class\n#000000,background\n#ff0000,nerve\n")
    options = {setting.removeprefix("data."): (words, meant) for setting, _, words, meant in TRAIN.values()}
    data_options = {
        key: value
        for key, value in options.items()
        if key in make_config({"data": {"path": "x"}}).data.model_dump()
    }
    prismseg(verb, tmp_path, tmp_path)
    assert seen.pop() == {}
    for key, (words, meant) in data_options.items():
        prismseg(verb, tmp_path, tmp_path, *(tmp_path / "legend.csv" if w == "LEGEND" else w for w in words))
        # A number that may be "none" is still a word here.
        assert seen.pop() == {key: words[-1] if key == "channels" else meant}
