from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from prismseg.monitor.sessions.measurement import minute_of
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.store import SessionStore, verify

from ..store.scene import TrueSegmenter, capture

ZERO = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "minute"), [(-60, -1), (0, 0), (0.001, 0.001), (0.03, 0.001), (0.2, 0.003), (300, 5), (-0.01, 0)]
)
def test_minutes_since_the_dose(seconds: float, minute: float) -> None:
    assert (
        minute_of(SimpleNamespace(stated_minute=None, taken_at=ZERO + timedelta(seconds=seconds)), ZERO) == minute
    )


def test_no_minute_is_a_negative_zero() -> None:
    assert (
        str(minute_of(SimpleNamespace(stated_minute=None, taken_at=ZERO - timedelta(milliseconds=10)), ZERO))
        == "0.0"
    )


def test_a_row_reads_as_it_was_sealed_also_with_a_negative_zero(tmp_path) -> None:
    store = SessionStore(tmp_path / "ward")
    service = SessionService(store, TrueSegmenter())
    session = service.begin("ana", {"code": "E-1"}, camera="none")
    capture(service, 1, session)
    with store.write() as transaction:
        transaction.add_result(
            transaction.capture(session, 1), mask_id=None, minute=-0.0, status="measured", outcome={"a": -0.0, "b": 1e-9},
            application="", model="", model_hash="", template_hash="", method="", parameters={}, mask_origin="", view="",
        )  # fmt: skip
    assert verify(store).faults == ()
    store.close()
