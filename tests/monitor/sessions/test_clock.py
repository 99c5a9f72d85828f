"""The monitor's clock: steps of the computer's clock, sleep, restarts of the program and of the computer."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prismseg.monitor.sessions.clock import JUMP_SECONDS, SteadyClock, steady_seconds


@dataclass
class Computer:
    """Its two clocks, and the name of the time since it was started."""

    wall: float = 1_800_000_000.0
    steady: float = 50.0
    boot: str = "first"

    def wait(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def clock(self) -> SteadyClock:
        return SteadyClock(lambda: self.wall, lambda: self.steady, lambda: self.boot)


def test_a_jump_of_the_computers_clock_is_told_and_changes_nothing() -> None:
    computer = Computer()
    clock = computer.clock()
    start = clock()
    assert start == datetime.fromtimestamp(computer.wall, UTC) and clock.jump == 0 and clock.notice is None
    computer.wait(60)
    assert clock() - start == timedelta(seconds=60) and clock.jump == 0
    computer.wall -= 3600
    assert clock() - start == timedelta(seconds=60) and clock.jump == -3600
    assert "computer's clock was set back by 60.0 min" in str(clock.notice)
    computer.wall += 7200
    assert clock() - start == timedelta(seconds=60) and "set forward by 60.0 min" in str(clock.notice)
    computer.wall -= 3600 - JUMP_SECONDS / 2  # an ordinary correction over the network
    assert clock.jump == 0


def test_sleep_counts() -> None:
    """Both clocks run on while the computer sleeps: a lid that was closed for ten minutes is ten minutes."""
    computer = Computer()
    clock = computer.clock()
    start = clock()
    computer.wait(600)
    assert clock() - start == timedelta(minutes=10) and clock.jump == 0


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system has no clock that runs through sleep")
def test_the_clock_that_runs_through_sleep_is_used_where_there_is_one() -> None:
    assert abs(steady_seconds() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 5


@given(st.lists(st.tuples(st.floats(0, 4000), st.floats(-1e5, 1e5), st.booleans()), max_size=8))
def test_minutes_are_those_that_passed_whatever_the_computers_clock_does(tmp_path_factory, steps) -> None:
    """The truth is the time that passed: waits, steps of the wall clock, restarts of the program, in any order."""
    folder = tmp_path_factory.mktemp("ward")
    computer = Computer(wall=1_800_000_000.0)
    clock = computer.clock()
    clock.resume(folder, None, running=False)
    start, passed = clock(), 0.0
    for wait, step, restart in steps:
        computer.wait(wait)
        passed += wait
        computer.wall += step
        if restart:
            last, clock = clock(), computer.clock()
            assert clock.resume(folder, last, running=True) == 0
        assert (clock() - start).total_seconds() == pytest.approx(passed, abs=1e-3)


def test_a_restart_of_the_program_takes_nothing_from_a_clock_that_was_set_meanwhile(tmp_path: Path) -> None:
    computer = Computer()
    clock = computer.clock()
    clock.resume(tmp_path, None, running=False)
    start = clock()
    computer.wait(300)
    computer.wall -= 3600
    again = computer.clock()
    assert again.resume(tmp_path, start, running=True) == 0
    assert again() - start == timedelta(minutes=5) and again.jump == -3600


def test_without_a_running_session_the_computers_time_is_taken(tmp_path: Path) -> None:
    computer = Computer()
    computer.clock().resume(tmp_path, None, running=False)
    computer.wait(60)
    computer.wall -= 3600
    clock = computer.clock()
    clock.resume(tmp_path, datetime.fromtimestamp(computer.wall + 3600, UTC), running=False)
    assert clock().timestamp() == computer.wall and clock.jump == 0


@pytest.mark.parametrize("note", ["boot", "none", "torn", "ahead"])
def test_after_the_computer_was_started_time_does_not_go_back_and_says_what_is_lost(
    tmp_path: Path, note: str
) -> None:
    computer = Computer()
    clock = computer.clock()
    clock.resume(tmp_path, None, running=False)
    computer.wait(600)
    last = clock()
    if note == "boot":
        computer.boot, computer.steady = "second", 5.0
    elif note == "none":
        (tmp_path / "clock.json").unlink()
    elif note == "torn":
        (tmp_path / "clock.json").write_text('{"boot": "fi')
    else:  # of a boot with the same name, but from later: no note of this one
        text = json.loads((tmp_path / "clock.json").read_text())
        (tmp_path / "clock.json").write_text(json.dumps({**text, "steady": computer.steady + 1}))
    computer.wall -= 86400
    again = computer.clock()
    assert again.resume(tmp_path, last, running=True) == pytest.approx(86400, abs=1)
    assert again() == last and again.jump == pytest.approx(-86400, abs=1)
    computer.wall += 2 * 86400
    later = computer.clock()
    computer.boot = "third"
    assert later.resume(tmp_path, last, running=True) == 0
    assert later().timestamp() == computer.wall, "after what is stored: the computer's clock is all there is"
