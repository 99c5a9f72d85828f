"""Names and passwords checked by an LDAP directory."""

from __future__ import annotations

import logging
import ssl
from typing import Any

from prismseg.base import ConfigError, DataError
from prismseg.monitor.web.sso.settings import Identity, LdapSettings, read_secret

_LOG = logging.getLogger(__name__)
_LONGEST = 200  # characters of a name or password that are asked for


class LdapDirectory:
    """Asks an LDAP directory whether a name and a password are right, and for the groups.

    The person is searched for, and then bound with the password that was typed: the directory itself checks it.

    Parameters
    ----------
    settings : LdapSettings
        Where it is.

    Raises
    ------
    ConfigError
        When a file of the settings cannot be read, or ldap3 is not installed.
    """

    def __init__(self, settings: LdapSettings) -> None:
        self._settings = settings
        self._secret = read_secret(settings.bind_password_file)
        ldap3 = _ldap3()
        tls = ldap3.Tls(
            validate=ssl.CERT_REQUIRED, ca_certs_file=None if settings.ca is None else str(settings.ca)
        )
        secure = settings.url.startswith("ldaps://") or settings.start_tls
        self._server = ldap3.Server(
            settings.url, get_info=ldap3.NONE, tls=tls if secure else None, connect_timeout=settings.timeout
        )

    def check(self, name: str, password: str) -> Identity | None:
        """Find who it is; None when name or password is wrong, or no group of theirs may come in.

        Raises
        ------
        DataError
            When the directory cannot be asked.
        """
        ldap3 = _ldap3()
        # A bind with an empty password is one without a name, which directories answer with yes.
        if (
            not name.strip()
            or not password
            or len(name) > _LONGEST
            or len(password) > _LONGEST
            or "\0" in password
        ):
            return None
        try:
            with self._connect(self._settings.bind, self._secret) as searching:
                entry = self._find(searching, name.strip())
            if entry is None:
                return None
            try:
                with self._connect(entry["dn"], password) as own:
                    groups = self._groups(own, entry)
            except ldap3.core.exceptions.LDAPInvalidCredentialsResult:
                return None
        except ldap3.core.exceptions.LDAPException as error:
            raise DataError(
                f"The directory {self._settings.url} cannot be asked ({type(error).__name__}: {error})."
            ) from error
        written = entry["attributes"].get(self._settings.name) or []
        admitted = self._settings.admit(str(written[0]) if written else name.strip(), groups)
        if admitted is None:
            _LOG.warning("somebody whom the directory knows is in no group that may log in")
        return admitted

    def _connect(self, who: str | None, password: str | None) -> Any:
        ldap3 = _ldap3()
        connection = ldap3.Connection(
            self._server,
            user=who,
            password=password,
            authentication=ldap3.ANONYMOUS if who is None else ldap3.SIMPLE,
            receive_timeout=self._settings.timeout,
            auto_referrals=False,
            raise_exceptions=True,
            read_only=True,
        )
        connection.open()
        if self._settings.start_tls:
            connection.start_tls()
        connection.bind()
        return connection

    def _find(self, connection: Any, name: str) -> Any:
        """Find the only person of that name; two are none, since the password would be tried on either."""
        ldap3 = _ldap3()
        asked = self._settings.filter.replace("{name}", ldap3.utils.conv.escape_filter_chars(name))
        wanted = [self._settings.name, self._settings.member_of]
        try:
            connection.search(self._settings.base, asked, attributes=[*wanted], size_limit=2)
        except ldap3.core.exceptions.LDAPSizeLimitExceededResult:
            return None
        found = [each for each in connection.response if each["type"] == "searchResEntry"]
        return found[0] if len(found) == 1 else None

    def _groups(self, connection: Any, entry: Any) -> list[str]:
        groups = [str(each) for each in entry["attributes"].get(self._settings.member_of) or []]
        if self._settings.groups_base is not None:
            escaped = _ldap3().utils.conv.escape_filter_chars(entry["dn"])
            connection.search(self._settings.groups_base, f"(member={escaped})", attributes=["cn"])
            groups += [each["dn"] for each in connection.response if each["type"] == "searchResEntry"]
        return groups


def _ldap3() -> Any:
    try:
        import ldap3
        import ldap3.utils.conv
    except ModuleNotFoundError as error:
        raise ConfigError(
            "Log-in by a directory needs packages that are not installed; install them with: pip install 'prismseg[sso]'."
        ) from error
    return ldap3
