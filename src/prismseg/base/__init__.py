"""Ground floor: the errors users see and the way files are written."""

from prismseg.base.errors import (
    ConfigError,
    ConfigNotFoundError,
    DataError,
    DataNotFoundError,
    ModelError,
    ModelNotFoundError,
    OutputError,
    PrismsegError,
)
from prismseg.base.files import (
    atomic_path,
    make_folder,
    read_json,
    read_text,
    write_bytes,
    write_json,
    write_text,
)
from prismseg.base.memory import keep_freed_memory
from prismseg.base.messages import Message
from prismseg.base.progress import progress_bar

__all__ = [
    "ConfigError",
    "ConfigNotFoundError",
    "DataError",
    "DataNotFoundError",
    "Message",
    "ModelError",
    "ModelNotFoundError",
    "OutputError",
    "PrismsegError",
    "atomic_path",
    "keep_freed_memory",
    "make_folder",
    "progress_bar",
    "read_json",
    "read_text",
    "write_bytes",
    "write_json",
    "write_text",
]
