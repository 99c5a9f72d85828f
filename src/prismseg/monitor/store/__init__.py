"""Sessions on the disk: database, files, audit chain, and the check of all three."""

from prismseg.base.deprecation import renamed_exports
from prismseg.monitor.store.backup import copy_store
from prismseg.monitor.store.erasing import erase_files, finish_erasing
from prismseg.monitor.store.errors import Conflict, NotFound
from prismseg.monitor.store.files import hash_pixels
from prismseg.monitor.store.queries import find_picture, get_capture, get_row, latest_results, list_captures
from prismseg.monitor.store.store import SessionStore
from prismseg.monitor.store.transaction import Transaction, check_unlocked
from prismseg.monitor.store.verify import Verdict, verify

__all__ = [
    "Conflict",
    "NotFound",
    "SessionStore",
    "Transaction",
    "Verdict",
    "check_unlocked",
    "copy_store",
    "erase_files",
    "find_picture",
    "finish_erasing",
    "get_capture",
    "get_row",
    "hash_pixels",
    "latest_results",
    "list_captures",
    "verify",
]

__getattr__ = renamed_exports(
    __name__,
    Change="Transaction",
    Store="SessionStore",
    capture_of="get_capture",
    captures_of="list_captures",
    find="get_row",
    results_of="latest_results",
)
