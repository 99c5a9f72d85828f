"""From hand-made results to the right numbers: scores, paired differences, curves, what is missing."""

import pandas as pd
import pytest
from contest.plan import AXES, DOUBLE, EQUAL, OWN
from contest.tables import (
    CellState,
    best_peer,
    collect,
    compare,
    compare_over_sets,
    doubling,
    flatness,
    mean_facts,
    score,
)

GROUPS = "abcdef"


def cell(method, dice, *, data="discs", effort=OWN, images="20", fold=0, seed=0, seconds=10.0, curve=()):
    """A cell that is done; `dice` by group: a case each, or a list of its classes."""
    labels = dict(zip(AXES, (data, effort, images, method, str(fold), str(seed)), strict=True))
    rows = [
        {
            "case": f"{data}-{fold}-{group}",
            "group": f"{data}-{group}",
            "class": name,
            "measure": "dice",
            "value": value,
        }
        for group, values in dice.items()
        for name, value in zip(("one", "two"), values if isinstance(values, list) else [values], strict=False)
    ]
    rows += [{"measure": "seconds", "value": seconds}, {"measure": "images", "value": 20.0}]
    rows += [{"measure": "steps", "value": 100.0}, {"measure": "prediction_seconds", "value": 0.1}]
    rows += [{"measure": "watched", "x": x, "value": value} for x, value in curve]
    columns = ["case", "group", "class", "measure", "value", "x"]
    return CellState(labels, "done", pd.DataFrame(rows, columns=columns))


def waiting(method, state, **labels):
    filled = {"data": "discs", "effort": OWN, "images": "20", "fold": "0", "seed": "0"} | labels
    return CellState(filled | {"method": method}, state)


def of_groups(*values):
    return dict(zip(GROUPS, values, strict=False))


OURS = of_groups(0.9, 0.8, 0.9, 0.7, 0.8, 0.9)
PEER = of_groups(0.8, 0.7, 0.7, 0.6, 0.7, 0.8)


def test_a_score_is_the_mean_over_cases_of_the_mean_over_classes():
    contest = collect([cell("ours", {"a": [0.2, 0.6], "b": [0.8, 1.0]})], budget=60)
    found = score(contest, (OWN, "20", "discs", "ours"))
    assert found["mean"] == pytest.approx((0.4 + 0.9) / 2) and found["n_groups"] == 2
    assert (found["range_low"], found["range_high"]) == pytest.approx((0.4, 0.9)), "too few groups for an interval"


def test_a_paired_difference_is_that_of_the_sign_flip_test():
    """The numbers of the example of `prismseg.evaluation.paired_comparison`."""
    contest = collect([cell("ours", OURS), cell("all", PEER)], budget=60)
    found = compare(contest, (OWN, "20", "discs", "ours"), (OWN, "20", "discs", "all"))
    assert found["difference"] == pytest.approx(0.7 / 6) and found["p_value"] == pytest.approx(2 / 2**6)
    assert 0 < found["ci_low"] < found["difference"] < found["ci_high"]


def test_only_cases_that_both_have_are_compared():
    contest = collect([cell("ours", OURS), cell("all", {"a": 0.8, "b": 0.7})], budget=60)
    found = compare(contest, (OWN, "20", "discs", "ours"), (OWN, "20", "discs", "all"))
    assert found["difference"] == pytest.approx(0.1) and found["n"] == 2


def test_several_seeds_compare_methods():
    cells = [cell("ours", of_groups(*(v + 0.02 * seed for v in OURS.values())), seed=seed) for seed in (0, 1)]
    cells += [cell("all", of_groups(*(v - 0.02 * seed for v in PEER.values())), seed=seed) for seed in (0, 1)]
    found = compare(collect(cells, budget=60), (OWN, "20", "discs", "ours"), (OWN, "20", "discs", "all"))
    # Means of two seeds that are 0.02 apart: each has the variance 0.02² / 2 / 2.
    assert found["difference"] == pytest.approx(0.7 / 6 + 0.02) and found["n_seeds"] == 2
    assert found["aa"] == pytest.approx((2 * 0.02**2 / 4) ** 0.5)


def test_the_mean_over_sets_counts_sets_alike_and_leaves_out_what_one_lacks():
    cells = [
        cell("ours", OURS), cell("all", PEER),
        cell("ours", {"a": 0.5, "b": 0.6}, data="rings"), cell("all", {"a": 0.7, "b": 0.8}, data="rings"),
        cell("ours", OURS, data="lines"), waiting("all", "failed: no memory", data="lines"),
    ]  # fmt: skip
    contest = collect(cells, budget=60)
    found = compare_over_sets(contest, OWN, "20", "ours", "all")
    assert found.difference == pytest.approx((0.7 / 6 - 0.2) / 2)
    assert (found.better, found.sets) == (1, 2)
    assert contest.missing == [((OWN, "20", "lines", "all"), "failed: no memory")]
    assert best_peer(contest, OWN, "20", "ours") is None, "no peer has all sets"


def test_the_best_peer_has_the_highest_mean_over_sets():
    cells = [cell("ours", OURS), cell("all", PEER), cell("broken", of_groups(*[0.75] * 6))]
    assert best_peer(collect(cells, budget=60), OWN, "20", "ours") == "broken"


def test_a_point_with_a_missing_fold_is_no_score():
    contest = collect([cell("ours", OURS), waiting("ours", "left out", fold="1")], budget=60)
    assert contest.complete == set()
    assert contest.missing == [((OWN, "20", "discs", "ours"), "1 of 2 cells left out")]
    assert not contest.cases.empty, "its cases are in the table of cases"


def test_what_learns_in_one_go_stands_beside_equal_seconds_only_where_it_takes_no_longer():
    cells = [cell("all", PEER, seconds=50), cell("all", PEER, data="rings", seconds=70), cell("ours", OURS)]
    contest = collect(cells, budget=60)
    assert {point for point in contest.complete if point[0] == EQUAL} == {(EQUAL, "20", "discs", "all")}
    assert score(contest, (EQUAL, "20", "discs", "all"))["mean"] == pytest.approx(4.3 / 6)
    assert mean_facts(contest, "seconds")[EQUAL, "20", "discs", "all"] == 50


def test_a_curve_that_rises_to_its_end_is_told_from_a_flat_one():
    rising = [(step, step / 100) for step in range(0, 101, 5)]
    flat = [(step, min(0.5, step / 50)) for step in range(0, 101, 5)]
    table = flatness(
        collect([cell("ours", OURS, curve=rising), cell("all", PEER, curve=flat)], budget=60)
    ).set_index("method")
    # Means of steps 80 to 100 and of 55 to 75.
    assert table.loc["ours", "rise"] == pytest.approx(0.90 - 0.65) and table.loc["all", "rise"] == 0


def test_twice_the_steps_are_compared_on_the_fold_that_had_them():
    cells = [
        cell("ours", of_groups(0.5, 0.5), fold=0), cell("ours", of_groups(0.1, 0.1), fold=1),
        cell("ours", of_groups(0.6, 0.7), fold=0, effort=DOUBLE),
    ]  # fmt: skip
    ((images, method, gain),) = doubling(collect(cells, budget=60))
    assert (images, method) == ("20", "ours") and gain.difference == pytest.approx(0.15)


def test_nothing_done_is_no_error():
    contest = collect([waiting("ours", "not run")], budget=60)
    assert contest.cases.empty and contest.missing == [((OWN, "20", "discs", "ours"), "not run")]
