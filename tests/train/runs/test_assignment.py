"""Cases are recognised by content, classes by name: what a network has seen cannot pass for a test."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tests.conftest import write_discs
from tests.train.conftest import small_config

from prismseg.base import ConfigError, DataError, ModelError
from prismseg.data import Split, open_dataset
from prismseg.data.images.identity import group_key
from prismseg.nets import load_model
from prismseg.train import RunFolder, configure, evaluate_data, evaluate_run, train
from prismseg.train.finetune import finetune_settings
from prismseg.train.runs.assignment import assign_data_cases, choose_parts
from prismseg.train.runs.data import open_for
from prismseg.train.runs.partition import make_partition
from prismseg.train.runs.seen import SeenCases

TINY = {"optim": {"steps": 1, "batch_size": 4}, "evaluate_every": 1}


def changed(config, **sections):
    values = config.model_dump()
    return type(config).model_validate(values | {name: values[name] | value for name, value in sections.items()})


def reading(config, **options):
    return config.model_copy(update={"data": config.data.model_copy(update=options)})


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_discs(tmp_path_factory.mktemp("discs") / "discs")


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    root = tmp_path_factory.mktemp("run") / "run"
    train(reading(small_config(data, **TINY), group="prefix"), root, show_progress=False)
    return root


def split_of(run):
    return json.loads((run / "split.json").read_text())


def table(report):
    return pd.read_csv(report.parent / "metrics_per_case.csv").drop_duplicates("case")


def test_own_data_named_again_give_the_test_cases_alone(run, data, tmp_path):
    report = evaluate_data(run, open_for(run, data)[0], out=tmp_path / "again", show_progress=False)
    cases = table(report)
    assert sorted(cases["case"]) == sorted(split_of(run)["test"]) and set(cases["part"]) == {"test"}
    summary = json.loads((report.parent / "summary.json").read_text())
    assert summary["parts"] == {"test": len(cases)} and summary["groups"] == 2
    left = f"{len(split_of(run)['train'])} train, {len(split_of(run)['validation'])} validation"
    assert any(left in note and "--part all" in note for note in summary["notes"])
    assert left in report.read_text()
    own = evaluate_run(run, out=tmp_path / "own", show_progress=False)
    assert (own.parent / "metrics_per_case.csv").read_text() == (
        report.parent / "metrics_per_case.csv"
    ).read_text()


def test_training_cases_are_measured_when_asked_for_and_labelled(run, data, tmp_path):
    report = evaluate_data(run, open_for(run, data)[0], part="all", out=tmp_path / "all", show_progress=False)
    parts = table(report).set_index("case")["part"].to_dict()
    assert parts == {name: part for part, names in split_of(run).items() for name in names}
    assert "the numbers flatter it" in report.read_text()
    with pytest.raises(ConfigError, match="no part 'exam'"):
        evaluate_data(run, open_for(run, data)[0], part="exam", out=tmp_path / "x", show_progress=False)


def test_renamed_copies_and_new_pictures_are_told_apart(run, data, tmp_path):
    names = split_of(run)
    folder = tmp_path / "renamed"
    folder.mkdir()
    kept = {"a_1": names["train"][0], "b_1": names["validation"][0], "c_1": names["test"][0]}
    for new, old in kept.items():
        Image.open(data / f"{old}.png").convert("RGB").save(folder / f"{new}.tif")
        shutil.copy(data / f"{old}_mask.png", folder / f"{new}_mask.png")
    rng = np.random.default_rng(1)
    for new in ("a_2", "d_1"):  # of the patient whose other picture was trained on, and of a new one
        Image.fromarray(rng.integers(0, 255, (40, 48), dtype=np.uint8)).save(folder / f"{new}.png")
        shutil.copy(data / "p0_0_mask.png", folder / f"{new}_mask.png")
    dataset = open_dataset(folder, group="prefix")
    seen = SeenCases.from_metadata(load_model(run / "model").metadata)
    expected = {"a_1": "train", "a_2": "same-group", "b_1": "validation", "c_1": "test", "d_1": "new"}
    assert dict(zip(dataset.ids, seen.parts(dataset), strict=True)) == expected
    [trial], _, notes = assign_data_cases(run, dataset)
    assert [dataset.ids[case] for case in trial.cases] == ["c_1", "d_1"] and trial.parts == ("test", "new")
    assert "1 train, 1 validation, 1 same-group" in notes[-1]


def test_a_group_of_the_same_name_in_other_data_is_somebody_else(run, tmp_path):
    other = write_discs(tmp_path / "other", size=(48, 40))
    dataset = open_dataset(other, group="prefix")
    [trial], _, notes = assign_data_cases(run, dataset)
    assert set(trial.parts) == {"new"} and len(trial.cases) == 18 and not notes


def test_a_new_picture_of_a_known_group_is_not_new(run, data, tmp_path):
    names = split_of(run)
    folder = tmp_path / "more"
    folder.mkdir()
    patient = names["train"][0].split("_")[0]
    shutil.copy(data / f"{names['test'][0]}.png", folder)  # shows that it is the same data set
    shutil.copy(data / f"{names['test'][0]}_mask.png", folder)
    Image.fromarray(np.random.default_rng(2).integers(0, 255, (40, 48), dtype=np.uint8)).save(
        folder / f"{patient}_9.png"
    )
    shutil.copy(data / "p0_0_mask.png", folder / f"{patient}_9_mask.png")
    dataset = open_dataset(folder, group="prefix")
    seen = SeenCases.from_metadata(load_model(run / "model").metadata)
    assert dict(zip(dataset.ids, seen.parts(dataset), strict=True)) == {
        names["test"][0]: "test",
        f"{patient}_9": "same-group",
    }


def textured(folder, numbers, change=lambda pixels: pixels, suffix=".png"):
    """Pictures with detail enough to be recognised by, one patient each, in another form if need be."""
    folder.mkdir()
    for number in numbers:
        pixels = np.kron(np.random.default_rng(number).integers(20, 235, (16, 16)), np.ones((4, 4)))
        Image.fromarray(change(pixels.astype(np.uint8))).save(
            folder / f"t{number}_0{suffix}", **SAVED.get(suffix, {})
        )
        mask = np.zeros((64, 64), np.uint8)
        mask[20:40, 20:40] = 1
        Image.fromarray(change(mask) if change(mask).dtype == np.uint8 else mask).save(
            folder / f"t{number}_0_mask.png"
        )
    return folder


SAVED = {".jpg": {"quality": 90}}
FORMS = {
    "jpeg": (lambda pixels: pixels, ".jpg"),
    "16 bits": (lambda pixels: pixels.astype(np.uint16) * 257 if pixels.max() > 1 else pixels, ".png"),
    "mirrored": (lambda pixels: pixels[:, ::-1].copy(), ".png"),
}


@pytest.fixture(scope="module")
def textured_run(tmp_path_factory):
    root = tmp_path_factory.mktemp("textured")
    config = small_config(textured(root / "data", range(8)), **TINY)
    train(reading(config, group="prefix"), root / "run", show_progress=False)
    return root / "run"


@pytest.mark.parametrize("form", FORMS)
def test_what_was_met_is_recognised_in_another_form(textured_run, tmp_path, form):
    """All 20 of 20 cases were new, 14 of which the network had been trained or chosen on."""
    other = textured(tmp_path / "other", range(10), *FORMS[form])
    [trial], dataset, notes = assign_data_cases(textured_run, open_dataset(other, group="prefix"))
    names = split_of(textured_run)
    fresh = sorted(["t8_0", "t9_0", *names["test"]])
    assert sorted(dataset.ids[case] for case in trial.cases) == fresh and set(trial.parts) == {"new"}
    assert notes[0].startswith(
        f"{len(names['train'] + names['validation'])} cases show an image that the network has seen"
    )
    # A network that goes on from it is not tested on them either.
    chosen = {"data": {"path": str(other), "group": "prefix"}, "optim": {"steps": 1}}
    partition = make_partition(
        configure(chosen, initial=finetune_settings(textured_run)),
        open_dataset(other, group="prefix"),
        SeenCases.from_metadata(load_model(textured_run / "model").metadata),
    )
    assert {dataset.ids[case] for case in partition.split.test} <= set(fresh)
    assert "has seen, in another cut" in partition.notes[0]


def test_a_network_whose_pictures_are_gone_says_what_it_cannot_see(textured_run, tmp_path):
    shutil.copytree(textured_run / "model", tmp_path / "alone")
    other = open_dataset(textured(tmp_path / "other", range(3), *FORMS["jpeg"]))
    [trial], _, notes = assign_data_cases(tmp_path / "alone", other)
    assert len(trial.cases) == 3 and "not all at hand" in notes[0]


def test_a_cut_of_a_picture_that_was_met_is_not_new(run, data, tmp_path):
    rng = np.random.default_rng(4)
    # Texture enough to recognise a cut by.
    pixels = np.kron(rng.integers(0, 255, (30, 40)), np.ones((8, 8))).astype(np.uint8)
    folder = tmp_path / "cuts"
    folder.mkdir()
    Image.fromarray(pixels).save(folder / "a_1.png")
    Image.fromarray(pixels[10:-10, 12:-12]).save(folder / "b_1.png")
    Image.fromarray(rng.integers(0, 255, pixels.shape, dtype=np.uint8)).save(folder / "c_1.png")
    for name in ("a_1", "b_1", "c_1"):
        with Image.open(folder / f"{name}.png") as picture:
            mask = np.zeros(picture.size[::-1], np.uint8)
        mask[20:40, 20:40] = 1
        Image.fromarray(mask).save(folder / f"{name}_mask.png")
    dataset = open_dataset(folder)
    seen = SeenCases.from_split(dataset, Split((0,), (), ()))
    assert seen.parts(dataset) == ["train", "same-group", "new"]


def test_a_model_folder_without_its_run_still_knows(run, data, tmp_path):
    shutil.copytree(run / "model", tmp_path / "alone")
    [trial], dataset, _ = assign_data_cases(tmp_path / "alone", open_dataset(data, group="prefix"))
    assert sorted(dataset.ids[case] for case in trial.cases) == sorted(split_of(run)["test"])
    text = (tmp_path / "alone" / "config.json").read_text()
    assert split_of(run)["train"][0] not in text and '"p0"' not in text
    assert group_key(split_of(run)["train"][0].split("_")[0]) in text


def test_a_model_of_an_older_version_is_not_believed(run, data, tmp_path):
    shutil.copytree(run / "model", tmp_path / "old")
    config = json.loads((tmp_path / "old" / "config.json").read_text())
    del config["metadata"]["seen"]
    (tmp_path / "old" / "config.json").write_text(json.dumps(config))
    [trial], _, notes = assign_data_cases(tmp_path / "old", open_dataset(data, group="prefix"))
    assert set(trial.parts) == {"unknown"} and "does not say which cases it has seen" in notes[-1]


def test_a_run_of_an_older_version_is_evaluated_by_its_names(run, tmp_path):
    shutil.copytree(run, tmp_path / "old")
    (tmp_path / "old" / "cases.json").unlink()
    path = tmp_path / "old" / "model" / "config.json"
    config = json.loads(path.read_text())
    del config["metadata"]["seen"]
    path.write_text(json.dumps(config))
    report = evaluate_run(tmp_path / "old", show_progress=False)
    assert sorted(table(report)["case"]) == sorted(split_of(run)["test"])


def test_a_run_s_mask_suffix_is_not_asked_of_a_table(run, data, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    config = tmp_path / "run" / "config.yaml"
    assert "mask_suffix: null" in config.read_text()
    config.write_text(config.read_text().replace("mask_suffix: null", "mask_suffix: _mask"))
    names = open_dataset(data).ids
    rows = [f"{data}/{name}.png,{data}/{name}_mask.png,{name}" for name in names]
    (tmp_path / "other.csv").write_text("\n".join(["image,mask,group", *rows]))
    assert len(open_for(tmp_path / "run", tmp_path / "other.csv")[0]) == len(names)
    with pytest.raises(DataError, match="--mask-suffix none"):
        open_for(tmp_path / "run", tmp_path / "other.csv", {"mask_suffix": "_mask"})


def test_the_options_of_the_run_are_kept_unless_given(run, data):
    kept, notes = open_for(run, data)
    assert len(set(kept.groups)) == 6 and "group prefix" in notes[0]
    given, _ = open_for(run, data, {"group": "image", "classes": None})
    assert len(set(given.groups)) == 18
    own, _ = open_for(run)
    assert own.groups == kept.groups
    assert len(set(open_for(run, None, {"group": "image"})[0].groups)) == 18


def test_moved_runs_and_moved_data(data, tmp_path):
    shutil.copytree(data, tmp_path / "here" / "discs")
    config = small_config(tmp_path / "here" / "discs", **TINY)
    train(config, tmp_path / "here" / "runs" / "one", show_progress=False)
    first = evaluate_run(tmp_path / "here" / "runs" / "one", show_progress=False).parent / "metrics_per_case.csv"
    before = first.read_text()
    # Both moved together: found from where the run lies.
    (tmp_path / "here").rename(tmp_path / "there")
    run = tmp_path / "there" / "runs" / "one"
    again = evaluate_run(run, show_progress=False)
    assert (again.parent / "metrics_per_case.csv").read_text() == before
    train(config.model_copy(), run, resume=True, show_progress=False)
    # The data alone: said, and then named.
    (tmp_path / "there" / "discs").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"no longer in .* prismseg evaluate .* DATA"):
        evaluate_run(run, show_progress=False)
    report = evaluate_data(run, open_for(run, tmp_path / "elsewhere")[0], show_progress=False)
    assert (report.parent / "metrics_per_case.csv").read_text() == before
    # Named when the run goes on, the new place is known from then on, also when both move together once more.
    longer = changed(config, data={"path": str(tmp_path / "elsewhere")}, optim={"steps": 3})
    train(longer, run, resume=True, show_progress=False)
    (tmp_path / "all").mkdir()
    for name in ("there", "elsewhere"):
        (tmp_path / name).rename(tmp_path / "all" / name)
    evaluate_run(tmp_path / "all" / "there" / "runs" / "one", show_progress=False)


def test_a_legend_takes_the_place_of_a_runs_class_names(data, tmp_path):
    """The run's own names stood in the way of a legend that is given, and none could be taken back."""
    config = reading(small_config(data, **TINY), classes=("background", "disc"))
    train(config, tmp_path / "run", show_progress=False)
    legend = {"0": "background", "1": "disc"}
    dataset, notes = open_for(tmp_path / "run", data, {"colours": legend})
    assert dataset.classes == ["background", "disc"] and "classes" not in "".join(notes)
    assert not open_for(tmp_path / "run", data, {"classes": "none"})[0].names_stated


def test_a_network_alone_has_no_data(data, tmp_path):
    train(small_config(data, **TINY), tmp_path / "run", show_progress=False)
    shutil.copytree(tmp_path / "run" / "model", tmp_path / "alone")
    with pytest.raises(ModelError, match=r"prismseg evaluate .*alone DATA"):
        evaluate_run(tmp_path / "alone", show_progress=False)


def test_a_changed_picture_under_its_old_name_is_noticed(data, tmp_path):
    folder = tmp_path / "discs"
    shutil.copytree(data, folder)
    train(small_config(folder, **TINY), tmp_path / "run", show_progress=False)
    names = split_of(tmp_path / "run")
    shutil.copy(folder / f"{names['train'][0]}.png", folder / f"{names['test'][0]}.png")
    with pytest.raises(DataError, match="images have changed"):
        evaluate_run(tmp_path / "run", show_progress=False)


def test_folds_test_their_own_cases_of_data_named_again(data, tmp_path):
    train(small_config(data, split={"folds": 3}, **TINY), tmp_path / "cv", show_progress=False)
    report = evaluate_data(tmp_path / "cv", open_for(tmp_path / "cv", data)[0], show_progress=False)
    assert report.parent == tmp_path / "cv" / "evaluation-discs"
    cases = pd.read_csv(report.parent / "metrics_per_case.csv")
    assert cases.groupby(["case", "metric"]).size().max() == 1 and cases["case"].nunique() == 18
    own = evaluate_run(tmp_path / "cv", show_progress=False)
    pd.testing.assert_frame_equal(
        *(pd.read_csv(page.parent / "metrics_per_case.csv").sort_values(["case", "metric"], ignore_index=True)
          for page in (report, own)),
        check_exact=False,
    )  # fmt: skip
    shutil.rmtree(tmp_path / "cv" / "fold-1")
    assert "Only 2 of 3 folds" in evaluate_run(tmp_path / "cv", show_progress=False).read_text()


@pytest.fixture(scope="module")
def three_classes(data, tmp_path_factory):
    """Discs whose left half is another class, and a network for them."""
    root = tmp_path_factory.mktemp("three")
    for name, swapped in (("straight", False), ("swapped", True)):
        shutil.copytree(data, root / name)
        for path in (root / name).glob("*_mask.png"):
            mask = np.asarray(Image.open(path)).copy()
            left = np.arange(mask.shape[1]) < 24
            values = (2, 1) if swapped else (1, 2)
            mask = np.where(mask > 0, np.where(left[None], *values), 0).astype(np.uint8)
            Image.fromarray(mask).save(path)
    optim = {"steps": 40, "batch_size": 4, "lr": 1e-2, "loss": "dice_ce"}
    config = small_config(root / "straight", optim=optim, evaluate_every=40)
    config = reading(config, classes=("background", "nerve", "vessel"))
    train(config, root / "run", show_progress=False)
    return root


def test_exchanged_classes_are_matched_by_name(three_classes, tmp_path):
    """The same pictures with nerve and vessel exchanged gave a Dice of .001 where it was .64."""
    run = three_classes / "run"
    reports = []
    for name, classes in (("straight", "background nerve vessel"), ("swapped", "background vessel nerve")):
        dataset = open_dataset(three_classes / name, classes=classes.split())
        reports.append(evaluate_data(run, dataset, out=tmp_path / name, show_progress=False))
    first, second = (pd.read_csv(report.parent / "metrics_per_case.csv") for report in reports)
    assert first[first["metric"] == "dice"]["value"].mean() > 0.2
    pd.testing.assert_frame_equal(first, second)
    assert "matched by name" in reports[1].read_text()


def test_other_class_names_are_refused_with_the_remedy(three_classes, tmp_path):
    run = three_classes / "run"
    dataset = open_dataset(three_classes / "straight", classes=["background", "nervio", "vaso"])
    with pytest.raises(DataError, match="--classes background,nerve,vessel"):
        evaluate_data(run, dataset, out=tmp_path / "x", show_progress=False)
    unnamed = open_dataset(three_classes / "straight")
    report = evaluate_data(run, unnamed, out=tmp_path / "unnamed", show_progress=False)
    assert "do not name their classes" in report.read_text()
    assert set(pd.read_csv(report.parent / "metrics_per_case.csv")["class"]) == {"nerve", "vessel"}


def test_a_chain_of_networks_remembers_all_it_has_met(data):
    dataset = open_dataset(data)
    first = SeenCases.from_split(dataset, Split((0, 1), (2,), (3, 4)))
    second = SeenCases.from_split(dataset, Split((6,), (), (4, 9))).after(first)
    third = SeenCases.from_metadata({"seen": second.to_metadata()})
    assert third == second and second.complete
    # Three cases a group: 0-2, 3-5, 6-8, 9-11.
    first_group = ["train", "train", "validation", "new", "test", "new"]
    assert third.parts(dataset)[:10] == [*first_group, "train", "same-group", "same-group", "test"]
    assert not SeenCases.from_split(dataset, Split((5,), (), ())).after(None).complete


def test_parts_by_name():
    assert choose_parts("train, new") == ("train", "new") and choose_parts(None) == ("test", "new", "unknown")


def test_paths_may_be_text(run, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(small_config(data, **TINY), "runs/x", show_progress=False)
    page = evaluate_run("runs/x", out="out", show_progress=False)
    assert page.is_file() and RunFolder("runs/x").model.is_dir()
    assert evaluate_run("runs/x", out="again", against="out", show_progress=False).is_file()
    assert evaluate_data("runs/x", open_dataset(str(data)), show_progress=False).is_file()
