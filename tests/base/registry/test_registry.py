from __future__ import annotations

import sys
import threading
import types
from collections.abc import Callable

import pytest

from prismseg.base.errors import ConfigError
from prismseg.base.registry import Registry

Rounding = Callable[[float], int]


@pytest.fixture
def roundings() -> Registry[Rounding]:
    registry: Registry[Rounding] = Registry("rounding", extensions=lambda: None)
    registry.register("up", "math:ceil", summary="The next integer above.")
    registry.register("down", "math:floor")
    return registry


def test_names_keep_the_order_of_registration(roundings: Registry[Rounding]) -> None:
    roundings.register("bankers", round, summary="The nearest integer.")
    assert roundings.names() == ("up", "down", "bankers")
    assert list(roundings) == ["up", "down", "bankers"]
    assert len(roundings) == 3
    assert roundings.rows() == [
        ("up", "The next integer above."),
        ("down", ""),
        ("bankers", "The nearest integer."),
    ]


def test_entries_are_found_by_name(roundings: Registry[Rounding]) -> None:
    roundings.register("bankers", round)
    assert roundings["up"](1.2) == 2
    assert roundings["down"](1.8) == 1
    assert roundings["bankers"] is round
    assert roundings.get("up") is roundings["up"]
    assert roundings.get("sideways") is None
    assert roundings.get("sideways", round) is round
    assert "up" in roundings
    assert "sideways" not in roundings
    assert 3 not in roundings
    assert dict(roundings)["bankers"] is round


def test_an_import_string_is_imported_at_first_use(
    roundings: Registry[Rounding], monkeypatch: pytest.MonkeyPatch
) -> None:
    roundings.register("mine", "prismseg_test_roundings:mine", summary="Mine.")
    assert "mine" in roundings
    assert roundings.summary("mine") == "Mine."
    module = types.ModuleType("prismseg_test_roundings")
    module.mine = lambda number: 7  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="'mine' cannot be loaded from prismseg_test_roundings:mine") as caught:
        roundings["mine"]
    assert isinstance(caught.value.__cause__, ImportError)
    monkeypatch.setitem(sys.modules, "prismseg_test_roundings", module)
    assert roundings["mine"](1.5) == 7


def test_a_missing_attribute_is_named(roundings: Registry[Rounding]) -> None:
    roundings.register("wrong", "math:no_such_function")
    with pytest.raises(ConfigError, match="rounding 'wrong' cannot be loaded from math:no_such_function"):
        roundings["wrong"]


@pytest.mark.parametrize("address", ["math", "math:", ":floor", ""])
def test_a_string_must_be_an_address(roundings: Registry[Rounding], address: str) -> None:
    with pytest.raises(ConfigError, match=r"needs an address package\.module:attribute"):
        roundings.register("odd", address)
    assert "odd" not in roundings


def test_the_decorator_returns_what_it_decorates_and_takes_its_docstring(roundings: Registry[Rounding]) -> None:
    @roundings.register("half")
    def half(number: float) -> int:
        """Half the number.

        And more about it.
        """
        return int(number / 2)

    @roundings.register("double", summary="Twice the number.")
    def double(number: float) -> int:
        """Something else."""
        return int(number * 2)

    assert half(8) == 4
    assert roundings["half"] is half
    assert roundings.summary("half") == "Half the number."
    assert roundings.summary("double") == "Twice the number."


def test_a_name_is_taken_once(roundings: Registry[Rounding]) -> None:
    roundings.register("bankers", round)
    roundings.register("bankers", round)
    roundings.register("up", "math:" + "ceil")
    with pytest.raises(ConfigError, match="There is a rounding 'bankers' already"):
        roundings.register("bankers", "math:floor")
    with pytest.raises(ConfigError, match="There is a rounding 'up' already"):
        roundings.register("up", round)
    assert roundings["bankers"] is round
    assert roundings.names() == ("up", "down", "bankers")


def test_an_unknown_name_lists_the_known_ones(roundings: Registry[Rounding]) -> None:
    with pytest.raises(ConfigError) as caught:
        roundings["zzz"]
    assert str(caught.value) == "There is no rounding 'zzz'; choose one of up, down."
    with pytest.raises(ConfigError) as caught:
        roundings["dwn"]
    assert str(caught.value) == "There is no rounding 'dwn'; choose one of up, down. Did you mean 'down'?"
    with pytest.raises(ConfigError, match="There is no rounding 'zzz'"):
        roundings.summary("zzz")
    with pytest.raises(ConfigError) as caught:
        Registry[int]("number", extensions=lambda: None)["one"]
    assert str(caught.value) == "There is no number 'one'; none is registered."


def test_a_temporary_entry_leaves_again(roundings: Registry[Rounding]) -> None:
    with pytest.raises(RuntimeError, match="inside"), roundings.temporarily("seven", lambda number: 7):
        assert roundings["seven"](0.0) == 7
        raise RuntimeError("inside")
    assert "seven" not in roundings
    with pytest.raises(ConfigError, match="already"), roundings.temporarily("up", "math:ceil"):
        pytest.fail("a registered name cannot be had for a while")
    assert "up" in roundings
    roundings.unregister("up")
    assert roundings.names() == ("down",)
    with pytest.raises(ConfigError, match="There is no rounding 'up'"):
        roundings.unregister("up")


def test_registries_are_equal_to_themselves_alone() -> None:
    one, other = Registry[int]("number", extensions=lambda: None), Registry[int]("number", extensions=lambda: None)
    for registry in (one, other):
        registry.register("missing", "no_such_module:attribute")
    assert one == one
    assert one != other
    assert len({one, other}) == 2
    assert repr(one) == "Registry('number': missing)"


def test_extensions_are_loaded_for_lists_and_unknown_names() -> None:
    loads: list[int] = []

    def load() -> None:
        loads.append(len(loads))
        registry.register("late", 2)

    registry: Registry[int] = Registry("number", extensions=load)
    registry.register("early", 1)
    assert registry["early"] == 1
    assert loads == []
    assert registry["late"] == 2
    assert loads == [0]
    registry.unregister("late")
    assert registry.names() == ("early", "late")


def test_threads_register_a_name_once() -> None:
    registry: Registry[object] = Registry("object", extensions=lambda: None)
    barrier = threading.Barrier(8)
    refused: list[ConfigError] = []

    def register() -> None:
        barrier.wait()
        try:
            registry.register("one", object())
        except ConfigError as error:
            refused.append(error)

    threads = [threading.Thread(target=register) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 7
