"""User pools for the tests: one that people sign in at, one of moto, and keys of our own that tokens are made with."""

import base64
import http.server
import json
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from http.cookiejar import Cookie, CookieJar
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client
from django.urls import get_resolver

from accounts.cognito.tokens import key_set
from auction_site.stack import free_port
from auction_site.supervisor import Background, Child

ROOT = Path(__file__).resolve().parent.parent
SITE = "http://testserver"
CALLBACK = f"{SITE}/accounts/amazon-cognito/login/callback/"
CLIENT_ID, CLIENT_SECRET = "auctions", "not-a-secret"
ISSUER = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Test"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


@contextmanager
def moto_server() -> Iterator[str]:
    """Run moto's server in a process of its own and return its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    child = Child(name="moto", argv=argv, ready=lambda: _answers(f"{url}/moto-api/data.json"), quiet=True)
    with Background([[child]]):
        yield url


# --- The pool that people sign in at -------------------------------------------------------------------


class Pool:
    """The server of `tests.pool_server`, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        argv = [sys.executable, "-m", "tests.pool_server", str(folder), str(port)]
        self._child = Child(name="pool", argv=argv, ready=lambda: _answers(f"{self.url}/keys"), quiet=True)

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Run it."""
        with Background([[self._child]]):
            yield self

    def knows(self, sub: str, **claims: Any) -> None:
        """Take in somebody, or change what the pool says of them."""
        body = json.dumps({"sub": sub, **claims}).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/person", body), timeout=10):
            pass

    def token(self, **fields: str) -> tuple[int, dict[str, Any]]:
        """Ask its token endpoint as our site does, with these fields instead; return status and answer."""
        body = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "client_id": CLIENT_ID}
        body |= {"client_secret": CLIENT_SECRET} | fields
        try:
            with urllib.request.urlopen(f"{self.url}/oauth2/token", urlencode(body).encode(), timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class Browser:
    """A browser with one person at it, who is signed in nowhere: our site by Django's client, the pool over HTTP."""

    def __init__(self, pool: Pool, sub: str) -> None:
        self.pool = pool
        self.site = Client()
        self.authorize: dict[str, list[str]] = {}
        """What our site sent to the pool the last time."""
        self._jar = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar), _StayHere())
        self.becomes(sub)

    def becomes(self, sub: str) -> None:
        """Let somebody else sit down at it; sessions stay as they are."""
        everywhere = ("127.0.0.1", False, False, "/", True, False)
        self._jar.set_cookie(Cookie(0, "person", sub, None, False, *everywhere, None, True, None, None, {}))

    def leave(self, query: str = "", **fields: str) -> str:
        """Press the button, go through the pool, and return the address on our site that it sends back to."""
        sent = self.site.post(f"/accounts/amazon-cognito/login/{query}", fields)
        assert sent.status_code == 302, sent.content
        self.authorize = parse_qs(urlsplit(sent["Location"]).query)
        return self.at_pool(sent["Location"])

    def at_pool(self, url: str) -> str:
        """Follow the pool's redirects until they leave it."""
        while not url.startswith(SITE):
            url = urljoin(url, self._get(url)["Location"])
        return url

    def sign_in(self, query: str = "", **fields: str) -> Any:
        """Sign in by the hosted login and return our site's answer to the one who comes back."""
        return self.site.get(self.leave(query, **fields))

    def _get(self, url: str) -> Message:
        try:
            with self._opener.open(url, timeout=10) as answer:
                raise AssertionError(f"{url} answered {answer.status}: {answer.read()[:300]!r}")
        except urllib.error.HTTPError as redirect:
            with redirect:
                if redirect.code not in (301, 302):
                    raise AssertionError(f"{url} answered {redirect.code}: {redirect.read()[:300]!r}") from None
                return redirect.headers


# --- Keys and tokens of our own ------------------------------------------------------------------------


@dataclass
class Signer:
    """A private key with a name, and the tokens that it signs."""

    kid: str = "key-1"

    @cached_property
    def key(self) -> rsa.RSAPrivateKey:
        """The private key."""
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def public_pem(self) -> bytes:
        """The public key as everybody may have it."""
        return self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key as the pool publishes it."""
        published: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {**published, "kid": self.kid, "alg": "RS256", "use": "sig"}

    def token(self, *, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """Return an access token that is good, but for these headers and claims; a claim that is None is left out."""
        headers = {"kid": self.kid} | (headers or {})
        return jwt.encode(access_claims(**claims), self.key, algorithm="RS256", headers=headers)


def written(header: dict[str, Any], claims: Any, sign: Callable[[bytes], bytes]) -> str:
    """Return a token as no library would write it."""

    def part(value: bytes) -> bytes:
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    signed = part(json.dumps(header).encode()) + b"." + part(json.dumps(claims).encode())
    return (signed + b"." + part(sign(signed))).decode()


def access_claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a good access token with changes; one that is None is left out."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "sub": "f3a1-somebody",
        "iss": ISSUER,
        "client_id": CLIENT_ID,
        "token_use": "access",
        "scope": "openid",
        "auth_time": now,
        "iat": now,
        "exp": now + 3600,
        "jti": "7d3c-one-token",
        "username": "somebody",
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


@dataclass
class KeyServer:
    """Publishes keys as a pool does, and counts how often it is asked."""

    keys: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0
    gate: threading.Event | None = None
    """Where it is set, an answer waits for it."""
    broken: bytes | None = None
    """What it answers instead, where it is set."""

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Serve in a thread."""
        publisher = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.asked += 1
                if publisher.gate is not None:
                    publisher.gate.wait(30)
                body = (
                    publisher.broken if publisher.broken is not None else json.dumps({"keys": publisher.keys}).encode()
                )
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}/keys"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@pytest.fixture(scope="session")
def signer() -> Signer:
    """Return the key of a pool."""
    return Signer()


def trust(settings: Any, *, keys_url: str, issuer: str = ISSUER, client_id: str = CLIENT_ID) -> None:
    """Let the site take the tokens of a pool; it has read no keys yet."""
    # Addresses are read once, at the first request. The other tests need those of a site without a pool.
    assert get_resolver().url_patterns
    key_set.cache_clear()
    settings.AUTH_PROVIDER = "cognito"
    settings.COGNITO_CLIENT_ID = client_id
    settings.COGNITO_ISSUER = issuer
    settings.COGNITO_KEYS_URL = keys_url


@pytest.fixture
def key_server(signer: Signer, settings: Any) -> Iterator[KeyServer]:
    """Return what publishes that pool's keys, which the site trusts."""
    with KeyServer([signer.jwk]).running() as server:
        trust(settings, keys_url=server.url)
        yield server
