"""What a run's folder holds stays what it is, whatever is refused, cut or done at once."""

import json
import multiprocessing
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from tests.conftest import write_discs
from tests.train.conftest import small_config

from prismseg.base import ConfigError, DataError, ModelError, OutputError, PrismsegError
from prismseg.data import open_dataset
from prismseg.nets import load_model
from prismseg.train import RunFolder, Trainer, configure, train
from prismseg.train.finetune import finetune_settings
from prismseg.train.optimization.schedules import learning_rate
from prismseg.train.runs.partition import make_partition
from prismseg.train.runs.seen import SeenCases
from prismseg.train.runs.summary import summarize_run

TINY = {"optim": {"steps": 2, "batch_size": 4}, "evaluate_every": 2}


def changed(config, **sections):
    values = config.model_dump()
    for name, value in sections.items():
        values[name] = values[name] | value if isinstance(value, dict) else value
    return type(config).model_validate(values)


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".training.lock"
    }


def split_of(run):
    return json.loads((run / "split.json").read_text())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Folder with data and a finished run; tests copy it."""
    root = tmp_path_factory.mktemp("finished")
    write_discs(root / "discs")
    train(small_config(root / "discs", **TINY), root / "run", show_progress=False)
    return root


@pytest.fixture
def scene(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "scene")
    config = small_config(tmp_path / "scene" / "discs", **TINY)
    return tmp_path / "scene", config


def add_pictures(folder):
    for number in range(3):
        shutil.copy(folder / "p0_0_mask.png", folder / f"p9_{number}_mask.png")
        noise = np.random.default_rng(number).integers(0, 255, (40, 48), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"p9_{number}.png")


def invert_masks(folder):
    for path in folder.glob("*_mask.png"):
        mask = np.asarray(Image.open(path))
        Image.fromarray(1 - mask).save(path)


REFUSED_RESUMES = {
    "group": (lambda config: changed(config, data={"group": "image"}), None, "data.group"),
    "folds": (lambda config: changed(config, split={"folds": 3, "fold": 0}), None, "split.folds"),
    "seed of the split": (lambda config: changed(config, split={"seed": 5}), None, "split.seed"),
    "limit": (lambda config: changed(config, split={"limit": 2}), None, "split.limit"),
    "fewer steps": (lambda config: changed(config, optim={"steps": 1}), None, "optim.steps"),
    "network": (lambda config: changed(config, model={"skip": "none"}), None, "model.skip"),
    "more images": (lambda config: config, add_pictures, "data set has changed"),
    "masks inverted": (lambda config: config, invert_masks, "data set has changed"),
    "an image gone": (lambda config: config, lambda data: (data / "p1_1.png").unlink(), "data set has changed"),
}


@pytest.mark.parametrize("before_the_first_checkpoint", [False, True])
@pytest.mark.parametrize("case", REFUSED_RESUMES)
def test_a_refused_resume_changes_nothing(scene, case, before_the_first_checkpoint):
    root, config = scene
    change, spoil, words = REFUSED_RESUMES[case]
    if before_the_first_checkpoint:
        shutil.rmtree(root / "run" / "checkpoints")
    if spoil is not None:
        spoil(root / "discs")
    before = content(root / "run")
    for start in (lambda: train(change(config), root / "run", resume=True, show_progress=False),
                  lambda: Trainer(change(config), root / "run", resume=True)):  # fmt: skip
        with pytest.raises(PrismsegError, match=words):
            start()
    assert content(root / "run") == before


def test_other_refusals_change_nothing_either(scene, tmp_path):
    root, config = scene
    before = content(root)
    with pytest.raises(OutputError, match="holds a training run"):
        train(config, root / "run", show_progress=False)
    with pytest.raises(OutputError, match="holds a single training run"):
        train(
            changed(config, split={"folds": 3, "fractions": None}), root / "run", resume=True, show_progress=False
        )
    refused = (
        changed(config, initial=str(root / "run" / "model"), model={"width": 1.0}),
        changed(config, initial=str(root / "absent")),
        changed(config, device="warp"),
        changed(config, split={"fractions": (0.0, 0.5, 0.5)}),
        changed(config, split={"limit": 99}),
        changed(config, split={"folds": 9, "fractions": None}),
        changed(config, size=(16, 16), optim={"batch_size": 1}),
        changed(config, data={"path": str(root / "absent")}),
        changed(config, optim={"batch_size": 4, "accumulate": 4}, size=(16, 16)),
    )
    for settings in refused:
        with pytest.raises(PrismsegError):
            train(settings, root / "new", show_progress=False)
        assert not (root / "new").exists()
    assert content(root) == before


@pytest.mark.parametrize("name", ["split.json", "cases.json"])
def test_a_run_whose_split_or_cases_are_lost_is_not_resumed(scene, name):
    """A split that was lost was drawn anew, so that the run could be tested on what it had learnt from."""
    root, config = scene
    path = root / "run" / name
    if name == "split.json":
        path.unlink()
    else:
        path.write_text("[]")
    before = content(root / "run")
    with pytest.raises(ModelError, match=rf"{name} is .*restore it"):
        train(changed(config, optim={"steps": 4}), root / "run", resume=True, show_progress=False)
    assert content(root / "run") == before


def test_resume_goes_on_with_the_split_that_was_written(scene):
    root, config = scene
    path = RunFolder(root / "run").split
    stored = split_of(root / "run")
    stored["train"], stored["test"] = sorted(stored["train"])[:6], stored["test"] + sorted(stored["train"])[6:]
    path.write_text(json.dumps(stored))
    trainer = Trainer(config, root / "run", resume=True)
    assert {trainer.dataset.ids[case] for case in trainer.split.train} == set(stored["train"])
    assert split_of(root / "run") == stored


def test_folds_are_checked_before_the_first_is_trained(finished, tmp_path):
    config = small_config(finished / "discs", split={"folds": 3}, **TINY)
    out = tmp_path / "cv"
    train(config.model_copy(update={"split": config.split.model_copy(update={"fold": 1})}), out / "fold-1",
          show_progress=False)  # fmt: skip
    before = content(out)
    with pytest.raises(OutputError, match="holds a cross-validation"):
        train(config, out, show_progress=False)
    with pytest.raises(ModelError, match=r"data\.group"):
        train(changed(config, data={"group": "image"}), out, resume=True, show_progress=False)
    with pytest.raises(OutputError, match="holds a cross-validation"):
        train(small_config(finished / "discs", **TINY), out, show_progress=False)
    assert content(out) == before
    folders = train(config, out, resume=True, show_progress=False)
    assert [folder.root.name for folder in folders] == ["fold-0", "fold-1", "fold-2"]


def _train_in_process(data, out, queue):
    try:
        train(small_config(data, optim={"steps": 6, "batch_size": 4}), out, show_progress=False)
        queue.put("done")
    except PrismsegError as error:
        queue.put(str(error))


def test_two_runs_at_once_in_one_folder(finished, tmp_path):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    processes = [
        context.Process(target=_train_in_process, args=(finished / "discs", tmp_path / "run", queue))
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    answers = sorted(queue.get(timeout=120) for _ in processes)
    for process in processes:
        process.join()
    refusals = [answer for answer in answers if answer != "done"]
    assert len(refusals) == 1 and ("holds a training run" in refusals[0] or "Another process" in refusals[0])
    assert RunFolder(tmp_path / "run").model.is_dir()


def test_a_folder_that_is_being_trained_in_is_not_resumed(scene):
    root, config = scene
    before = content(root / "run")
    longer = changed(config, optim={"steps": 4})
    with RunFolder(root / "run").locked(), pytest.raises(OutputError, match="Another process"):
        Trainer(longer, root / "run", resume=True)
    assert content(root / "run") == before


class TestLonger:
    def test_a_finished_run_is_lengthened(self, scene):
        root, config = scene
        told = []
        train(
            changed(config, optim={"steps": 5}), root / "run", resume=True, tell=told.append, show_progress=False
        )
        assert any("from step 2 to 5" in line for line in told)
        model = load_model(root / "run" / "model")
        assert model.metadata["lengthened"] == [[2, 5]] or model.metadata["best"]["step"] == 2
        history = (root / "run" / "history.csv").read_text().splitlines()
        assert [line.split(",")[0] for line in history[1:]] == ["2", "4", "5"]
        rate = float(history[2].split(",")[2])
        assert rate == pytest.approx(learning_rate("onecycle", 3, 5, config.optim.lr))
        assert RunFolder(root / "run").read_config().optim.steps == 5

    def test_it_is_the_same_however_often_it_is_cut(self, scene, monkeypatch):
        root, config = scene
        longer = changed(config, optim={"steps": 6})
        shutil.copytree(root / "run", root / "cut")
        train(longer, root / "run", resume=True, show_progress=False)
        trainer = Trainer(longer, root / "cut", resume=True)
        original = trainer.step

        def crash(step):
            if step == 5:
                raise RuntimeError("power cut")
            return original(step)

        monkeypatch.setattr(trainer, "step", crash)
        with pytest.raises(RuntimeError):
            trainer.fit(show_progress=False)
        Trainer(longer, root / "cut", resume=True).fit(show_progress=False)
        ends = [load_file(RunFolder(root / name).checkpoint) for name in ("run", "cut")]
        assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])

    def test_a_finished_run_says_so(self, scene):
        root, config = scene
        train(config, root / "run", resume=True, show_progress=False)  # its data have moved, which is noted
        before, told = content(root / "run"), []
        train(config, root / "run", resume=True, tell=told.append, show_progress=False)
        assert content(root / "run") == before
        assert any("finished (step 2 of 2)" in line and "--steps" in line for line in told)


class TestSplits:
    def table(self, folder, discs, parts, groups=None):
        names = open_dataset(discs).ids
        lines = ["image,mask,group,split"] + [
            f"{discs}/{name}.png,{discs}/{name}_mask.png,{(groups or str)(name)},{parts(name)}" for name in names
        ]
        (folder / "table.csv").write_text("\n".join(lines))
        return folder / "table.csv"

    def test_the_split_column_is_used_and_said(self, discs, tmp_path):
        table = self.table(tmp_path, discs, lambda name: "test" if name < "p2" else "train", lambda name: name[:2])
        config = configure({"data": {"path": str(table)}, "size": "32", "model": {"width": 0.5}})
        trainer = Trainer(config, tmp_path / "run")
        assert sorted(split_of(tmp_path / "run")["test"]) == [n for n in trainer.dataset.ids if n < "p2"]
        assert any("that the data bring along" in note and "--ignore-split" in note for note in trainer.notes)
        ignoring = changed(config, split={"predefined": False})
        other = Trainer(ignoring, tmp_path / "other")
        assert len(split_of(tmp_path / "other")["validation"]) > 0
        assert any("ignored, as asked" in note for note in other.notes)
        for own in ({"folds": 3}, {"fractions": (0.5, 0.2, 0.3)}):
            with pytest.raises(ConfigError, match="--ignore-split"):
                Trainer(changed(config, split=own), tmp_path / "third")
        assert not (tmp_path / "third").exists()

    def test_the_folds_of_nnunet_are_used_and_said(self, discs, tmp_path):
        for folder in ("imagesTr", "labelsTr"):
            (tmp_path / "nn" / folder).mkdir(parents=True)
        names = open_dataset(discs).ids
        for name in names:
            shutil.copy(discs / f"{name}.png", tmp_path / "nn" / "imagesTr" / f"{name}_0000.png")
            shutil.copy(discs / f"{name}_mask.png", tmp_path / "nn" / "labelsTr" / f"{name}.png")
        labels = {"background": 0, "disc": 1}
        description = {"labels": labels, "channel_names": {"0": "grey"}, "file_ending": ".png"}
        (tmp_path / "nn" / "dataset.json").write_text(json.dumps(description))
        folds = [{"train": [n for n in names if (n < "p3") != held], "val": [n for n in names if (n < "p3") == held]}
                 for held in (True, False)]  # fmt: skip
        (tmp_path / "nn" / "splits_final.json").write_text(json.dumps(folds))
        dataset = open_dataset(tmp_path / "nn", group="prefix")
        config = small_config(tmp_path / "nn", split={})
        found = make_partition(config, dataset)
        assert [dataset.ids[case] for case in found.split.test] == folds[0]["val"] and not found.split.validation
        assert "split 0 of the 2 splits that the data bring along" in found.notes[0]
        second = make_partition(changed(config, split={"folds": 2, "fold": 1}), dataset)
        assert [dataset.ids[case] for case in second.split.test] == folds[1]["val"]
        with pytest.raises(ConfigError, match="--ignore-split"):
            make_partition(changed(config, split={"folds": 3, "fold": 1}), dataset)
        with pytest.raises(DataError, match="none with number 2"):
            make_partition(changed(config, split={"fold": 2}), dataset)
        with pytest.raises(ConfigError, match="--fold 1 needs --folds"):
            make_partition(changed(config, split={"fold": 1, "predefined": False}), dataset)

    def test_cases_in_no_part_are_counted(self, discs, tmp_path):
        parts = {"p0": "test", "p1": ""}
        table = self.table(tmp_path, discs, lambda name: parts.get(name[:2], "train"), lambda name: name[:2])
        trainer = Trainer(small_config(table, split={}), tmp_path / "run")
        assert any("3 cases are in no part" in note for note in trainer.notes)

    @pytest.mark.parametrize("force", [False, True])
    def test_a_given_split_that_shares_a_group_or_a_picture_is_refused(self, tmp_path, force):
        discs = write_discs(tmp_path / "discs")
        table = self.table(
            tmp_path, discs, lambda name: "test" if name[-1] == "0" else "train", lambda name: name[:2]
        )
        with pytest.raises(DataError, match="share"):
            train(small_config(table, split={}, force=force), tmp_path / "run", show_progress=False)
        shutil.copy(discs / "p0_0.png", discs / "p5_2.png")
        table = self.table(tmp_path, discs, lambda name: "test" if name < "p2" else "train", lambda name: name[:2])
        with pytest.raises(DataError, match=r"same image|duplicate"):
            train(small_config(table, split={}, force=force), tmp_path / "run", show_progress=False)
        assert not (tmp_path / "run").exists()

    def test_copies_of_a_picture_are_kept_in_one_part(self, tmp_path):
        discs = write_discs(tmp_path / "discs")
        shutil.copy(discs / "p0_0.png", discs / "p5_2.png")
        shutil.copy(discs / "p3_1.png", discs / "p4_2.png")
        for seed in range(4):
            config = small_config(discs, split={"seed": seed, "fractions": (0.5, 0.2, 0.3)})
            trainer = Trainer(config, tmp_path / str(seed))
            part_of = {name[:2]: part for part, names in split_of(tmp_path / str(seed)).items() for name in names}
            assert part_of["p0"] == part_of["p5"] and part_of["p3"] == part_of["p4"]
            assert any("same image" in note for note in trainer.notes)

    def test_a_limit_counts_all_labelled_images(self, discs, tmp_path):
        told = []
        config = small_config(discs, split={"limit": 3, "fractions": (0.5, 0.2, 0.3)}, patience=1, **TINY)
        train(config, tmp_path / "run", tell=told.append, show_progress=False)
        split = split_of(tmp_path / "run")
        assert len(split["train"]) == 3 and split["validation"] == [] and len(split["test"]) == 6
        cases = load_model(tmp_path / "run" / "model").metadata["training"]["cases"]
        assert cases == {"train": 3, "validation": 0, "labelled": 3}
        text = " ".join(told)
        assert "3 labelled images are all" in text and "--patience 1 has no effect" in text

    def test_training_on_everything_and_on_two_images(self, discs, tmp_path):
        told = []
        config = small_config(discs, split={"fractions": (1, 0, 0)}, **TINY)
        train(config, tmp_path / "all", tell=told.append, show_progress=False)
        assert len(split_of(tmp_path / "all")["train"]) == 18
        final = load_file(tmp_path / "all" / "model" / "model.safetensors")["head.weight"]
        averaged = load_file(RunFolder(tmp_path / "all").checkpoint)["average.module.head.weight"]
        assert torch.equal(final, averaged)
        assert "no validation part" in " ".join(told) and "no test part" in " ".join(told)
        two = write_discs(tmp_path / "two", patients=2, images=1)
        with pytest.raises(DataError, match="--fractions 1,0,0"):
            train(small_config(two), tmp_path / "refused", show_progress=False)
        for name, fractions in (("both", (1, 0, 0)), ("one", (0.5, 0, 0.5))):
            config = small_config(two, split={"fractions": fractions}, **TINY)
            train(config, tmp_path / name, show_progress=False)
        assert [len(names) for names in split_of(tmp_path / "one").values()] == [1, 0, 1]


class TestGoingOn:
    @pytest.mark.parametrize("seed", range(3))
    def test_no_test_case_was_seen_by_the_first_network(self, scene, seed):
        """`train --from RUN --split-seed N` tested on patients that the first network had learnt from."""
        root, _ = scene
        known = {name[:2] for part in ("train", "validation") for name in split_of(root / "run")[part]}
        chosen = {"data": {"path": str(root / "discs")}, "split": {"seed": seed}, "optim": {"steps": 1}}
        config = configure(chosen, initial=finetune_settings(root / "run"))
        told = []
        train(config, root / "second", tell=told.append, show_progress=False)
        tested = {name[:2] for name in split_of(root / "second")["test"]}
        assert tested and not tested & known and "none of them is tested" in " ".join(told)
        # The third network remembers the first one's cases.
        chosen["split"] = {"seed": seed + 1}
        config = configure(chosen, initial=finetune_settings(root / "second"))
        train(config, root / "third", show_progress=False)
        known |= {name[:2] for part in ("train", "validation") for name in split_of(root / "second")[part]}
        assert not {name[:2] for name in split_of(root / "third")["test"]} & known
        seen = SeenCases.from_metadata(load_model(root / "third" / "model").metadata)
        groups = seen.groups(open_dataset(root / "discs"))
        assert known <= set(groups)

    def test_a_resumed_run_still_knows_what_the_first_network_saw(self, scene):
        root, _ = scene
        chosen = {"data": {"path": str(root / "discs")}, "optim": {"steps": 2}, "checkpoint_every": 1}
        config = configure(chosen, initial=finetune_settings(root / "run"))
        whole = Trainer(config, root / "whole")
        record = whole.network.metadata["seen"]
        trainer = Trainer(config, root / "cut")
        trainer.step(0)
        trainer.progress.step = 1
        trainer.save()
        shutil.rmtree(root / "run")  # the first network is gone; a resume needs it no more
        resumed = Trainer(config, root / "cut", resume=True)
        assert resumed.network.metadata["seen"] == record and resumed.progress.step == 1

    def test_folds_and_given_splits(self, scene):
        root, _ = scene
        chosen = {"data": {"path": str(root / "discs")}, "split": {"folds": 2}, "optim": {"steps": 1}}
        known = {name[:2] for part in ("train", "validation") for name in split_of(root / "run")[part]}
        config = configure(chosen, initial=finetune_settings(root / "run"))
        folders = train(config, root / "cv", show_progress=False)
        tested = [name[:2] for folder in folders for name in split_of(folder.root)["test"]]
        assert set(tested) == {f"p{number}" for number in range(6)} - known
        names = open_dataset(root / "discs").ids
        lines = ["image,mask,group,split"] + [
            f"discs/{name}.png,discs/{name}_mask.png,{name[:2]},{'test' if name[:2] in known else 'train'}"
            for name in names
        ]
        (root / "table.csv").write_text("\n".join(lines))
        chosen = {"data": {"path": str(root / "table.csv")}, "optim": {"steps": 1}}
        with pytest.raises(DataError, match="were seen by"):
            train(configure(chosen, initial=finetune_settings(root / "run")), root / "no", show_progress=False)

    def test_what_is_not_known_or_flatters_is_said(self, scene):
        root, _ = scene
        names = split_of(root / "run")
        part_of = {name[:2]: part for part, listed in names.items() for name in listed}
        learnt = min(group for group, part in part_of.items() if part == "train")
        lines = ["image,mask,group,split"] + [
            f"discs/{name}.png,discs/{name}_mask.png,{name[:2]},"
            f"{'validation' if name[:2] == learnt else 'test' if part_of[name[:2]] == 'test' else 'train'}"
            for listed in names.values() for name in listed
        ]  # fmt: skip
        (root / "table.csv").write_text("\n".join(lines))
        chosen = {"data": {"path": str(root / "table.csv")}, "optim": {"steps": 1}}
        trainer = Trainer(configure(chosen, initial=finetune_settings(root / "run")), root / "second")
        assert any("3 of the 3 validation cases are of groups" in note for note in trainer.notes)
        path = root / "run" / "model" / "config.json"
        config = json.loads(path.read_text())
        del config["metadata"]["seen"]
        path.write_text(json.dumps(config))
        trainer = Trainer(configure(chosen, initial=finetune_settings(root / "run")), root / "third")
        assert any("does not say all that it has seen" in note for note in trainer.notes)
        assert not SeenCases.from_metadata(trainer.network.metadata).complete


class TestFaultyData:
    def test_errors_that_check_finds_are_refused_unless_forced(self, tmp_path):
        discs = write_discs(tmp_path / "discs")
        (discs / "p2_1_mask.png").unlink()
        with pytest.raises(DataError, match=r"missing mask.*p2_1\.png.*--force"):
            train(small_config(discs, **TINY), tmp_path / "run", show_progress=False)
        assert not (tmp_path / "run").exists()
        told = []
        train(small_config(discs, force=True, **TINY), tmp_path / "run", tell=told.append, show_progress=False)
        assert "1 images without a mask are left out" in " ".join(told)
        names = [name for part in split_of(tmp_path / "run").values() for name in part]
        assert len(names) == 17 and "p2_1" not in names
        train(small_config(discs, force=True, **TINY), tmp_path / "run", resume=True, show_progress=False)

    def test_shapes_that_fit_no_batch_are_refused_before_anything_is_written(self, tmp_path):
        discs = write_discs(tmp_path / "discs")
        other = write_discs(tmp_path / "other", patients=1, size=(48, 40))
        for path in other.iterdir():
            shutil.copy(path, discs / path.name.replace("p0", "p7"))
        config = small_config(discs, fit="area", size=(32, 48), split={"fractions": (1, 0, 0)})
        with pytest.raises(DataError, match=r"different shapes.*--fit stretch"):
            train(config, tmp_path / "run", show_progress=False)
        assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("arch", ["unet", "fcn", "resunet"])
@pytest.mark.parametrize(
    ("norm", "batch", "works"),
    [("batch", 1, False), ("batch", 2, True), ("instance", 4, False), ("group", 1, True)],
)
def test_one_pixel_at_the_coarsest_layer(discs, tmp_path, arch, norm, batch, works):
    model = {"arch": arch, "skip": "none", "width": 0.25, "norm": norm}
    config = small_config(discs, model=model, size=(16, 16), optim={"batch_size": batch, "steps": 1})
    if works:
        assert Trainer(config, tmp_path / "run").step(0) > 0
    else:
        with pytest.raises(ConfigError, match=f"{norm} normalisation.*--norm group"):
            Trainer(config, tmp_path / "run")
        larger = changed(config, size=(33, 33))
        assert Trainer(larger, tmp_path / "larger").step(0) > 0


def test_what_is_said_before_a_run_starts(discs, tmp_path):
    told = []
    train(small_config(discs, **TINY), tmp_path / "run", tell=told.append, show_progress=False)
    text = "\n".join(told)
    for words in ("18 images of 6 groups", "classes background, foreground (names made up)", "on cpu",
                  "training 9 images (3 groups), validation 3 images (1 group), test 6 images (2 groups)",
                  "2 groups, too few for an interval"):  # fmt: skip
        assert words in text
    assert "No training mask holds" not in text


def test_a_class_that_no_training_mask_holds_is_named(tmp_path):
    """Class 2 is in masks of the test part alone; once a training mask has it, nothing is said."""
    data = write_discs(tmp_path / "data")
    dataset = open_dataset(data)
    config = small_config(data, **TINY)
    split = make_partition(config, dataset).split
    for case, part in ((split.test[0], "test"), (split.train[-1], "training")):
        path = dataset[case].mask_path
        mask = np.array(Image.open(path))
        mask[0, :2] = 2
        Image.fromarray(mask).save(path)
        trainer = Trainer(config, tmp_path / part, dataset=open_dataset(data, classes=["ground", "disc", "spot"]))
        told = [line for line in summarize_run(trainer) if "training mask" in line]
        expected = ["No training mask holds spot, so the network cannot learn it."]
        assert told == (expected if part == "test" else [])
