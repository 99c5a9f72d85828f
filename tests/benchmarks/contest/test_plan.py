"""Plans: what fits into the hours, in which order, for how long; and that all methods get the same terms."""

from pathlib import Path

import pytest
from contest.methods import METHODS
from contest.plan import (
    DOUBLE,
    EQUAL,
    OWN,
    OpenSet,
    Question,
    list_cells,
    list_questions,
    list_tuning,
    make_plan,
    show_plan,
)
from contest.sets import ContestSet, part_cases

METHODS_USED = ["ours", "all"]


@pytest.fixture
def data():
    """Fifty patients of two images."""
    return OpenSet(
        ContestSet("discs", Path("discs"), {}, 256), [str(case // 2) for case in range(100)], [20, 40, None]
    )


def test_seconds_of_a_cell_are_those_of_its_parts(data):
    cells = {cell.run.labels["method"]: cell for cell in list_cells(Question(OWN, 20, (2,)), data, METHODS_USED)}
    # Setup; images and steps at four times the pixels; 20 tests; 16 looks at 8 watched images; reading.
    assert cells["ours"].seconds == pytest.approx(1 + 4 * (0.5 * 20 + 0.1 * 20) + 4 * 0.25 * (20 + 16 * 8) + 5)
    assert cells["all"].seconds == pytest.approx(1 + 4 * 0.5 * 20 + 4 * 0.25 * 20 + 5), "without steps no curve"
    (equal,) = list_cells(Question(EQUAL, 20, (2,)), data, METHODS_USED, budget=60)
    assert equal.run.labels["method"] == "ours" and equal.seconds == pytest.approx(60 + 4 * 0.25 * (20 + 128) + 5)
    (twice,) = list_cells(Question(DOUBLE, 20, (2,)), data, METHODS_USED)
    assert twice.seconds - cells["ours"].seconds == pytest.approx(4 * 0.1 * 20)
    (slow,) = list_cells(Question(DOUBLE, 20, (2,)), data, METHODS_USED, factors={"ours": 1.5})
    assert slow.seconds == pytest.approx(1.5 * twice.seconds)


def test_methods_differ_in_nothing_but_their_name(data):
    for question in [question for question in list_questions((2, 3)) if not question.controls]:
        cells = list_cells(question, data, ["ours", "broken"], seeds=(0, 1))
        settings = [
            [
                {name: value for name, value in cell.run.settings.items() if name != "method"}
                for cell in cells
                if cell.run.settings["method"] == method
            ]
            for method in ("ours", "broken")
        ]
        assert (
            settings[0] == settings[1]
            and len(settings[0]) == (4 if question.images in data.sizes else 0) * len(question.folds) // 2
        )


def test_a_training_size_that_a_set_has_no_images_for_has_no_cells(data):
    assert list_cells(Question(OWN, 80, (2,)), data, METHODS_USED) == ()


def test_what_does_not_fit_is_left_out_whole_and_named(data):
    everything = make_plan([data], METHODS_USED, hours=None)
    assert everything.left_out == () and len({run.key for run in everything.runs}) == len(everything.runs)
    needed = sum(chunk.seconds for chunk in everything.chosen)
    first = everything.chosen[0]
    assert (first.question.effort, first.question.images) == (OWN, 20)
    plan = make_plan([data], METHODS_USED, hours=first.seconds * 1.01 / 3600 / 2, cores=2)
    assert [chunk.name for chunk in plan.chosen] == ["discs, 20 images, own steps"]
    assert sum(chunk.seconds for chunk in plan.left_out) == pytest.approx(needed - first.seconds)
    text = show_plan(plan, 2)
    assert f"{first.seconds / 3600:9.2f}      6  discs, 20 images, own steps" in text
    assert "discs, all images, equal seconds" in text.partition("Left out")[2]
    assert make_plan([data], METHODS_USED, hours=needed * 1.01 / 3600, cores=1).left_out == ()


def test_choices_are_tried_on_a_fold_that_quick_contests_do_not_test(data):
    method = METHODS["nnunet"]
    runs = list_tuning([data], ["nnunet", "all"])
    assert [run.settings["choice"] for run in runs] == list(method.choices)
    assert {run.settings["fold"] for run in runs} == {0}
    tested = {fold for question in list_questions((2, 3, 4)) for fold in question.folds}
    assert 0 not in tested and set(part_cases(data.groups, 0, 20).test).isdisjoint(
        part_cases(data.groups, 2, 20).test
    )
