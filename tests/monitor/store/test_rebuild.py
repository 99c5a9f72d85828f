from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from prismseg.monitor.rebuild import minute_of

ZERO = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "minute"), [(-60, -1), (0, 0), (0.001, 0.001), (0.03, 0.001), (0.2, 0.003), (300, 5), (-0.01, 0)]
)
def test_minutes_since_the_dose(seconds: float, minute: float) -> None:
    assert minute_of(SimpleNamespace(taken_at=ZERO + timedelta(seconds=seconds)), ZERO) == minute
