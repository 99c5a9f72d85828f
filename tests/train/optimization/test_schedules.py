import pytest
from hypothesis import given
from hypothesis import strategies as st

from prismseg.base import ConfigError
from prismseg.train.batches import batch_cases, step_seed
from prismseg.train.optimization.schedules import learning_rate


def test_rates_by_hand():
    assert learning_rate("poly", 50, 100, 2.0) == pytest.approx(2 * 0.5**0.9)
    assert learning_rate("cosine", 25, 100, 2.0) == pytest.approx(1 + 0.5**0.5)
    assert learning_rate("constant", 99, 100, 2.0) == 2.0
    assert learning_rate("onecycle", 0, 100, 2.5) == pytest.approx(0.1)
    assert learning_rate("onecycle", 10, 100, 2.5) == pytest.approx(2.5)
    # Half-way down a half cosine lies midway between peak and end.
    assert learning_rate("onecycle", 55, 100, 2.5) == pytest.approx((2.5 + 2.5e-4) / 2)
    with pytest.raises(ConfigError, match="onecycle"):
        learning_rate("step", 0, 1, 1.0)


@given(count=st.integers(1, 30), batch=st.integers(1, 40), steps=st.integers(1, 12), seed=st.integers(0, 1000))
def test_batches_deal_every_case_once_before_any_twice(count, batch, steps, seed):
    dealt = [case for step in range(steps) for case in batch_cases(count, batch, step, seed)]
    assert len(dealt) == steps * batch
    for start in range(0, len(dealt) - count + 1, count):
        assert sorted(dealt[start : start + count]) == list(range(count))


def test_order_changes_with_epoch_and_seed():
    first, second = batch_cases(50, 50, 0, 1), batch_cases(50, 50, 1, 1)
    assert first != second and first != batch_cases(50, 50, 0, 2)
    assert first == batch_cases(50, 50, 0, 1)


def test_step_seeds_do_not_collide():
    seeds = {step_seed(s, t, r, p) for s in range(3) for t in range(100) for r in range(2) for p in range(2)}
    assert len(seeds) == 1200 and all(0 <= seed < 2**63 for seed in seeds)
