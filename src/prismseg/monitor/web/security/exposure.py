"""On which addresses the page may be served, and with what protection."""

from __future__ import annotations

import ssl
from pathlib import Path

from prismseg.base import ConfigError
from prismseg.monitor.web.settings import MonitorSettings


def check_exposure(settings: MonitorSettings, users: int, *, pin: bool = False) -> None:
    """Refuse to serve other machines without encryption and log-in.

    Raises
    ------
    ConfigError
        Saying what is missing.
    """
    if (settings.certificate is None) != (settings.key is None):
        raise ConfigError("TLS needs both, --certificate and --key.")
    for path in (settings.certificate, settings.key):
        if path is not None and not path.is_file():
            raise ConfigError(f"There is no file {path}.")
    if settings.certificate is not None:
        _check_pair(settings.certificate, settings.key)
    low, high = settings.scale
    if not low < high:
        raise ConfigError(
            f"The scale of the colours goes from a lower to a higher temperature, not {low:g} to {high:g}."
        )
    if settings.sso is not None and pin:
        raise ConfigError(
            "There is a PIN, with which no act has a name, and --sso asks for names: take the PIN away with "
            "`prismseg monitor user pin --remove`."
        )
    if settings.local:
        return
    if not settings.secure:
        raise ConfigError(
            f"On {settings.host} other machines could read the page, so it must be encrypted: give --certificate and "
            "--key, or leave --host at 127.0.0.1."
        )
    if users == 0 and settings.sso is None:
        raise ConfigError(
            f"On {settings.host} other machines could open the page, so people must log in: add somebody with "
            "`prismseg monitor user add NAME`, or leave --host at 127.0.0.1."
        )
    if settings.everywhere and not settings.names:
        raise ConfigError(
            f"{settings.host or 'An empty host'} is no name that other machines can ask for: list the host names or "
            "addresses of this machine with --name."
        )


def _check_pair(certificate: Path, key: Path | None) -> None:
    """Refuse files that a server could not begin with; a passphrase would be asked for where nobody is."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{certificate} and {key} cannot be used for TLS ({error}). Both must be PEM, belong together, be readable "
            "for this user, and the key must have no passphrase."
        ) from error
