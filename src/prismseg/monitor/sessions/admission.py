"""Which pictures belong to a session: taken by its camera, since the camera came to it, and never stored before."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from prismseg.base import DataError, Message
from prismseg.monitor.sessions.captures import NewCapture
from prismseg.monitor.store import Conflict, SessionStore, Transaction, check_unlocked, find_picture, get_row
from prismseg.monitor.store.schema import CaptureRow, SessionRow

IMPORTED = Message("The session was imported: it is a record and takes no captures. Begin a new session.")
_AHEAD = timedelta(seconds=2)  # by which a picture may lie ahead of the monitor's clock


def is_import(session: SessionRow) -> bool:
    """Tell whether a session was recorded elsewhere."""
    return session.origin == "import"


def find_holder(db: Database) -> SessionRow | None:
    """Find the running session that has the camera."""
    query = select(SessionRow).where(SessionRow.camera_since.is_not(None), SessionRow.closed_at.is_(None))
    return db.scalars(query.order_by(SessionRow.camera_since.desc())).first()


def name_session(session: SessionRow, *, code: bool) -> Message:
    """Name a session in a sentence; only whoever sees its ward is told its code."""
    if code:
        return Message("session {code}", code=session.code)
    return Message("a session of another ward")


def shown_to(session: SessionRow, ward: str | None) -> bool:
    """Whether those who see a ward see a session; None sees all."""
    return ward is None or session.ward in (None, ward)


def free_camera(
    transaction: Transaction, who: str, *, take: bool, keep: str = "", ward: str | None = None
) -> None:
    """Take the camera from the session that has it, if any but `keep` has; another ward's is told without its code.

    Raises
    ------
    Conflict
        When another running session has it and it is not to be taken.
    """
    holder = find_holder(transaction.db)
    if holder is None or holder.id == keep:
        return
    if not take:
        raise Conflict(
            Message(
                "The camera is with {session}, which is still running. Close that session, or take the camera from "
                "it if it stands before this patient now.",
                session=name_session(holder, code=shown_to(holder, ward)),
            )
        )
    transaction.update_session(who, "camera given away", holder, camera_since=None)


def check_open(session: SessionRow) -> None:
    """Make sure that a session takes captures.

    Raises
    ------
    Conflict
        When it was imported or is closed.
    """
    if is_import(session):
        raise Conflict(IMPORTED)
    check_unlocked(session)


def skip_capture(store: SessionStore, who: str, session: str, minute: float, reason: str) -> None:
    """Say that the capture at a minute of the schedule is not taken, and why.

    Parameters
    ----------
    store : SessionStore
        Where the session is kept.
    who, session : str
        Who skips it, in which session.
    minute : float
        Of the schedule.
    reason : str
        Why.

    Raises
    ------
    DataError
        When no reason is stated.
    Conflict
        When the session takes no captures, its clock has not been started, or the minute was skipped before.
    """
    if not reason.strip():
        raise DataError(Message("State why the capture is skipped."))
    with store.write() as transaction:
        row = transaction.session(session)
        check_open(row)
        if row.test_dose_at is None:
            raise Conflict(Message("Nothing is asked for before the test dose, so nothing can be skipped."))
        before = row.skipped or []
        if any(each["minute"] == minute for each in before):
            raise Conflict(Message("The capture at {minute:g} min was skipped before.", minute=minute))
        skip = {"minute": minute, "reason": reason.strip(), "by": who, "at": transaction.at.isoformat()}
        transaction.update_session(who, "capture skipped", row, skipped=[*before, skip])


def check_camera(db: Database, session: SessionRow) -> None:
    """Make sure that a session takes captures, and that the camera is with it.

    Raises
    ------
    Conflict
        Saying where the camera is.
    """
    check_open(session)
    if session.camera_since is not None:
        return
    holder = find_holder(db)
    if holder is None:
        raise Conflict(Message("The camera is not with this session. Bring it to this patient first."))
    raise Conflict(
        Message(
            "The camera is with {session} now. Bring it to this patient first, or go on there.",
            session=_beside(holder, session),
        )
    )


def camera_since(store: SessionStore, session: str) -> datetime:
    """Tell since when the camera is with a session: no older picture is its patient's.

    Raises
    ------
    Conflict
        When the session takes no captures, or the camera is not with it.
    """
    with store.read() as db:
        row = get_row(db, SessionRow, session)
        check_camera(db, row)
        assert row.camera_since is not None
        return row.camera_since


def bring_camera(store: SessionStore, who: str, session: str, camera: str) -> None:
    """Bring the camera to a running session, from whichever has it.

    Raises
    ------
    Conflict
        When the session was imported or is closed.
    """
    with store.write() as transaction:
        row = transaction.session(session)
        check_open(row)
        free_camera(transaction, who, take=True, keep=row.id)
        transaction.update_session(who, "camera brought", row, camera_since=transaction.at, camera=camera)


def check_frame(db: Database, session: SessionRow, new: NewCapture, pixels: str) -> None:
    """Make sure that a picture belongs to a running session.

    Parameters
    ----------
    db : Database
        Open transaction.
    session : SessionRow
        Which it is for.
    new : NewCapture
        The picture, with its camera and its time by the monitor's clock.
    pixels : str
        Of `hash_pixels`.

    Raises
    ------
    Conflict
        Saying why it does not, and what to do.
    """
    check_camera(db, session)
    if new.camera != session.camera:
        raise Conflict(
            Message(
                "The camera of this session is {camera}, and the picture comes from {other}. Bring the camera to this "
                "session again if it was replaced.",
                camera=session.camera,
                other=new.camera,
            )
        )
    since = session.camera_since
    assert new.taken_at is not None  # a camera's picture always has a time
    if since is not None and new.taken_at < since:
        raise Conflict(
            Message(
                "The newest picture was taken {seconds:.0f} s before the camera came to this session: it may show "
                "another patient. Take a new picture.",
                seconds=max(1.0, (since - new.taken_at).total_seconds()),
            )
        )
    for capture in find_picture(db, pixels):
        raise _stored(db, session, capture)


def check_time(new: NewCapture, transaction: Transaction) -> None:
    """Make sure that a picture does not come from the future.

    Raises
    ------
    Conflict
        Naming by how much.
    """
    assert new.taken_at is not None
    ahead = new.taken_at - transaction.at
    if ahead > _AHEAD:
        raise Conflict(
            Message(
                "The picture's time lies {seconds:.0f} s ahead of the monitor's clock. Set the camera's clock, and take "
                "a new picture.",
                seconds=ahead.total_seconds(),
            )
        )


def check_new_pictures(db: Database, pictures: dict[str, str], ward: str | None = None) -> None:
    """Make sure that pictures to import are in no session yet; those that were excluded there do not count.

    Parameters
    ----------
    db : Database
        Open transaction.
    pictures : dict of str to str
        Names of the files by the hash of their pixels.
    ward : str, optional
        Whose staff is told codes; None: all.

    Raises
    ------
    Conflict
        Naming the first that is.
    """
    for sha256, name in pictures.items():
        known = find_import(db, sha256)
        if known is not None:
            held, number = known
            raise Conflict(
                Message(
                    "{name} is stored already, as capture {number} of {session}. Leave it out, or exclude it there "
                    "first.",
                    name=name,
                    number=number,
                    session=name_session(held, code=shown_to(held, ward)),
                )
            )


def find_import(db: Database, sha256: str) -> tuple[SessionRow, int] | None:
    """Find session and number of the capture that shows a picture and was not excluded."""
    for capture in find_picture(db, sha256):
        if capture.deleted_at is None:
            return get_row(db, SessionRow, capture.session_id), capture.number
    return None


def _beside(other: SessionRow, session: SessionRow) -> Message:
    """Name a session to whoever works in another: whose of all wards that is, nobody knows here."""
    return name_session(other, code=other.ward in (None, session.ward))


def _stored(db: Database, session: SessionRow, capture: CaptureRow) -> Conflict:
    if capture.session_id == session.id:
        return Conflict(
            Message(
                "The camera's newest picture is stored already, as capture {number}. Take a new picture.",
                number=capture.number,
            )
        )
    return Conflict(
        Message(
            "The camera's newest picture belongs to {session}. Take a new picture of this patient.",
            session=_beside(get_row(db, SessionRow, capture.session_id), session),
        )
    )
