"""Any order of changes: the store holds what a simple model holds, and its chain stays whole."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from prismseg.monitor.sessions.details import Details
from prismseg.monitor.store import SessionStore, latest_results, list_captures, verify
from prismseg.monitor.store.schema import MaskRow, SessionRow

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
NUMBERS = st.floats(-1e6, 1e6) | st.just(-0.0)
FLAGS = st.fixed_dictionaries({"name": WORDS, "level": WORDS, "side": WORDS, "value": NUMBERS})


class Broken(Exception):
    """Ends a change before it is confirmed."""


class Changes(RuleBasedStateMachine):
    address: Callable[[], str | None]
    most: ClassVar[dict[str, int]]  # of each kind that the store was seen to hold

    @initialize(code=WORDS.filter(str.strip))
    def begin(self, code: str) -> None:
        self.folder, self.url = Path(tempfile.mkdtemp()) / "ward", type(self).address()
        self.store, self.asked = SessionStore(self.folder, self.url), 0
        with self.store.write() as transaction:
            self.session = transaction.add_session(
                "ana", Details(code=code), view="mirrored", camera="none", origin="camera"
            ).id
        self.code, self.captures, self.masks, self.minutes = code.strip(), [], {}, {}

    def add(self, frame: bytes, parameters: dict[str, float]) -> None:
        self.asked += 1
        with self.store.write() as transaction:
            transaction.add_capture(
                "ana", transaction.session(self.session), key=f"key-{self.asked}", taken_at=transaction.at, source="s",
                camera="none", frame_sha256=self.store.files.put(frame), pixels_sha256=f"{self.asked:064d}", size=(2, 3),
                parameters=parameters,
            )  # fmt: skip

    @rule(frame=st.binary(max_size=8), parameters=st.dictionaries(WORDS, NUMBERS, max_size=3))
    def capture(self, frame: bytes, parameters: dict[str, float]) -> None:
        self.add(frame, parameters)
        self.captures.append((frame, parameters))

    @precondition(lambda self: self.captures)
    @rule(data=st.data(), mask=st.binary(max_size=8))
    def mask(self, data: st.DataObject, mask: bytes) -> None:
        number = data.draw(st.integers(1, len(self.captures)))
        with self.store.write() as transaction:
            capture = transaction.capture(self.session, number)
            transaction.add_mask("ana", capture, origin="edited", sha256=self.store.files.put(mask))
        self.masks.setdefault(number, []).append(mask)

    @precondition(lambda self: self.captures)
    @rule(data=st.data(), minute=NUMBERS, outcome=st.dictionaries(WORDS, NUMBERS | WORDS | st.none(), max_size=3))
    def result(self, data: st.DataObject, minute: float, outcome: dict) -> None:
        number = data.draw(st.integers(1, len(self.captures)))
        with self.store.write() as transaction:
            transaction.add_result(
                transaction.capture(self.session, number),
                mask_id=None, minute=minute, status="measured", outcome=outcome,
                application="9.9", model="", model_hash="", template_hash="", method="", parameters={}, mask_origin="",
                view="mirrored",
            )  # fmt: skip
        self.minutes[number] = (minute, outcome)

    @rule(code=WORDS, flags=st.lists(FLAGS, max_size=3))
    def state(self, code: str, flags: list) -> None:
        with self.store.write() as transaction:
            transaction.update_session("ana", "stated", transaction.session(self.session), code=code, flags=flags)
        self.code = code

    @rule(frame=st.binary(max_size=8))
    def break_off(self, frame: bytes) -> None:
        try:
            with self.store.write() as transaction:
                transaction.update_session("ana", "stated", transaction.session(self.session), code="never")
                self.store.files.put(frame)
                raise Broken
        except Broken:
            pass

    @rule()
    def open_again(self) -> None:
        self.store.close()
        self.store = SessionStore(self.folder, self.url)

    @rule(cut=st.integers(1, 400))
    def stop_within_the_audit_line(self, cut: int) -> None:
        self.store.close()
        path = self.folder / "audit.jsonl"
        path.write_bytes(path.read_bytes()[:-cut])
        self.store = SessionStore(self.folder, self.url)

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        if not hasattr(self, "code"):
            return
        with self.store.read() as db:
            row = db.get(SessionRow, self.session)
            captures = list_captures(db, self.session)
            results = latest_results(db, self.session)
            masks = {capture.number: db.get(MaskRow, capture.mask_id) for capture in captures if capture.mask_id}
        assert row.code == self.code
        assert [(self.store.files.get(each.frame_sha256), each.parameters) for each in captures] == self.captures
        assert [each.number for each in captures] == list(range(1, len(self.captures) + 1))
        assert {
            number: (mask.number, self.store.files.get(mask.file_sha256)) for number, mask in masks.items()
        } == {number: (len(made), made[-1]) for number, made in self.masks.items()}
        kept = {each.number: results[each.id] for each in captures if each.id in results}
        assert {number: (each.minute, each.outcome) for number, each in kept.items()} == self.minutes
        assert verify(self.store).faults == ()
        for kind, held in (("captures", captures), ("masks", masks), ("results", kept)):
            self.most[kind] = max(self.most.get(kind, 0), len(held))

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()


def test_any_order_of_changes(fresh: Callable[[], str | None]) -> None:
    machine = type("On", (Changes,), {"address": staticmethod(fresh), "most": {}})
    examples = 12 if fresh() is not None else 25
    # The same orders on every run, so that none is without what the last line asks for; a failing one is told as it is,
    # since a shorter one takes minutes to find.
    chosen = settings(
        max_examples=examples,
        stateful_step_count=12,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
    )
    run_state_machine_as_test(machine, settings=chosen)
    # The invariant was asserted of stores that held something of each kind.
    assert all(machine.most[kind] > 0 for kind in ("captures", "masks", "results")), machine.most
