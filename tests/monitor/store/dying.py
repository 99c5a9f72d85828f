"""Stop a monitor dead at every step of an act, one after the other, and look at what is left.

    python dying.py FOLDER ACT

A child counts each statement, commit, fsync, rename and written half of an audit line, and ends itself without a word
at the k-th; k grows until the act is done before it. After each, the store is opened and checked: the act has been done
whole or not at all, done if it was confirmed, and can be done again. Prints the steps as JSON; ends with 1 at the first
fault.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from scene import TrueSegmenter, capture, soles
from sqlalchemy import Engine, event, text

from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.store import SessionStore, verify
from prismseg.monitor.store import audit as audit_module

DIED, DONE = 77, 0


class Steps:
    """Ends the process at the k-th step."""

    def __init__(self, fatal: int, out: int) -> None:
        self.left, self.out = fatal, out

    def __call__(self, name: str) -> None:
        self.left -= 1
        if self.left == 0:
            os.write(self.out, name.encode())
            os._exit(DIED)

    def watch(self) -> None:
        """Count before and after all that reaches the disk."""
        for name in ("fsync", "replace", "rename"):
            setattr(os, name, self._around(name, getattr(os, name)))
        Path.replace = self._around("replace", Path.replace)  # type: ignore[method-assign]
        write, before = audit_module.as_json, b""

        def halved(value: object) -> str:
            nonlocal before
            line = write(value)
            if isinstance(value, dict) and "row_sha256" in value and "sha256" in value:  # a line of the file
                with (FOLDER / "audit.jsonl").open("ab") as file:
                    if self.left == 1:
                        file.write(before + line.encode()[: len(line) // 2])
                self("half of an audit line")
                before += f"{line}\n".encode()
            return line

        audit_module.as_json = halved
        event.listen(Engine, "before_cursor_execute", lambda *a: self(f"before {a[2].split()[0]}"))
        event.listen(Engine, "commit", lambda _: self("before COMMIT"))
        append = audit_module.AuditFile.append

        def after_commit(trail: audit_module.AuditFile, entries: list) -> None:
            self("after COMMIT")
            append(trail, entries)
            self("after the audit file")

        audit_module.AuditFile.append = after_commit  # type: ignore[method-assign]

    def _around(self, name: str, real: Callable) -> Callable:
        def stepped(*words: object, **more: object) -> object:
            self(f"before {name}")
            made = real(*words, **more)
            self(f"after {name}")
            return made

        return stepped


def begin() -> str:
    store = SessionStore(FOLDER)
    service = SessionService(store, TrueSegmenter())  # type: ignore[arg-type]
    session = service.begin("crash", {"code": "E-CRASH"}, camera="none", take_camera=True)
    service.record_dose("crash", session)  # before it each capture moves the zero of all others
    capture(service, 1, session)
    store.close()
    return session


def act(service: SessionService, session: str, what: str) -> None:
    if what == "capture":
        capture(service, 2, session)
    elif what == "correct":
        before = chosen(service.store)
        if service.store.files.path(before[1]).exists() and before[2] == "automatic":
            service.correct_mask("crash", session, 1, soles() & (soles().cumsum(1) > 3), before=before[0])
    elif not excluded(service.store):
        service.exclude_capture("crash", session, 1, "it was cut")


def chosen(store: SessionStore) -> tuple:
    query = (
        "SELECT m.id, m.file_sha256, m.origin FROM captures c JOIN masks m ON m.id = c.mask_id WHERE c.number = 1"
    )
    with store.read() as db:
        return tuple(db.execute(text(query)).one())


def excluded(store: SessionStore) -> bool:
    with store.read() as db:
        return db.execute(text("SELECT deleted_at FROM captures WHERE number = 1")).scalar() is not None


def done(store: SessionStore, what: str) -> bool:
    if what == "capture":
        with store.read() as db:
            return db.execute(text("SELECT count(*) FROM captures")).scalar() == 2
    return chosen(store)[2] == "edited" if what == "correct" else excluded(store)


HANGING = {
    "a mask without a capture": "SELECT id FROM masks WHERE capture_id NOT IN (SELECT id FROM captures)",
    "a result without a capture": "SELECT id FROM results WHERE capture_id NOT IN (SELECT id FROM captures)",
    "a capture without a result": "SELECT id FROM captures WHERE id NOT IN (SELECT capture_id FROM results)",
    "a capture without its mask": "SELECT id FROM captures WHERE mask_id NOT IN (SELECT id FROM masks)",
    "a result of another mask": (
        "SELECT r.id FROM captures c JOIN results r ON r.capture_id = c.id WHERE c.deleted_at IS NULL AND "
        "r.number = (SELECT max(number) FROM results WHERE capture_id = c.id) AND r.mask_id != c.mask_id"
    ),
}


def faults(store: SessionStore) -> list[str]:
    found = list(verify(store).faults)
    with store.read() as db:
        found += [name for name, query in HANGING.items() if db.execute(text(query)).first() is not None]
    if store.trail_fault:
        found.append(store.trail_fault)
    found += [f"{path} was left" for path in store.files.root.glob("??/.*")]
    return found


def main(what: str) -> None:
    pristine = FOLDER.with_name("pristine")
    session = None if what == "open" else begin()
    if session is not None:
        FOLDER.rename(pristine)
    stepped: list[str] = []
    while True:
        if session is not None:
            shutil.copytree(pristine, FOLDER)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            steps = Steps(len(stepped) + 1, writer)
            if session is None:
                steps.watch()
                SessionStore(FOLDER)
            else:
                service = SessionService(SessionStore(FOLDER), TrueSegmenter())  # type: ignore[arg-type]
                steps.watch()
                act(service, session, what)
            os._exit(DONE)
        os.close(writer)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        name = os.read(reader, 100).decode()
        os.close(reader)
        if ended not in (DIED, DONE):
            sys.exit(f"the child ended with {ended} after {stepped}")
        store = SessionStore(FOLDER)
        found = faults(store)
        if session is not None:
            if not done(store, what) and (ended == DONE or name == "after the audit file"):
                found.append("a confirmed act is lost")
            service = SessionService(store, TrueSegmenter())  # type: ignore[arg-type]
            act(service, session, what)
            if not done(store, what):
                found.append("the act cannot be done again")
            found += faults(store)
            if verify(store).unused:
                found.append("a file that nothing refers to, though the act was done again")
        store.close()
        if found:
            sys.exit(f"{what}, stopped at step {len(stepped) + 1}, {name}: {found}")
        if ended == DONE:
            break
        stepped.append(name)
        shutil.rmtree(FOLDER)
    print(json.dumps(stepped))


if __name__ == "__main__":
    FOLDER = Path(sys.argv[1]) / "ward"
    main(sys.argv[2])
