"""Ground floor: the errors users see and the way files are written."""

from prismseg.base.errors import ConfigError, DataError, ModelError, OutputError, PrismsegError
from prismseg.base.files import atomic_path, read_json, write_bytes, write_json, write_text

__all__ = [
    "ConfigError",
    "DataError",
    "ModelError",
    "OutputError",
    "PrismsegError",
    "atomic_path",
    "read_json",
    "write_bytes",
    "write_json",
    "write_text",
]
