"""A real LDAP server, and a provider of OpenID Connect as the standard has it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwk, jwt

PEOPLE = """dn: dc=ward,dc=example
objectClass: dcObject
objectClass: organization
dc: ward
o: ward

dn: uid=Ana,dc=ward,dc=example
objectClass: inetOrgPerson
uid: Ana
cn: Ana
sn: A
userPassword: a good password (1)

dn: uid=bea,dc=ward,dc=example
objectClass: inetOrgPerson
uid: bea
cn: Bea
sn: B
userPassword: another password 2

dn: uid=twin,dc=ward,dc=example
objectClass: inetOrgPerson
uid: twin
cn: Twin
sn: T
userPassword: the password of twins

dn: cn=other twin,dc=ward,dc=example
objectClass: inetOrgPerson
uid: twin
cn: other twin
sn: T
userPassword: the password of twins

dn: uid=console,dc=ward,dc=example
objectClass: inetOrgPerson
uid: console
cn: console
sn: C
userPassword: a name of the audit trail

dn: cn=birth,dc=ward,dc=example
objectClass: groupOfNames
cn: birth
member: uid=Ana,dc=ward,dc=example
member: uid=console,dc=ward,dc=example

dn: cn=quality,dc=ward,dc=example
objectClass: groupOfNames
cn: quality
member: uid=Ana,dc=ward,dc=example

dn: cn=kitchen,dc=ward,dc=example
objectClass: groupOfNames
cn: kitchen
member: uid=bea,dc=ward,dc=example
"""
SERVER = """include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_ldif
pidfile {folder}/slapd.pid
database ldif
suffix "dc=ward,dc=example"
directory {folder}/data
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def ldap_url(tmp_path_factory):
    """OpenLDAP as Debian packages it, with a few people."""
    slapd = shutil.which("slapd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/lib/openldap")
    if slapd is None:
        pytest.skip("needs Debian's slapd: apt-get install slapd")
    folder = tmp_path_factory.mktemp("slapd")
    (folder / "data").mkdir()
    (folder / "slapd.conf").write_text(SERVER.format(folder=folder))
    (folder / "people.ldif").write_text(PEOPLE)
    words = ["-f", str(folder / "slapd.conf")]
    subprocess.run(
        [slapd, "-T", "add", *words, "-l", str(folder / "people.ldif")], check=True, capture_output=True
    )
    url = f"ldap://127.0.0.1:{free_port()}"
    running = subprocess.Popen([slapd, *words, "-h", url, "-d", "0"])
    where = urlsplit(url)
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex((where.hostname, where.port)) == 0:
                break
        time.sleep(0.05)
    yield url
    running.terminate()
    running.wait(20)


class Provider:
    """What a hospital's provider answers; a test may change each part of it."""

    client, secret = "monitor", "a secret: 1 & 2"

    def __init__(self) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.key = jwk.RSAKey.generate_key(2048, {"kid": "first"}, private=True)
        self.claims: dict[str, object] = {"preferred_username": "ana", "groups": ["birth"]}
        self.changes: dict[str, object] = {}  # of the standard claims
        self.signed_with = self.key
        self.algorithm = "RS256"
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []

    def authorize(self, address: str) -> str:
        """Log somebody in who was sent here, and give the address to which the browser goes back."""
        parts = urlsplit(address)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.issuer}/auth?x=1".partition("?")[0]
        assert query["response_type"] == "code" and query["client_id"] == self.client
        assert query["code_challenge_method"] == "S256" and "openid" in query["scope"].split()
        code = f"code {len(self.codes)}"
        self.codes[code] = query
        return f"{query['redirect_uri']}?state={query['state']}&code={code.replace(' ', '%20')}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, object]]:
        query = self.codes.pop(form.get("code", ""), None)
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if (
            query is None
            or pair != "monitor:a%20secret%3A%201%20%26%202"
            or query["code_challenge"] != challenge.decode()
            or query["redirect_uri"] != form["redirect_uri"]
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        standard = {"iss": self.issuer, "aud": self.client, "exp": now + 300, "iat": now, "nonce": query["nonce"]}
        claims = {**standard, **self.claims, **self.changes}
        header = {"alg": self.algorithm, "kid": self.signed_with.kid}
        return 200, {"id_token": jwt.encode(header, claims, self.signed_with, algorithms=[self.algorithm])}

    def answer(self, path: str) -> dict[str, object] | None:
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/auth?x=1",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
        if path == "/keys":
            return {"keys": [self.key.as_dict(private=False)]}
        return None


@pytest.fixture
def provider():
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = made.answer(self.path)
            self._send(404 if found is None else 200, found or {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._send(*made.token(form, self.headers.get("Authorization", "")))

        def _send(self, status: int, found: dict) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", made.port), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()
