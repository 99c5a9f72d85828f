import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from prismseg.base import DataError
from prismseg.features import ClassStatistics, RegressionStatistics
from prismseg.features.statistics import BLOCK_ROWS

FEATURES, CLASSES = 4, 3


def draw(seed: int, rows: int = 30) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(rows, FEATURES, generator=generator)
    return features, torch.randint(0, CLASSES, (rows,), generator=generator)


def gather(*parts: tuple[torch.Tensor, torch.Tensor]) -> ClassStatistics:
    statistics = ClassStatistics(FEATURES, CLASSES)
    for features, labels in parts:
        statistics.update(features, labels)
    return statistics


def assert_equal(first: ClassStatistics, second: ClassStatistics, **tolerances: float) -> None:
    assert first.counts.tolist() == second.counts.tolist()
    torch.testing.assert_close(first.sums, second.sums, **tolerances)
    torch.testing.assert_close(first.grams, second.grams, **tolerances)


def test_regression_statistics_are_weighted_sums():
    rng = np.random.default_rng(0)
    z, t, c = rng.normal(size=(9, 3)), rng.normal(size=(9, 2)), rng.uniform(0.5, 2, 9)
    statistics = RegressionStatistics.of(*(torch.from_numpy(x) for x in (z, t, c)))
    np.testing.assert_allclose(statistics.gram, sum(w * np.outer(a, a) for w, a in zip(c, z, strict=True)))
    np.testing.assert_allclose(statistics.cross, sum(w * np.outer(a, b) for w, a, b in zip(c, z, t, strict=True)))
    np.testing.assert_allclose(statistics.squares, (c[:, None] * t**2).sum(0))
    assert statistics.count == 9
    assert statistics.log_weights == pytest.approx(np.log(c).sum())


def test_regression_statistics_add_up():
    z, t = torch.randn(10, 3), torch.randn(10, 2)
    whole = RegressionStatistics.of(z, t)
    parts = RegressionStatistics.of(z[:4], t[:4]) + RegressionStatistics.of(z[4:], t[4:])
    torch.testing.assert_close(parts.gram, whole.gram)
    torch.testing.assert_close(parts.cross, whole.cross)
    torch.testing.assert_close(parts.squares, whole.squares)
    assert parts.count == whole.count


def test_a_row_that_counts_for_a_part_of_a_pixel():
    z, labels = draw(3)
    whole = gather((z, labels), (z[:10], labels[:10]))
    weights = torch.ones(len(z))
    weights[:10] = 2
    statistics = ClassStatistics(FEATURES, CLASSES)
    statistics.update(z, labels, weights=weights)
    assert_equal(statistics, whole)
    thirds = [ClassStatistics(FEATURES, CLASSES) for _ in range(3)]
    for part in thirds:
        part.update(z, labels, weights=weights / 3)
    rest = thirds[0] + thirds[1] + thirds[2]
    torch.testing.assert_close(rest.counts, whole.counts)
    for part in thirds:
        rest = rest - part
    assert not rest.counts.any() and not rest.grams.any()


@pytest.mark.parametrize("weights", [torch.zeros(30), torch.ones(29), torch.full((30,), torch.nan)])
def test_weights_that_cannot_be_used(weights):
    statistics = ClassStatistics(FEATURES, CLASSES)
    with pytest.raises(DataError, match="30 weights, finite and positive"):
        statistics.update(*draw(0), weights=weights)
    assert not statistics.counts.any()


@pytest.mark.parametrize("kind", ["balanced", "equal", [2.0, 0.5, 3.0]])
def test_class_statistics_give_those_of_one_hot_targets(kind):
    z, labels = draw(1)
    statistics = gather((z, labels))
    if kind == "balanced":
        weights = len(labels) / (CLASSES * torch.bincount(labels, minlength=CLASSES).double())
    else:
        weights = torch.ones(CLASSES) if kind == "equal" else torch.tensor(kind)
    targets = torch.nn.functional.one_hot(labels, CLASSES).double()
    expected = RegressionStatistics.of(z, targets, weights[labels])
    actual = statistics.regression(kind)
    for name in ("gram", "cross", "squares"):
        torch.testing.assert_close(getattr(actual, name), getattr(expected, name))
    assert actual.count == expected.count
    assert actual.log_weights == pytest.approx(expected.log_weights, abs=1e-12)


def test_balanced_weights_of_a_class_that_is_absent():
    statistics = gather((torch.ones(4, FEATURES), torch.tensor([0, 0, 0, 2])))
    assert statistics.balanced_weights().tolist() == pytest.approx([4 / 6, 0, 2])
    regression = statistics.regression()
    assert regression.squares.tolist() == pytest.approx([2, 0, 2])
    assert regression.cross[:, 1].tolist() == [0] * FEATURES


def test_unknown_pixels_are_left_out_whatever_their_features():
    z, labels = draw(2)
    labels[::3] = 255
    expected = gather((z[labels != 255], labels[labels != 255]))
    z[::3] = torch.nan
    assert_equal(gather((z, labels)), expected)


def test_many_rows_are_summed_in_chunks(monkeypatch):
    z, labels = draw(3)
    expected = gather((z, labels))
    monkeypatch.setitem(BLOCK_ROWS, torch.float64, 4)
    assert_equal(gather((z, labels)), expected)


def test_blocks_in_single_precision_keep_six_digits():
    generator = torch.Generator().manual_seed(0)
    z, labels = 3 + torch.randn(5000, FEATURES, generator=generator), torch.arange(5000) % CLASSES
    weights = torch.rand(5000, generator=generator) + 0.1
    exact, quick = ClassStatistics(FEATURES, CLASSES), ClassStatistics(FEATURES, CLASSES)
    exact.update(z, labels, weights=weights)
    quick.update(z, labels, weights=weights, blocks=torch.float32)
    assert_equal(quick, exact, rtol=2e-6, atol=0)
    assert not torch.equal(quick.grams, exact.grams)
    assert torch.equal(quick.grams, quick.grams.mT)


def test_a_third_of_others_is_one_part_beside_two():
    part, other = draw(5), draw(7)
    mixed = gather(part).mixed(gather(other), 1 / 3)
    together = gather(part, part, other)
    for name in ("counts", "sums", "grams"):
        torch.testing.assert_close(3 * getattr(mixed, name), getattr(together, name), rtol=1e-12, atol=1e-12)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=4), st.lists(st.integers(0, 50), max_size=4))
def test_what_is_subtracted_was_never_there(kept, removed):
    one, other = gather(*map(draw, kept)), gather(*map(draw, removed))
    assert_equal(one + other - other, one, rtol=1e-10, atol=1e-10)
    assert_equal(one + other, other + one, rtol=0, atol=0)


def test_a_class_that_is_wholly_removed_leaves_exactly_nothing():
    rare = (torch.randn(3, FEATURES), torch.tensor([2, 2, 2]))
    common = (torch.randn(20, FEATURES), torch.arange(20) % 2)
    rest = gather(common, rare) - gather(rare)
    assert not rest.grams[2].any() and not rest.sums[2].any()


def test_wrong_rows_say_what_is_wrong_and_add_nothing():
    statistics = gather(draw(4))
    before = statistics + ClassStatistics(FEATURES, CLASSES)
    z, labels = draw(5)
    with pytest.raises(DataError, match="2 of 30 pixels have features that are not finite"):
        bad = z.clone()
        bad[3, 0], bad[7] = torch.nan, torch.inf
        statistics.update(bad, labels)
    with pytest.raises(DataError, match="Label 3 is no class: classes are 0 to 2, and 255"):
        statistics.update(z, labels + 1)
    with pytest.raises(DataError, match="Label -1"):
        statistics.update(z, labels - 1)
    with pytest.raises(DataError, match=r"Features must be \(30, 4\)"):
        statistics.update(z[:, :2], labels)
    with pytest.raises(DataError, match="must be integers"):
        statistics.update(z, labels.float())
    assert_equal(statistics, before, rtol=0, atol=0)


def test_what_does_not_fit_is_refused():
    one = gather(draw(6))
    with pytest.raises(DataError, match="never added"):
        gather(draw(6, rows=3)) - one
    with pytest.raises(DataError, match="do not go with"):
        one + ClassStatistics(FEATURES + 1, CLASSES)
    with pytest.raises(DataError, match="No pixel is labelled"):
        ClassStatistics(FEATURES, CLASSES).regression()
    with pytest.raises(DataError, match="3 positive class weights"):
        one.regression([1.0, 0.0, 1.0])
    with pytest.raises(DataError, match="there are 0 and 3"):
        ClassStatistics(0, CLASSES)
    z, t = torch.randn(5, 2), torch.randn(5, 1)
    with pytest.raises(DataError, match=r"weights \(N,\)"):
        RegressionStatistics.of(z, t, torch.ones(4))
    with pytest.raises(DataError, match="positive"):
        RegressionStatistics.of(z, t, torch.zeros(5))
    with pytest.raises(DataError, match="finite"):
        RegressionStatistics.of(z, t * torch.nan)
    with pytest.raises(DataError, match="cannot be added"):
        RegressionStatistics.of(z, t) + RegressionStatistics.of(z, torch.randn(5, 2))
