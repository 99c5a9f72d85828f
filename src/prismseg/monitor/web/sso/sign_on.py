"""The hospital's accounts, where the monitor was told of any."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from prismseg.monitor.web.sso.ldap import LdapDirectory
from prismseg.monitor.web.sso.openid import OpenIdProvider
from prismseg.monitor.web.sso.settings import LdapSettings, load_sso


@dataclass(frozen=True)
class SingleSignOn:
    """One of both, or neither.

    Attributes
    ----------
    directory : LdapDirectory or None
        Checks names and passwords.
    provider : OpenIdProvider or None
        To which browsers are sent.
    """

    directory: LdapDirectory | None = None
    provider: OpenIdProvider | None = None

    @classmethod
    def open(cls, path: Path | None, clock: Callable[[], float] = time.monotonic) -> SingleSignOn:
        """Read the settings; nobody is asked yet.

        Raises
        ------
        ConfigError
            When they cannot be used.
        """
        if path is None:
            return cls()
        settings = load_sso(path)
        if isinstance(settings, LdapSettings):
            return cls(directory=LdapDirectory(settings))
        return cls(provider=OpenIdProvider(settings, clock))
