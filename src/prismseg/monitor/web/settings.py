"""What the monitor is started with."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

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
        Network that finds the soles: a shipped name, or the folder of a model or run.
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
    upload_pixels : int
        Most pixels of all files that are sent together: they wait in memory, and small files may unpack to large frames.
    demonstration : bool
        Fill an empty store with a simulated ward when the camera is the simulator.
    backup : Path or None
        Folder of scheduled copies; None makes none.
    backup_hours : float
        Between two copies.
    log : Path or None
        File of the log; None is standard error.
    sso : Path or None
        File that says where the hospital's accounts are, see `prismseg.monitor.web.sso.settings`; None: users are only
        those of this monitor.
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
    upload_pixels: int = Field(default=40_000_000, gt=0)
    demonstration: bool = True
    backup: Path | None = None
    backup_hours: float = Field(default=24.0, gt=0)
    log: Path | None = None
    sso: Path | None = None

    @property
    def incoming(self) -> Path:
        """Folder in which files that are sent are read; empty but while one is."""
        return self.data / "incoming"

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
