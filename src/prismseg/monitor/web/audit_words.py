"""The audit's words in the reader's language. The record itself keeps the words that it was sealed with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prismseg.base import Message
from prismseg.monitor.languages import Language
from prismseg.monitor.web.audit_view import AuditLine
from prismseg.monitor.web.security.users import CONSOLE, DIRECTORY, STAFF

_ACTIONS = (
    Message("PIN set"),
    Message("PIN taken away"),
    Message("board is locked again"),
    Message("board stays on"),
    Message("camera brought"),
    Message("camera given away"),
    Message("capture skipped"),
    Message("capture taken out"),
    Message("computer slept"),
    Message("computer's clock moved"),
    Message("correction redone"),
    Message("correction undone"),
    Message("details stated"),
    Message("exported"),
    Message("flags found"),
    Message("frame kept"),
    Message("log-in failed"),
    Message("log-in refused"),
    Message("logged in"),
    Message("logged out"),
    Message("mask automatic"),
    Message("mask chosen"),
    Message("mask edited"),
    Message("mask imported"),
    Message("measured"),
    Message("monitor started"),
    Message("monitor started again"),
    Message("patient erased"),
    Message("reason stated"),
    Message("remarks stated"),
    Message("session begun"),
    Message("session closed"),
    Message("session opened again"),
    Message("session signed"),
    Message("stated minutes kept apart"),
    Message("test dose given"),
    Message("time of the test dose corrected"),
    Message("time of the test dose derived"),
    Message("user has another role"),
    Message("user may log in"),
    Message("user may log in no more"),
    Message("view stated"),
)
_SUBJECTS = (Message("audit"), Message("board"), Message("log-in"), Message("monitor"))
ACTIONS: Mapping[str, Message] = {str(each): each for each in _ACTIONS}
SUBJECTS: Mapping[str, Message] = {str(each): each for each in _SUBJECTS}
# Who acts without being a person.
ACTORS: Mapping[str, Message] = {
    STAFF: Message("staff"),
    CONSOLE: Message("console"),
    DIRECTORY: Message("directory"),
    "demonstration": Message("demonstration"),
    "unknown": Message("somebody unknown"),
}


@dataclass(frozen=True)
class AuditWords:
    """Says what the record holds in a language; a word that nobody has translated, such as a person's name, as it is.

    Attributes
    ----------
    language : Language
        Of the reader.
    """

    language: Language

    def action(self, stored: str) -> str:
        """Say what was done."""
        return self._say(stored, ACTIONS)

    def actor(self, stored: str) -> str:
        """Say who did it."""
        return self._say(stored, ACTORS)

    def about(self, line: AuditLine) -> str:
        """Say what it was about besides a session: a user keeps the name, whatever word it is."""
        return self._say(line.about, SUBJECTS) if line.subject == line.about else line.about

    def actions(self, stored: Iterable[str]) -> list[tuple[str, str]]:
        """List actions, each with how it is said, in the order of the latter."""
        return sorted(((each, self.action(each)) for each in stored), key=lambda pair: pair[1].casefold())

    def _say(self, stored: str, known: Mapping[str, Message]) -> str:
        return self.language(known[stored]) if stored in known else stored
