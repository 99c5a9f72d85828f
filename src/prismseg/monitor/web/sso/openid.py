"""Log-in at an OpenID Connect provider: authorization code with PKCE (OpenID Connect Core 1.0, RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from prismseg.base import ConfigError, DataError
from prismseg.monitor.web.sso.settings import Identity, OpenIdSettings, read_secret

_MINUTES = 10  # within which somebody comes back from the provider
_MOST_WAITING = 500  # who went to the provider; the one who went first makes room
_LARGEST_ANSWER = 2**20
_FRESH_SECONDS = 3600.0  # that what the provider says of itself is kept
_LEEWAY_SECONDS = 60  # by which two computers' clocks may differ
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]


@dataclass(frozen=True)
class Departure:
    """A browser that went to the provider.

    Attributes
    ----------
    address : str
        Where it was sent.
    mark : str
        Of its cookie; who comes back must have it.
    """

    address: str
    mark: str


@dataclass(frozen=True)
class _Waiting:
    mark: str
    verifier: str
    nonce: str
    back: str
    until: float


class OpenIdProvider:
    """Sends browsers to a provider, and checks what they bring back.

    Parameters
    ----------
    settings : OpenIdSettings
        Where it is.
    clock : callable
        Seconds that only increase.

    Raises
    ------
    ConfigError
        When the secret cannot be read, or joserfc is not installed.
    """

    def __init__(self, settings: OpenIdSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        self._secret = read_secret(settings.secret_file)
        self._joserfc = _joserfc()
        self._waiting: dict[str, _Waiting] = {}
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Any]] = {}
        self._opener = build_opener(_NoRedirect)

    def depart(self, back: str) -> Departure:
        """Send a browser to the provider; afterwards it goes to the page `back`.

        Raises
        ------
        DataError
            When the provider cannot be asked.
        """
        endpoint = self._stated("authorization_endpoint")
        state, mark, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        now = self._clock()
        with self._lock:
            for key in [key for key, each in self._waiting.items() if each.until < now]:
                del self._waiting[key]
            while len(self._waiting) >= _MOST_WAITING:
                del self._waiting[next(iter(self._waiting))]
            self._waiting[state] = _Waiting(mark, verifier, nonce, back, now + 60 * _MINUTES)
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._settings.client,
                "redirect_uri": self._settings.callback,
                "scope": self._settings.scope,
                "state": state,
                "nonce": nonce,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            },
            quote_via=quote,
        )
        return Departure(f"{endpoint}{'&' if '?' in endpoint else '?'}{query}", mark)

    def arrive(self, state: str, mark: str, code: str) -> tuple[Identity | None, str]:
        """Find who came back, and the page to show; None when no group of theirs may come in.

        Raises
        ------
        DataError
            When nobody is waited for under this state and mark, the provider cannot be asked, or its token is wrong.
        """
        with self._lock:
            waiting = self._waiting.pop(state, None)
        if (
            waiting is None
            or waiting.until < self._clock()
            or not secrets.compare_digest(waiting.mark.encode(), mark.encode())
        ):
            raise DataError("nobody from this browser is waited for; begin the log-in again")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._settings.callback,
            "client_id": self._settings.client,
            "code_verifier": waiting.verifier,
        }
        headers = {"Accept": "application/json"}
        if self._secret is not None:
            pair = f"{quote(self._settings.client, safe='')}:{quote(self._secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        answer = self._ask(self._stated("token_endpoint"), urlencode(form).encode(), headers)
        claims = self._check(str(answer.get("id_token", "")), waiting.nonce)
        name, groups = claims.get(self._settings.name), claims.get(self._settings.member_of, [])
        if not isinstance(name, str) or not name.strip():
            raise DataError(f"the identity token has no {self._settings.name}")
        if isinstance(groups, str):
            groups = [groups]
        held = [str(each) for each in groups] if isinstance(groups, list) else []
        return self._settings.admit(name.strip(), held), waiting.back

    def _check(self, token: str, nonce: str) -> dict[str, Any]:
        """Check who signed an identity token, for whom, when, and for which log-in."""
        jwt, jwk, errors = self._joserfc
        try:
            keys = jwk.KeySet.import_key_set(self._keys(token))
            found = jwt.decode(token, keys, algorithms=_ALGORITHMS)
            claims = found.claims
            jwt.JWTClaimsRegistry(
                leeway=_LEEWAY_SECONDS,
                iss={"essential": True, "value": self._settings.issuer},
                aud={"essential": True, "value": self._settings.client},
                exp={"essential": True},
                nonce={"essential": True, "value": nonce},
            ).validate(claims)
        except (errors.JoseError, ValueError, TypeError, KeyError) as error:
            raise DataError(f"the identity token cannot be trusted ({type(error).__name__}: {error})") from error
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != self._settings.client:
            raise DataError("the identity token is for others too, and not from this client")
        return dict(claims)

    def _keys(self, token: str) -> Any:
        """Keys of the provider, asked for anew when it signs with one that was not there before."""
        address = self._stated("jwks_uri")
        keys = self._remembered(address)
        try:
            head = json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))
        except ValueError as error:
            raise DataError("the identity token cannot be read") from error
        known = {each.get("kid") for each in keys.get("keys", [])}
        if head.get("kid") is not None and head["kid"] not in known:
            self._kept.pop(address, None)
            keys = self._remembered(address)
        return keys

    def _stated(self, name: str) -> str:
        """Look up an address that the provider states."""
        root = self._settings.issuer.rstrip("/")
        found = self._remembered(f"{root}/.well-known/openid-configuration")
        if found.get("issuer") != self._settings.issuer:
            raise DataError(f"the provider calls itself {found.get('issuer')}, not {self._settings.issuer}")
        address = found.get(name)
        if not isinstance(address, str):
            raise DataError(f"the provider states no {name}")
        return address

    def _remembered(self, address: str) -> Any:
        now = self._clock()
        at, found = self._kept.get(address, (0.0, None))
        if found is None or now - at > _FRESH_SECONDS:
            found = self._ask(address, None, {"Accept": "application/json"})
            self._kept[address] = (now, found)
        return found

    def _ask(self, address: str, body: bytes | None, headers: dict[str, str]) -> Any:
        if not address.startswith(("https://", "http://")):
            raise DataError(f"the provider's address {address} is no web address")
        try:
            with self._opener.open(Request(address, body, headers), timeout=self._settings.timeout) as answer:
                raw = answer.read(_LARGEST_ANSWER + 1)
            if len(raw) > _LARGEST_ANSWER:
                raise ValueError("too large an answer")
            found = json.loads(raw)
        except HTTPError as error:
            raise DataError(f"{address} answers {error.code}") from error
        except (OSError, ValueError) as error:
            raise DataError(f"{address} cannot be asked ({error})") from error
        if not isinstance(found, dict):
            raise DataError(f"{address} answers with something else than an object")
        return found


class _NoRedirect(HTTPRedirectHandler):
    """Codes and secrets go where the settings say and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _joserfc() -> Any:
    try:
        from joserfc import errors, jwk, jwt
    except ModuleNotFoundError as error:
        raise ConfigError(
            "Log-in by a provider needs packages that are not installed; install them with: pip install 'prismseg[sso]'."
        ) from error
    return jwt, jwk, errors
