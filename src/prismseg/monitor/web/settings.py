"""What the monitor is started with."""

from __future__ import annotations

import ipaddress
import ssl
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from prismseg.base import ConfigError
from prismseg.thermal import View

SCHEDULE = (0.0, 1.0, 5.0, 10.0, 15.0, 20.0, 30.0)  # minutes after the test dose


class MonitorSettings(BaseModel):
    """Settings of a monitor.

    Attributes
    ----------
    data : Path
        Folder of frames, audit trail and (by default) the database.
    database : str or None
        SQLAlchemy address; None is SQLite in `data`.
    host, port
        Where the page is.
    certificate, key : Path or None
        For TLS; needed on any address but the machine's own.
    camera : str
        See `prismseg.monitor.cameras.open_camera`.
    view : View
        How the camera sees the soles, proposed for new sessions.
    model : str
        Network that finds the soles.
    scale : (float, float)
        Lowest and highest °C of all pictures' colours.
    schedule : tuple of float
        Minutes after the test dose at which a capture is asked for.
    lock_minutes : float
        Without a touch, after which a page with log-in is locked.
    names : tuple of str
        Host names under which the page may be asked for, besides `host` and the machine's own.
    upload_mb : float
        Largest file that may be sent.
    demonstration : bool
        Fill an empty store with a simulated ward when the camera is the simulator.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Path
    database: str | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    certificate: Path | None = None
    key: Path | None = None
    camera: str = "simulator:seed=5"
    view: View = "soles-to-camera"
    model: str = "thermal-feet"
    scale: tuple[float, float] = (20.0, 38.0)
    schedule: tuple[float, ...] = SCHEDULE
    lock_minutes: float = Field(default=10.0, gt=0)
    names: tuple[str, ...] = ()
    upload_mb: float = Field(default=30.0, gt=0)
    demonstration: bool = True

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the page."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def everywhere(self) -> bool:
        """Whether the page is served on all addresses of this machine."""
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return self.host in ("", "0")
        return (getattr(address, "ipv4_mapped", None) or address).is_unspecified

    @property
    def secure(self) -> bool:
        """Whether the page is sent encrypted."""
        return self.certificate is not None

    @property
    def hosts(self) -> frozenset[str]:
        """Names under which the page may be asked for."""
        known = (self.host, "127.0.0.1", "localhost", "::1", *self.names)
        return frozenset(bracketed(name).lower() for name in known)


def bracketed(host: str) -> str:
    """Write a host as addresses of pages have it: IPv6 in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def check_exposure(settings: MonitorSettings, users: int) -> None:
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
    if settings.local:
        return
    if not settings.secure:
        raise ConfigError(
            f"On {settings.host} other machines could read the page, so it must be encrypted: give --certificate and "
            "--key, or leave --host at 127.0.0.1."
        )
    if users == 0:
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
