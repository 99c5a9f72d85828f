from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prismseg.monitor.sessions.clock import JUMP_SECONDS, SteadyClock


def test_a_jump_of_the_computers_clock_is_told_and_changes_nothing() -> None:
    wall, steady = [1_000_000.0], [50.0]
    clock = SteadyClock(lambda: wall[0], lambda: steady[0])
    start = clock()
    assert start == datetime.fromtimestamp(1_000_000, UTC) and clock.jump == 0
    wall[0] += 60
    steady[0] += 60
    assert clock() - start == timedelta(seconds=60) and clock.jump == 0
    wall[0] -= 3600
    assert clock() - start == timedelta(seconds=60) and clock.jump == -3600
    wall[0] += 3600 + JUMP_SECONDS / 2  # an ordinary correction over the network
    assert clock.jump == 0
