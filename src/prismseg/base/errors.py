"""Errors a user can act on: each message names what was wrong, in which file, and the remedy."""

from prismseg.base.messages import Message


class PrismsegError(Exception):
    """Base of every error that prismseg raises for bad input.

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


class DataError(PrismsegError):
    """An image, a mask, a data set or a split cannot be used."""


class ConfigError(PrismsegError):
    """A setting is unknown, impossible, or contradicts another."""


class ModelError(PrismsegError):
    """A model or a checkpoint cannot be built, loaded, changed or exported."""


class OutputError(PrismsegError):
    """A result cannot be written: read-only folder, full disk, path in the way."""
