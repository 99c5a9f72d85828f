"""Plans of real folders: what stands over what, what is printed and written, and that a run follows it."""

import json
from types import SimpleNamespace

import pytest
import yaml

from prismseg.base import ConfigError, DataError
from prismseg.data import open_dataset
from prismseg.train import RunFolder, configure, make_config, make_plan, plan_run, train
from prismseg.train.config import flat_settings, write_config
from prismseg.train.plan import limits
from prismseg.train.plan.plan import settle
from prismseg.train.plan.report import describe_data, describe_plan, describe_time
from prismseg.train.plan.resources import Resources, find_resources
from prismseg.train.plan.run import WHOLE_RECIPE
from prismseg.train.plan.timing import Timing, time_run

from ...cli.test_cli import prismseg
from ...conftest import write_discs

BARE = Resources("cpu", 2, weights=False, install="pip install 'prismseg[encoders]'")


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """No pretrained weights and a short run, so that it takes seconds."""
    monkeypatch.setattr("prismseg.train.plan.plan.find_resources", lambda device: BARE)
    monkeypatch.setattr(limits, "STEPS", {"cpu": 3, "cuda": 3})
    monkeypatch.setattr(limits, "EPOCHS", 0)


def test_a_plan_becomes_the_settings_of_a_run(discs):
    plan = make_plan(open_dataset(discs), {"optim": {"clip": None}, "seed": 4})
    config = plan.config()
    chosen = {each.setting: each.value for each in plan.decisions}
    flat = flat_settings(config.model_dump())
    assert chosen.keys() >= {"size", "optim.lr", "augmentation", "optim.steps", "test_mirror"}
    for setting, value in chosen.items():
        assert flat.get(setting) == value, setting  # an encoder that is None is not written
    assert (config.optim.clip, config.seed, config.data.path) == (None, 4, str(discs))


class TestPrecedence:
    def test_option_over_file_over_plan_over_default(self, discs, tmp_path):
        (tmp_path / "c.yaml").write_text(
            yaml.safe_dump({"optim": {"lr": 0.5, "momentum": 0.7}, "augmentation": "thesis"})
        )
        config, plan = plan_run({"data": {"path": str(discs)}, "optim": {"lr": 0.25}}, tmp_path / "c.yaml")
        assert config.optim.lr == 0.25  # option
        assert (config.augmentation, config.optim.momentum) == ("thesis", 0.7)  # file
        assert (config.optim.steps, config.test_mirror) == (3, True)  # plan
        assert config.optim.weight_decay == make_config({"data": {"path": "x"}}).optim.weight_decay  # default
        assert not {"optim.lr", "augmentation"} & {each.setting for each in plan.decisions}

    def test_what_a_file_states_stands_also_where_it_is_the_default(self, discs, tmp_path):
        stated = {"test_mirror": False, "crop": None, "model": {"encoder": None, "decoder": None}}
        (tmp_path / "c.yaml").write_text(yaml.safe_dump(stated))
        config, plan = plan_run({"data": {"path": str(discs)}}, tmp_path / "c.yaml")
        assert not config.test_mirror
        assert not {"test_mirror", "crop", "model.encoder", "model.decoder"} & {
            each.setting for each in plan.decisions
        }

    def test_rules_follow_what_is_settled(self, discs):
        config, _ = plan_run({"data": {"path": str(discs)}, "augmentation": "none", "size": "64"})
        assert config.size == (64, 64) and not config.test_mirror and config.crop is None

    def test_none_takes_back_what_would_be_planned(self, discs, monkeypatch):
        monkeypatch.setattr(limits, "IMAGE_PIXELS", {"cpu": 32 * 32, "cuda": 1})
        monkeypatch.setattr(limits, "SMALLEST_SIDE", 16)
        chosen = {"data": {"path": str(discs)}, "optim": {}}
        assert plan_run(chosen | {"fit": "area"})[0].crop is None  # discs are thick
        monkeypatch.setattr(limits, "THIN_PIXELS", 60.0)
        assert plan_run(chosen)[0].crop is not None
        assert plan_run(chosen | {"crop": "none"})[0].crop is None

    def test_the_settings_of_a_run_are_a_whole_recipe(self, discs, tmp_path):
        """An old config.yaml trains as it did, also where it does not name what came later."""
        old = make_config({"data": {"path": str(discs)}, "size": (48, 48), "optim": {"steps": 7}})
        write_config(tmp_path / "config.yaml", old)
        config, plan = plan_run({"data": {"path": str(discs)}}, tmp_path / "config.yaml")
        assert plan is None and config == old
        longer, plan = plan_run({"data": {"path": str(discs)}, "optim": {"steps": 9}}, tmp_path / "config.yaml")
        assert plan is None and longer.optim.steps == 9 and longer.crop is None
        values = old.model_dump(mode="json")
        for setting in WHOLE_RECIPE:
            partial = json.loads(json.dumps(values))
            section = partial[setting.split(".")[0]] if "." in setting else partial
            del section[setting.split(".")[-1]]
            (tmp_path / "partial.yaml").write_text(yaml.safe_dump(partial))
            assert plan_run({"data": {"path": str(discs)}}, tmp_path / "partial.yaml")[1] is not None, setting

    def test_the_thesis_and_a_trained_network_keep_their_recipe(self, discs):
        chosen = {"data": {"path": str(discs)}, "model": {"preset": "thesis"}}
        config, plan = plan_run(chosen)
        assert plan is None and config == configure(chosen) and config.optim.loss == "dice"
        fitted = {"data": {"path": str(discs)}, "model": {"arch": "instant", "skip": "none"}}
        assert plan_run(fitted) == (configure(fitted), None)
        config, plan = plan_run({"data": {"path": str(discs)}}, initial={"size": (64, 64), "optim": {"lr": 3e-4}})
        assert plan is None and (config.size, config.optim.lr) == ((64, 64), 3e-4)

    def test_numbers_may_be_words_and_sections_hold_what_they_like(self):
        stated = {"data": {"path": "x", "colours": {"#000000": "background"}}, "source": {"kind": "cases"}}
        stated |= {"split": {"fraction": "0.5"}, "model": {"options": {"grid": 4}}, "crop": None, "seed": 3}
        expected = {"split.fraction": 0.5, "model.options": {"grid": 4}, "crop": None, "seed": 3}
        assert settle(stated) == expected

    def test_explicit_settings_stay_explicit(self):
        config = configure({"data": {"path": "nowhere"}})
        assert config == make_config({"data": {"path": "nowhere"}}) and config.size == (224, 224)


def test_train_without_options_follows_the_plan_and_writes_it_down(discs, tmp_path):
    planned = json.loads(prismseg("plan", discs, "--json").stdout)
    result = prismseg("train", discs, "--out", tmp_path / "run", "--quiet")
    assert result.returncode == 0, result.stderr
    assert "Plan: optim.steps 3: each training image is seen about 3 times." in result.stdout
    assert "Plan: model.encoder none:" in result.stdout and "pip install 'prismseg[encoders]'" in result.stdout
    written = RunFolder(tmp_path / "run").read_config()
    assert written == make_config(planned["config"] | {"data": written.data.model_dump()})
    assert written.test_mirror and written.augmentation == "strong"
    twin = prismseg("train", "--config", tmp_path / "run" / "config.yaml", "--out", tmp_path / "twin", "--quiet")
    assert twin.returncode == 0 and "Plan:" not in twin.stdout
    assert RunFolder(tmp_path / "twin").read_config() == written
    assert prismseg("evaluate", tmp_path / "run", "--quiet").returncode == 0


def test_what_is_printed(discs):
    result = prismseg("plan", discs, "--limit", "5")
    assert result.returncode == 0, result.stderr
    assert "18 images of 6 groups" in result.stdout and "1 channel, uint8; 40 x 48 pixels" in result.stdout
    assert "there are few training images (5)" in result.stdout and "right to a factor of 3" in result.stdout
    plan = make_plan(open_dataset(discs))
    for line in (*describe_data(plan.data), *describe_plan(plan), describe_time(plan)):
        assert line.endswith(".") and not line.endswith("..") and "None" not in line
    assert len(describe_plan(plan)) == len(plan.decisions)
    facts = json.loads(prismseg("plan", discs, "--json").stdout)
    assert facts["fingerprint"]["images"] == 18 and facts["resources"]["weights"] is False
    assert {each["setting"] for each in facts["decisions"]} == {each.setting for each in plan.decisions}


@pytest.fixture
def steady(monkeypatch):
    """A machine on which a step takes 0.25 s an image of 64 x 64 and an evaluation half a second, on its own clock."""
    from prismseg.train.loop import Trainer

    now, taken = [0.0], []

    def step(self, number):
        config = self.config
        taken.append(number)
        height, width = config.crop or config.size
        now[0] += 0.25 * config.optim.batch_size * height * width / 64**2
        return 0.0

    monkeypatch.setattr(Trainer, "step", step)
    monkeypatch.setattr(Trainer, "evaluate", lambda self: now.__setitem__(0, now[0] + 0.5))
    monkeypatch.setattr("prismseg.train.plan.timing.time", SimpleNamespace(perf_counter=lambda: now[0]))
    return taken


SMALL = {"size": (64, 64), "optim": {"batch_size": 4}}


def test_steps_and_evaluations_are_timed_by_doing_some(discs, steady):
    dataset = open_dataset(discs)
    assert time_run(make_plan(dataset, SMALL), dataset) == Timing(step=1.0, evaluation=0.5) and steady == [0, 1, 2]


class TestWithin:
    @pytest.fixture(autouse=True)
    def long(self, monkeypatch):
        monkeypatch.setattr(limits, "STEPS", {"cpu": 300, "cuda": 300})

    def test_the_whole_run_takes_no_longer(self, discs, steady):
        settings = {"data": {"path": str(discs)}, **SMALL}
        config, plan = plan_run(settings, seconds=100)
        # 90 s are planned for; ten evaluations take 5 s, steps of a second the rest
        assert (config.optim.steps, config.evaluate_every) == (85, 9)
        assert Timing(1.0, 0.5).seconds(config) <= 100 and plan.seconds() == pytest.approx(85)
        assert "by the speed of its first steps" in describe_time(plan)
        assert plan_run(settings, seconds=1e6)[0].optim.steps == 300

    def test_a_cross_validation_as_a_whole(self, discs, steady):
        config, plan = plan_run({"data": {"path": str(discs)}, "split": {"folds": 3}, **SMALL}, seconds=300)
        assert plan.seconds() == pytest.approx(3 * 85), "of all three networks"
        assert config.optim.steps == 85 and Timing(1.0, 0.5).seconds(config) <= 300

    def test_what_changes_with_the_speed_is_timed_again(self, discs, steady):
        # A batch of 16 is what the estimate has time for; here it would learn in few steps, so that 8 are taken.
        config, _ = plan_run({"data": {"path": str(discs)}, "size": (64, 64)}, seconds=400)
        assert (config.optim.batch_size, steady) == (8, [0, 1, 2] * 2)
        assert config.optim.steps == 177  # (360 s - 5 s) / 2 s

    def test_no_time_for_enough_steps(self, discs, steady):
        # (20 steps of a second + an evaluation of half a second) / 0.9
        message = r"learn in 1 step here, of 1.0 s each; fewer than 20 do not pay. Give it about 23 seconds"
        with pytest.raises(ConfigError, match=message):
            plan_run({"data": {"path": str(discs)}, **SMALL}, seconds=2)
        assert plan_run({"data": {"path": str(discs)}, **SMALL}, seconds=28)[0].optim.steps == 20

    def test_steps_that_are_stated_leave_nothing_to_it(self, discs, tmp_path):
        with pytest.raises(ConfigError, match="either the steps or the time"):
            plan_run({"data": {"path": str(discs)}, "optim": {"steps": 5}}, seconds=60)
        with pytest.raises(ConfigError, match="leaves nothing to a plan"):
            plan_run({"data": {"path": str(discs)}, "model": {"preset": "thesis"}}, seconds=60)

    def test_on_the_command_line(self, discs, tmp_path):
        result = prismseg(
            "train",
            discs,
            "--within",
            "10m",
            "--out",
            tmp_path / "run",
            "--steps",
            2,
            "--size",
            "32",
            "--encoder",
            "none",
        )
        assert result.returncode == 2 and "not both" in result.stderr and not (tmp_path / "run").exists()
        result = prismseg("plan", discs, "--within", "soon")
        assert result.returncode == 2 and "90s, 10m or 2h" in result.stderr


def test_the_estimate_is_pixels_over_the_rate(discs):
    plan = make_plan(
        open_dataset(discs), {"size": (64, 64), "optim": {"steps": 100, "batch_size": 4}}, resources=BARE
    )
    assert plan.seconds() == pytest.approx(100 * 4 * 64 * 64 / (2 * limits.PIXEL_RATE["cpu"]))


def test_faults_are_told_before_anything_is_planned(discs, tmp_path):
    from ...conftest import write_discs

    folder = write_discs(tmp_path / "faulty")
    (folder / "p0_0.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"p0_0\.png"):
        plan_run({"data": {"path": str(folder)}})


def test_this_machine():
    found = find_resources("cpu")
    assert found.device == "cpu" and found.cores >= 1 and "prismseg[encoders]" in found.install
    assert find_resources("cuda:1").device == "cuda"


def test_python_needs_no_folder_of_a_run(discs, tmp_path):
    (run,) = train(make_plan(open_dataset(discs)).config(), tmp_path / "run", show_progress=False)
    assert run.model.is_dir()


def test_a_plan_says_that_training_would_refuse_the_data(tmp_path, discs):
    lone = write_discs(tmp_path / "lone", patients=1, images=2)
    planned, trained = prismseg("plan", lone), prismseg("train", lone, "--out", tmp_path / "run", "--quiet")
    assert planned.returncode == 0 and trained.returncode != 0 and not (tmp_path / "run").exists()
    reason = trained.stderr.strip().removeprefix("Error: ")
    assert "a group is never divided" in reason
    assert planned.stdout.endswith(f"But prismseg train refuses these data as they are. {reason}\n")
    assert json.loads(prismseg("plan", lone, "--json").stdout)["refusal"] == reason
    assert "refuses" not in prismseg("plan", discs).stdout
