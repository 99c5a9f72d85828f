"""Parts of a fit on several threads give what they give one after another."""

import threading

import pytest
import torch

from prismseg.train.instant.threads import map_on_threads


@pytest.fixture(params=[1, 2, 5])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_keep_the_order_of_items(threads):
    first = threading.Event()

    def wait_for_the_second(item):
        if threads > 1 and item == 0:
            assert first.wait(10)
        first.set()
        return item**2

    assert map_on_threads(wait_for_the_second, range(7)) == [0, 1, 4, 9, 16, 25, 36]
    assert map_on_threads(wait_for_the_second, []) == []
    assert torch.get_num_threads() == threads


def test_threads_are_shared_out_and_given_back(threads):
    assert map_on_threads(lambda _: torch.get_num_threads(), range(2)) == [max(1, threads // 2)] * 2
    assert torch.get_num_threads() == threads


def test_the_first_items_error_is_told_and_threads_are_given_back(threads):
    def refuse(item):
        if item:
            raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 1"):
        map_on_threads(refuse, range(9))
    assert torch.get_num_threads() == threads


def test_inference_mode_reaches_the_threads(threads):
    with torch.inference_mode():
        assert all(map_on_threads(lambda _: torch.ones(1).is_inference(), range(3)))
    assert not any(map_on_threads(lambda _: torch.ones(1).is_inference(), range(3)))
