"""Annotators' agreement beside the network's in an evaluation."""

import numpy as np
import pytest
from PIL import Image

from prismseg.data import Preprocess, open_dataset
from prismseg.evaluation import measure_cases, summarize
from prismseg.evaluation.comparison import PER_CASE, compare
from prismseg.evaluation.networks import EvaluatedNetwork
from prismseg.inference import Predictor
from prismseg.nets import create_model


@pytest.fixture
def measured(tmp_path):
    """Measure two images of three annotators, or of fewer, with a network."""
    model = create_model("fcn", skip="none", in_channels=1, width=0.1, seed=0)
    model.metadata |= {"preprocess": Preprocess((32, 32), 1).to_dict(), "classes": ["background", "foreground"]}

    def measure(people):
        for number, names in enumerate(people):
            for folder in ("images", *(f"masks/{name}" for name in names)):
                pixels = np.random.default_rng([number, len(folder)]).integers(0, 2, (32, 32), dtype=np.uint8)
                (tmp_path / folder).mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(tmp_path / folder / f"p{number}.png")
        dataset = open_dataset(tmp_path)
        cases = tuple(range(len(dataset)))
        return measure_cases([EvaluatedNetwork(Predictor(model), cases)], dataset, show_progress=False), tmp_path

    return measure


def test_it_stands_beside_the_other_metrics(measured):
    per_case, folder = measured([("anna", "ben", "cleopatra"), ("anna", "ben")])
    summary = summarize(per_case).set_index("metric")
    assert 0 < summary.loc["annotators_dice", "mean"] < 1 and summary.loc["dice_to_annotators", "n"] == 2
    # It is no property of a network, so two networks are not compared by it.
    per_case.to_csv(folder / PER_CASE, index=False)
    compared = set(compare(per_case, folder)["metric"])
    assert "dice_to_annotators" in compared and "annotators_dice" not in compared


def test_it_is_left_out_where_a_case_has_one_mask(measured):
    per_case, _ = measured([("anna", "ben"), ("anna",)])
    assert "annotators_dice" not in set(per_case["metric"])
