import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tests.train.conftest import small_config

from prismseg.base import DataError, ModelError
from prismseg.data import open_dataset
from prismseg.inference import Predictor
from prismseg.nets import create_model, find_model
from prismseg.train import evaluate_data, evaluate_run, train


@pytest.fixture(scope="module")
def run(discs, tmp_path_factory):
    root = tmp_path_factory.mktemp("evaluated") / "run"
    train(small_config(discs, optim={"steps": 60, "batch_size": 6, "lr": 1e-2}), root, show_progress=False)
    return root


@pytest.fixture(scope="module")
def report(run):
    return evaluate_run(run, show_progress=False)


def test_files_and_their_content(run, report, discs):
    folder = report.parent
    per_case = pd.read_csv(folder / "metrics_per_case.csv")
    tested = json.loads((run / "split.json").read_text())["test"]
    assert sorted(set(per_case["case"])) == sorted(tested)
    assert set(per_case["metric"]) >= {
        "dice",
        "jaccard",
        "sensitivity",
        "specificity",
        "precision",
        "hd95",
        "soft_dice",
    }
    summary = json.loads((folder / "summary.json").read_text())
    dice = next(row for row in summary["metrics"] if row["metric"] == "dice")
    mean = per_case.loc[per_case["metric"] == "dice", "value"].mean()
    assert dice["mean"] == pytest.approx(mean) and dice["range_low"] <= mean <= dice["range_high"]
    assert dice["ci_low"] is None and dice["n_groups"] < 6, "so few groups have no interval"
    assert set(summary["machine"]) == {"cpu", "cores", "threads", "torch", "python"}
    assert summary["cases"] == len(tested) and "no case is dropped" in summary["empty_masks"]


def test_metrics_are_those_of_the_masks_at_original_size(run, report, discs):
    predictor = Predictor.from_pretrained(run / "model")
    per_case = pd.read_csv(report.parent / "metrics_per_case.csv")
    name = per_case["case"].iloc[0]
    truth = np.asarray(Image.open(discs / f"{name}_mask.png")) == 1
    found = predictor(discs / f"{name}.png").mask == 1
    assert found.shape == (40, 48)
    by_hand = 2 * (truth & found).sum() / (truth.sum() + found.sum())
    stored = per_case[(per_case["case"] == name) & (per_case["metric"] == "dice")]["value"].iloc[0]
    assert stored == pytest.approx(by_hand)


def test_page_is_self_contained(report):
    page = report.read_text()
    assert page.count("data:image/png;base64,") == 4
    assert "http://" not in page and "https://" not in page and "<script" not in page
    for word in (
        "esearch use only",
        "range of groups, no CI",
        "too few for a confidence interval",
        "Measured on",
        "no case is dropped",
        "Worst, median and best",
    ):
        assert word in page
    assert len(page) < 5e6


def test_comparison_with_itself_is_zero_and_with_other_cases_refused(run, report, tmp_path):
    again = evaluate_run(run, out=tmp_path / "again", against=report.parent, show_progress=False)
    rows = json.loads((again.parent / "summary.json").read_text())["comparison"]
    assert rows and all(row["difference"] == row["range_high"] == 0 and row["p_value"] is None for row in rows)
    page = again.read_text()
    assert "Difference to the other evaluation" in page
    assert "compares these two trained networks and no more" in page and "cannot give a p-value" in page
    with pytest.raises(DataError, match="other cases"):
        evaluate_run(run, part="train", out=tmp_path / "train", against=report.parent, show_progress=False)
    with pytest.raises(DataError, match="prismseg evaluate"):
        evaluate_run(run, out=tmp_path / "x", against=tmp_path, show_progress=False)


def test_other_pictures_of_the_same_names_are_no_pairs(run, discs, report, tmp_path):
    """Case 0001 of one hospital is not case 0001 of another."""
    other = tmp_path / "other"
    shutil.copytree(discs, other)
    tested = json.loads((run / "split.json").read_text())["test"]
    for name in tested:
        with Image.open(other / f"{name}.png") as picture:
            brighter = picture.point(lambda value: min(255, value + 20))
        brighter.save(other / f"{name}.png")
    dataset = open_dataset(other)
    dataset = dataset.subset([dataset.ids.index(name) for name in tested])
    with pytest.raises(DataError, match="show other images"):
        evaluate_data(run, dataset, part="all", out=tmp_path / "out", against=report.parent, show_progress=False)
    assert not (tmp_path / "out").exists()


def test_folds_are_evaluated_together(discs, tmp_path):
    config = small_config(discs, split={"folds": 3}, optim={"steps": 2})
    train(config, tmp_path / "cv", show_progress=False)
    report = evaluate_run(tmp_path / "cv", show_progress=False)
    per_case = pd.read_csv(report.parent / "metrics_per_case.csv")
    assert sorted(set(per_case["case"])) == sorted(open_dataset(discs).ids)
    with pytest.raises(ModelError, match="cross-validation of 3"):
        find_model(tmp_path / "cv")


def test_other_data_and_other_classes(run, discs, tmp_path):
    report = evaluate_data(run, open_dataset(discs), part="all", out=tmp_path / "all", show_progress=False)
    assert json.loads((report.parent / "summary.json").read_text())["cases"] == 18
    three = open_dataset(discs, classes=["background", "disc", "ring"])
    with pytest.raises(DataError, match="--classes background,foreground"):
        evaluate_data(run, three, out=tmp_path / "three", show_progress=False)
    with pytest.raises(DataError, match="no case to evaluate"):
        evaluate_data(run, _empty(open_dataset(discs)), out=tmp_path / "none", show_progress=False)


def _empty(dataset):
    dataset._cases, dataset.ids, dataset.groups = (), [], []
    return dataset


def test_cases_without_a_mask_are_named(run, discs, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    for name in ("p0_0", "p0_1"):
        Image.open(discs / f"{name}.png").save(tmp_path / "images" / f"{name}.png")
    Image.open(discs / "p0_0_mask.png").save(tmp_path / "masks" / "p0_0.png")
    with pytest.raises(DataError, match=r"p0_1\.png has no mask"):
        evaluate_data(run, open_dataset(tmp_path), part="all", out=tmp_path / "out", show_progress=False)


class TestPredictor:
    def test_probabilities_sum_to_one_and_agree_with_the_mask(self, run, discs):
        prediction = Predictor.from_pretrained(run / "model")(discs / "p0_0.png")
        assert prediction.probabilities.shape == (2, 40, 48) and prediction.probabilities.dtype == np.float32
        np.testing.assert_allclose(prediction.probabilities.sum(0), 1, atol=1e-5)
        np.testing.assert_array_equal(prediction.mask, prediction.probabilities.argmax(0))

    def test_mirrored_prediction_is_the_mean_of_both(self, run, discs):
        image = np.asarray(Image.open(discs / "p1_1.png"))
        plain, mirror = (Predictor.from_pretrained(run / "model", mirror=flag) for flag in (False, True))
        both = [plain(image).probabilities, plain(image[:, ::-1]).probabilities[..., ::-1]]
        np.testing.assert_allclose(mirror(image).probabilities, np.mean(both, axis=0), atol=1e-4)

    def test_all_four_mirrors_are_averaged_where_training_had_both(self, run, discs):
        model = Predictor.from_pretrained(run / "model").model
        plain = Predictor(model)
        model.metadata = model.metadata | {"mirror_vertical": True, "test_mirror": True}
        image = np.asarray(Image.open(discs / "p1_1.png"))
        views = [plain(image[::rows, ::columns]).probabilities[:, ::rows, ::columns]
                 for rows in (1, -1) for columns in (1, -1)]  # fmt: skip
        averaged = Predictor(model)  # as the metadata say
        np.testing.assert_allclose(averaged(image).probabilities, np.mean(views, axis=0), atol=1e-4)
        assert averaged.mirror and not Predictor(model, mirror=False).mirror
        np.testing.assert_array_equal(Predictor(model, mirror=False)(image).mask, plain(image).mask)
        model.metadata = model.metadata | {"mirror": False}
        views = [plain(image[::rows]).probabilities[:, ::rows] for rows in (1, -1)]
        np.testing.assert_allclose(Predictor(model)(image).probabilities, np.mean(views, axis=0), atol=1e-4)

    def test_many_images_come_in_their_order(self, run, discs):
        predictor = Predictor.from_pretrained(run / "model")
        images = [np.asarray(Image.open(discs / f"p{n}_0.png"))[: 40 - n] for n in range(5)]
        together = list(predictor.predict(images, batch_size=2))
        for image, prediction in zip(images, together, strict=True):
            np.testing.assert_allclose(prediction.probabilities, predictor(image).probabilities, atol=1e-5)

    def test_what_it_refuses(self, run, tmp_path):
        with pytest.raises(ModelError, match="preprocess"):
            Predictor(create_model("unet", width=0.25))
        model = Predictor.from_pretrained(run / "model").model
        model.metadata = model.metadata | {"mirror": False}
        with pytest.raises(ModelError, match="never saw mirrored"):
            Predictor(model, mirror=True)
        with pytest.raises(DataError, match="no file"):
            Predictor.from_pretrained(run / "model")(tmp_path / "absent.png")


def test_find_model(run, tmp_path):
    assert find_model(run) == run / "model" and find_model(run / "model") == run / "model"
    with pytest.raises(ModelError, match="no trained network"):
        find_model(tmp_path)
