"""How often a wrong password may be tried: the wait grows with each, and nobody's mistakes lock out others for long.

Whoever knows a name could else keep its owner out, and whoever is at a ward's address the ward: the long waits are those
of one account at one machine. What many share waits a minute at most, which is still too slow for any guessing.
"""

from __future__ import annotations

import ipaddress
import threading
import time
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

# After an hour without a wrong password an account or an address begins anew.
FORGET_SECONDS = 3600.0
FIRST_WAIT = 30.0


@dataclass(frozen=True)
class Allowance:
    """How many wrong passwords are free; each further one doubles the wait, from `FIRST_WAIT` to `longest` seconds."""

    free: int
    longest: float

    def wait(self, failures: int) -> float:
        """Seconds that must pass after so many wrong passwords."""
        over = failures - self.free
        return 0.0 if over < 0 else min(FIRST_WAIT * 2.0 ** min(over, 10), self.longest)


# Of one account at one address: slower than any list of common passwords could be tried, and no burden for who mistypes.
PERSON = Allowance(free=5, longest=900.0)
# A PIN is everybody's at a machine. Six digits last for a year at one a minute.
PIN = Allowance(free=5, longest=60.0)
# Of an account at all addresses together.
ACCOUNT = Allowance(free=50, longest=60.0)
# A ward shares one machine, and a hospital's gateway may show all of it as one address.
ADDRESS = Allowance(free=30, longest=60.0)
_Key = tuple[Allowance, str]


@dataclass
class _Failures:
    count: int
    last: float
    told: bool = False  # that an attempt was refused since the last wrong password


def _keys(account: str, address: str, pin: bool) -> tuple[_Key, _Key, _Key]:
    """Count what is one account, or one machine, under one name; the account at the machine is the first.

    A directory takes capitals and blanks for the same name; a machine has the 2^64 addresses of its IPv6 network.
    """
    account = " ".join(unicodedata.normalize("NFKC", account).casefold().split())
    with suppress(ValueError):
        found = ipaddress.ip_address(address)
        if found.version == 6:
            found = found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False).network_address
        address = str(found)
    return (PIN if pin else PERSON, f"{account} {address}"), (ACCOUNT, account), (ADDRESS, address)


class LoginAttempts:
    """Counts wrong passwords by account, by address and by both: five do not lock out others here, nor them elsewhere.

    Parameters
    ----------
    clock : callable
        Seconds that only increase.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: dict[tuple[Allowance, str], _Failures] = {}
        self._lock = threading.Lock()

    def begin(self, account: str, address: str, *, pin: bool = False) -> tuple[float, bool]:
        """Count an attempt, or say in how many seconds another is allowed, and whether it is the first refused one.

        It counts as wrong until it `succeeded`: of a hundred attempts at the same moment, five are made. `pin` says that
        the account is everybody's.
        """
        keys = _keys(account, address, pin)
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

    def succeeded(self, account: str, address: str, *, pin: bool = False) -> None:
        """Count an attempt no longer; the account begins anew at this address, what others share is spared this one."""
        own, *shared = _keys(account, address, pin)
        with self._lock:
            self._failed.pop(own, None)
            for key in shared:
                failures = self._failed.get(key)
                if failures is not None:
                    failures.count -= 1
