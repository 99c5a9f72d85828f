"""Where a hospital's accounts are, and what each of its groups may do: a YAML file."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from prismseg.base import ConfigError, ConfigNotFoundError
from prismseg.base.settings import explain_errors
from prismseg.monitor.web.security.roles import ROLES, Role


@dataclass(frozen=True)
class Identity:
    """Somebody whom the hospital knows.

    Attributes
    ----------
    name : str
        As the directory writes it, whatever was typed.
    role : Role
        Of the monitor.
    ward : str or None
        Whose sessions staff see; None: all.
    """

    name: str
    role: Role
    ward: str | None


class GroupRule(BaseModel):
    """What the members of a group may do.

    Attributes
    ----------
    group : str
        As the directory names it (of LDAP the distinguished name, or its first part, such as "anaesthesia").
    role : Role
        Of the monitor.
    ward : str or None
        Whose sessions staff see; None: all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    group: str = Field(min_length=1)
    role: Role = "staff"
    ward: str | None = Field(default=None, max_length=40)


class _Directory(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    groups: tuple[GroupRule, ...] = Field(min_length=1)
    timeout: int = Field(default=5, gt=0, le=60)  # seconds

    def admit(self, name: str, groups: Collection[str]) -> Identity | None:
        """Give the role of somebody in some groups: that of the most that any allows; None where no rule names one."""
        held = {_plain(group) for each in groups for group in (each, first_part(each))}
        found = [rule for rule in self.groups if _plain(rule.group) in held]
        if not found:
            return None
        best = max(found, key=lambda rule: ROLES.index(rule.role))
        wards = {rule.ward for rule in found if rule.role == best.role}
        # Staff of two wards see both only where nothing is hidden from them.
        return Identity(name, best.role, wards.pop() if len(wards) == 1 else None)


class LdapSettings(_Directory):
    """An LDAP directory.

    Attributes
    ----------
    url : str
        ``ldaps://HOST[:PORT]``; ``ldap://`` only with `start_tls`, or on this machine.
    base : str
        Distinguished name under which people are looked for.
    filter : str
        By which somebody is found; ``{name}`` is what was typed.
    name, member_of : str
        Attributes: the name that the audit trail gets, and the groups.
    groups_base : str or None
        Under which groups that list their members (``member``) are looked for, where people have no `member_of`.
    bind : str or None
        Distinguished name of an account that may search; None searches without one.
    bind_password_file : Path or None
        File that holds its password and nothing else.
    ca : Path or None
        Certificates of the authority that signed the server's, PEM; None are those of this machine.
    """

    kind: Literal["ldap"]
    url: str
    base: str
    filter: str = "(uid={name})"
    name: str = "uid"
    member_of: str = "memberOf"
    groups_base: str | None = None
    bind: str | None = None
    bind_password_file: Path | None = None
    ca: Path | None = None
    start_tls: bool = False

    @field_validator("filter")
    @classmethod
    def _has_name(cls, value: str) -> str:
        if value.count("{name}") < 1 or not value.startswith("("):
            raise ValueError("the filter is in parentheses and has {name} where the typed name goes")
        return value

    @property
    def address(self) -> str:
        """What has to be encrypted unless it is on this machine."""
        return "" if self.start_tls else self.url

    @property
    def secret_file(self) -> Path | None:
        """File of the password with which the monitor itself asks."""
        return self.bind_password_file


class OpenIdSettings(_Directory):
    """An OpenID Connect provider, such as Keycloak, Entra ID or ADFS.

    Attributes
    ----------
    issuer : str
        Its address, below which ``/.well-known/openid-configuration`` is.
    client : str
        Name of the monitor there.
    secret_file : Path or None
        File that holds the client's secret and nothing else; None for a public client.
    page : str
        Address of the monitor as browsers know it; the provider sends them back to ``/login/callback`` below it.
    scope : str
        What is asked for.
    name, member_of : str
        Claims of the identity token: the name that the audit trail gets, and the groups.
    """

    kind: Literal["openid"]
    issuer: str
    client: str
    secret_file: Path | None = None
    page: str
    scope: str = "openid profile"
    name: str = "preferred_username"
    member_of: str = "groups"

    @field_validator("scope")
    @classmethod
    def _asks_for_identity(cls, value: str) -> str:
        if "openid" not in value.split():
            raise ValueError("the scope has openid in it")
        return value

    @property
    def address(self) -> str:
        """What has to be encrypted unless it is on this machine."""
        return self.issuer

    @property
    def callback(self) -> str:
        """Address to which browsers come back."""
        return f"{self.page.rstrip('/')}/login/callback"


SsoSettings = Annotated[LdapSettings | OpenIdSettings, Field(discriminator="kind")]
_ADAPTER: TypeAdapter[LdapSettings | OpenIdSettings] = TypeAdapter(SsoSettings)


def load_sso(path: str | Path) -> LdapSettings | OpenIdSettings:
    """Read the settings of a hospital's accounts.

    Raises
    ------
    ConfigError
        When there is no such file, a setting is wrong, a file that it names cannot be read, or passwords would be sent
        unencrypted.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigNotFoundError(f"There is no file {path}; it says where the hospital's accounts are (--sso).")
    try:
        stated: Any = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
        if not isinstance(stated, dict):
            raise ConfigError(f"{path} holds no settings; it begins with kind: ldap or kind: openid.")
        settings = _ADAPTER.validate_python(stated)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no YAML file ({error}).") from error
    except ValidationError as error:
        raise ConfigError(f"{path} cannot be used: {explain_errors(error)}.") from error
    for file in (settings.secret_file, getattr(settings, "ca", None)):
        if file is not None and not file.is_file():
            raise ConfigNotFoundError(f"{path} names {file}, and there is no such file.")
    if settings.address and not _protected(settings.address):
        raise ConfigError(
            f"{path}: passwords would be sent to {settings.address} unencrypted; use ldaps:// or https:// (or start_tls)."
        )
    return settings


def read_secret(path: Path | None) -> str | None:
    """Read the one line of a file that holds a secret.

    Raises
    ------
    ConfigError
        When it cannot be read, or is empty.
    """
    if path is None:
        return None
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}).") from error
    if not secret:
        raise ConfigError(f"{path} is empty; it holds the secret and nothing else.")
    return secret


def first_part(group: str) -> str:
    """Give "ward 3" of "cn=ward 3,ou=groups,dc=hospital", and other names as they are."""
    head, mark, value = group.partition(",")[0].partition("=")
    return value if mark and head.strip().lower() in ("cn", "ou", "uid") else group


def _plain(group: str) -> str:
    return ",".join(part.strip() for part in group.casefold().split(","))


def _protected(address: str) -> bool:
    parts = urlsplit(address)
    if parts.scheme in ("ldaps", "https"):
        return True
    try:
        here = ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        here = parts.hostname == "localhost"
    return parts.scheme in ("ldap", "http") and here
