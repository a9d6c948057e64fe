"""Messages to browsers by Web Push: sealing for one browser (RFC 8291), signing as this site (RFC 8292), delivering.

Owns no rows and no cryptography: http_ece seals and PyJWT signs. The address of a browser comes from outside: it is
only ever called over https, at an address of the public internet that was looked up and checked here, and no redirect
is followed.
"""

import base64
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.utils import parseaddr
from functools import cache
from typing import Final
from urllib.parse import urlsplit

import http_ece
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

LONGEST: Final = 3_900
"""Octets of a message; every push service takes so much once it is sealed."""
_CURVE: Final = ec.SECP256R1()
_SIGNED_FOR_S: Final = 12 * 3_600
_TIMEOUT_S: Final = 3
_LONGEST_S: Final = 6


class Unreachable(Exception):
    """A push service could not be asked; later it may."""


class NotAllowed(Exception):
    """An address is none that this site would call."""


def is_configured() -> bool:
    """Say whether this site has a key to sign messages with."""
    return bool(settings.WEB_PUSH_KEY)


@cache
def site_key(secret: str) -> ec.EllipticCurvePrivateKey:
    """Return the key that a site signs with, from its 32 octets in base64url."""
    return ec.derive_private_key(int.from_bytes(decode(secret)), _CURVE)


def public_key() -> str:
    """Return what a browser is told of the site's key before it subscribes."""
    return encode(_point(site_key(settings.WEB_PUSH_KEY)))


def encode(octets: bytes) -> str:
    """Return octets in base64url, without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Return the octets of a text in base64url; raises ValueError where it is none."""
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def check_browser(endpoint: str, browser_key: str, secret: str) -> None:
    """Raise NotAllowed where a browser's address or keys cannot be meant."""
    _split(endpoint)
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, decode(browser_key))
        length = len(decode(secret))
    except ValueError:
        raise NotAllowed("the keys cannot be read") from None
    if length != 16:
        raise NotAllowed("the secret has another length")


def seal(
    message: bytes,
    *,
    browser_key: str,
    secret: str,
    salt: bytes | None = None,
    own_key: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """Return a message that only this browser opens. `salt` and `own_key` are fresh for each; tests give them."""
    if len(message) > LONGEST:
        raise ValueError(f"a message has at most {LONGEST} octets")
    sealed: bytes = http_ece.encrypt(
        message,
        salt=salt,
        private_key=own_key or ec.generate_private_key(_CURVE),
        dh=decode(browser_key),
        auth_secret=decode(secret),
        version="aes128gcm",
    )
    return sealed


def deliver(endpoint: str, body: bytes, *, topic: str, lasts_s: int) -> int:
    """Hand a sealed message to a push service; return its status. Raises NotAllowed or Unreachable."""
    host, port, path = _split(endpoint)
    address = _public_address(host, port)
    headers = {
        "Authorization": f"vapid t={_signed(endpoint)}, k={public_key()}",
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(lasts_s),
        "Topic": topic,
        "Urgency": "high",
    }
    connection = _Connection(host, port, address)
    try:
        connection.connect()
        with _over_after(connection, _LONGEST_S):
            connection.request("POST", path, body=body, headers=headers)
            return connection.getresponse().status
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise Unreachable(str(error)) from error
    finally:
        connection.close()


class _Connection(http.client.HTTPSConnection):
    """To the address that was checked, with the certificate of the name: a name that changes leads nowhere else."""

    def __init__(self, host: str, port: int, address: str) -> None:
        self._tls = ssl.create_default_context()
        super().__init__(host, port, timeout=_TIMEOUT_S, context=self._tls)
        self._address = address

    def connect(self) -> None:
        """Connect, and speak TLS with who has the name."""
        plain = socket.create_connection((self._address, self.port), self.timeout)
        try:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


@contextmanager
def _over_after(connection: _Connection, seconds: float) -> Iterator[None]:
    """End a conversation after so long. A time-out alone does not: it begins anew with each octet that comes."""

    def end() -> None:
        with suppress(OSError, AttributeError):
            connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _split(endpoint: str) -> tuple[str, int, str]:
    """Return host, port and path of an address that may be a push service's."""
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        raise NotAllowed("no address") from None
    is_plain = endpoint.isascii() and endpoint.isprintable() and " " not in endpoint and len(endpoint) <= 600
    if not is_plain or parts.scheme != "https" or parts.username is not None or parts.fragment:
        raise NotAllowed("no plain https address")
    if "." not in host or host.endswith(".") or host.rpartition(".")[2].isdecimal() or ":" in host:
        raise NotAllowed("no name of a host")
    return host, port, f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"


def _public_address(host: str, port: int) -> str:
    """Return an address of a host that belongs to the public internet, as all of its addresses must."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(str(error)) from error
    # IPv4 first: not every server has a way to IPv6.
    addresses = [str(info[4][0]) for info in sorted(found, key=lambda info: info[0] != socket.AF_INET)]
    if not addresses or not all(is_public(address) for address in addresses):
        raise NotAllowed(f"{host} is not on the public internet")
    return addresses[0]


def is_public(address: str) -> bool:
    """Say whether an address belongs to the public internet, also one that hides another in it."""
    known = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(known, ipaddress.IPv6Address):
        hidden = known.sixtofour or (known.teredo or (None, None))[1]
        # All that is given out lies there; outside it are mapped, translated and old local addresses.
        if hidden is not None or known not in _UNICAST:
            return False
    return known.is_global and not known.is_multicast


_UNICAST: Final = ipaddress.ip_network("2000::/3")


def _signed(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"https://{parts.netloc}",
        "exp": int(time.time()) + _SIGNED_FOR_S,
        "sub": f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}",
    }
    return jwt.encode(claims, site_key(settings.WEB_PUSH_KEY), algorithm="ES256")


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
