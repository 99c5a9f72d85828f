"""How often a wrong password may be tried: the wait grows with each, for an account and for an address separately."""

from __future__ import annotations

import ipaddress
import threading
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

# After an hour without a wrong password an account or an address begins anew.
FORGET_SECONDS = 3600.0
FIRST_WAIT, LONGEST_WAIT = 30.0, 900.0


@dataclass(frozen=True)
class Allowance:
    """How many wrong passwords are free; each further one doubles the wait, from `FIRST_WAIT` to `LONGEST_WAIT`."""

    free: int

    def wait(self, failures: int) -> float:
        """Seconds that must pass after so many wrong passwords."""
        over = failures - self.free
        return 0.0 if over < 0 else min(FIRST_WAIT * 2.0 ** min(over, 10), LONGEST_WAIT)


# Slower than any list of common passwords could be tried, and no burden for who mistypes.
ACCOUNT = Allowance(free=5)
# A ward shares one machine, and a hospital's gateway may show all of it as one address.
ADDRESS = Allowance(free=30)


@dataclass
class _Failures:
    count: int
    last: float
    told: bool = False  # that an attempt was refused since the last wrong password


def _keys(account: str, address: str) -> tuple[tuple[Allowance, str], tuple[Allowance, str]]:
    """Count what is one account, or one machine, under one name.

    A directory takes capitals and blanks for the same name; a machine has the 2^64 addresses of its IPv6 network.
    """
    account = " ".join(unicodedata.normalize("NFKC", account).casefold().split())
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return (ACCOUNT, account), (ADDRESS, address)
    if found.version == 6:
        found = found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False).network_address
    return (ACCOUNT, account), (ADDRESS, str(found))


class LoginAttempts:
    """Counts wrong passwords by account and by address: five for an account do not lock out the others at its address.

    Parameters
    ----------
    clock : callable
        Seconds that only increase.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: dict[tuple[Allowance, str], _Failures] = {}
        self._lock = threading.Lock()

    def begin(self, account: str, address: str) -> tuple[float, bool]:
        """Count an attempt, or say in how many seconds another is allowed, and whether it is the first refused one.

        It counts as wrong until it `succeeded`: of a hundred attempts at the same moment, five are made.
        """
        keys = _keys(account, address)
        with self._lock:
            moment = self._clock()
            for key, failures in list(self._failed.items()):
                if failures.last <= moment - FORGET_SECONDS:
                    del self._failed[key]
            known = [(key[0], self._failed[key]) for key in keys if key in self._failed]
            waits = [(each.last + allowance.wait(each.count) - moment, each) for allowance, each in known]
            if waits:
                longest, slowest = max(waits, key=lambda pair: pair[0])
                if longest > 0:
                    first, slowest.told = not slowest.told, True
                    return longest, first
            for key in keys:
                failures = self._failed.setdefault(key, _Failures(0, moment))
                failures.count, failures.last, failures.told = failures.count + 1, moment, False
            return 0.0, False

    def succeeded(self, account: str, address: str) -> None:
        """Count an attempt no longer; the account begins anew, the address is spared this one."""
        own, shared = _keys(account, address)
        with self._lock:
            self._failed.pop(own, None)
            failures = self._failed.get(shared)
            if failures is not None:
                failures.count -= 1
