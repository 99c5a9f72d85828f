"""Errors a user can act on: each message names what was wrong, in which file, and the remedy.

Each is also the built-in kind that fits, so that callers who know nothing of prismseg can catch it: a wrong value is
a `ValueError`, what cannot be written an `OSError`, what is not there a `FileNotFoundError`. Code that catches a
built-in kind around calls that raise these must let them through first (``except PrismsegError: raise``).
"""

from prismseg.base.messages import Message


class PrismsegError(Exception):
    """Base of every error that prismseg raises for bad input.

    Always raised with one argument, the message: `OSError` would take a second one for an error number.

    Attributes
    ----------
    exit_code : int
        With which the command line ends.
    """

    exit_code = 2

    @property
    def message(self) -> Message:
        """What to tell the user; translatable where it was raised with a `Message`."""
        return Message.of(self.args[0] if len(self.args) == 1 and isinstance(self.args[0], str) else str(self))


class DataError(PrismsegError, ValueError):
    """An image, a mask, a data set or a split cannot be used."""


# Of what is not found the built-in kind comes first: clusters unpickle errors by ``kind.__new__``, which must be that of
# `OSError`.
class DataNotFoundError(FileNotFoundError, DataError):
    """An image, a mask, a table or a folder of a data set does not exist."""


class ConfigError(PrismsegError, ValueError):
    """A setting is unknown, impossible, or contradicts another."""


class ConfigNotFoundError(FileNotFoundError, ConfigError):
    """A file with settings, or one that a setting names, does not exist."""


class ModelError(PrismsegError, ValueError):
    """A model or a checkpoint cannot be built, loaded, changed or exported."""


class ModelNotFoundError(FileNotFoundError, ModelError):
    """A model, a checkpoint or the folder of a run does not exist."""


class OutputError(PrismsegError, OSError):
    """A result cannot be written: read-only folder, full disk, path in the way."""
