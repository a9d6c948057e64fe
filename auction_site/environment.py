"""Reads the process environment strictly: a wrong value stops the start and names its variable.

Owns nothing but parsing. `django-environ` reads the database URL; everything else is checked here
because a lenient reader would turn `DEBUG=ture` into False without a word.
"""

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import environ
import redis
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
_IMPLIED_PORTS = {"http": 80, "https": 443}
_MAIL = "smtp+tls://user:password@host:port or consolemail://"


class Environment:
    """A strict view of environment variables; every reader raises ImproperlyConfigured."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def text(self, name: str, default: str | None = None) -> str:
        """Return the value of `name`, or `default`; without a default the variable is required."""
        value = self._variables.get(name, "").strip()
        if value:
            return value
        if default is None:
            raise ImproperlyConfigured(f"{name} is not set: it is required. See docs/settings.md.")
        return default

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a yes-or-no value: 1/0, true/false, yes/no, on/off."""
        value = self.text(name, "1" if default else "0").lower()
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise _wrong(name, value, "1 or 0")

    def number(self, name: str, default: int, *, minimum: int = 0) -> int:
        """Return a whole number of at least `minimum`."""
        value = self.text(name, str(default))
        if value.isascii() and value.isdecimal() and len(value) < 10 and int(value) >= minimum:
            return int(value)
        raise _wrong(name, value[:40], f"a whole number of at least {minimum} and below a billion")

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """Return one of the `allowed` words."""
        value = self.text(name, default)
        if value in allowed:
            return value
        raise _wrong(name, value, f"one of {', '.join(allowed)}")

    def words(self, name: str, default: str = "") -> list[str]:
        """Return a comma-separated list without empty entries."""
        return [word.strip() for word in self.text(name, default).split(",") if word.strip()]

    def matching(self, name: str, pattern: str, expected: str) -> str:
        """Return a required value that matches `pattern` as a whole."""
        value = self.text(name)
        if re.fullmatch(pattern, value, re.ASCII):
            return value
        raise _wrong(name, value[:80], expected)

    def private_key(self, name: str) -> str:
        """Return a required private key on the curve P-384, in PEM; a line break may be written as `\\n`."""
        text = self.text(name).replace("\\n", "\n")
        try:
            key: Any = load_pem_private_key(text.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP384R1):
            # Not a word of what it is: the line ends up in a log.
            raise ImproperlyConfigured(f"{name} cannot be used: expected a private key on the curve P-384, in PEM.")
        return text

    def push_key(self, name: str) -> str:
        """Return a private key on the curve P-256 as 32 octets in base64url, or nothing."""
        text = self.text(name, "").rstrip("=")
        if not text:
            return ""
        try:
            octets = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            if len(octets) == 32:
                ec.derive_private_key(int.from_bytes(octets), ec.SECP256R1())
                return text
        except ValueError:
            pass
        # Not a word of what it is: the line ends up in a log.
        raise ImproperlyConfigured(f"{name} cannot be used: expected 32 random octets in base64url.")

    def pairs(self, name: str, pattern: str, expected: str) -> list[tuple[str, str]]:
        """Return a comma-separated list of `key=value` whose values match `pattern`; a key may come again."""
        found = []
        for word in self.words(name):
            key, _, value = word.rpartition("=")
            if not key.strip() or not re.fullmatch(pattern, value.strip(), re.ASCII):
                raise _wrong(name, word, expected)
            found.append((key.strip(), value.strip()))
        return found

    def hosts(self, name: str, default: str) -> list[str]:
        """Return comma-separated host names as ALLOWED_HOSTS takes them: without scheme, port or path."""
        names = self.words(name, default)
        for host in names:
            if "/" in host or (":" in host and not host.startswith("[")):
                raise _wrong(name, host, "host names like auctions.example, without https:// and port")
        return names

    def origin(self, name: str, default: str | None = None) -> str:
        """Return a site's own address as browsers write it: scheme, host in lower case, and no port that is implied."""
        return _origin(name, self.text(name, default))

    def origins(self, name: str, default: str = "") -> list[str]:
        """Return comma-separated origins."""
        return [_origin(name, word) for word in self.words(name, default)]

    def redis(self, name: str, default: str | None = None) -> str:
        """Return the address of a Redis server, as redis-py reads it."""
        value = self._address(name, default, ("redis", "rediss", "unix"))
        database = "" if value.startswith("unix:") else urlsplit(value).path.strip("/")
        try:
            redis.connection.parse_url(value)
            # The client would take the first database for one that is no number.
            usable = not database or (database.isascii() and database.isdecimal())
        except ValueError:
            usable = False
        if not usable:
            raise _wrong(name, value, "an address like redis://host:6379/0")
        return value

    def _address(self, name: str, default: str | None, schemes: tuple[str, ...]) -> str:
        value = self.text(name, default)
        try:
            parts = urlsplit(value)
            _ = parts.port
            usable = parts.scheme in schemes and value.startswith(f"{parts.scheme}://")
            usable = usable and bool(parts.hostname or parts.path)
        except ValueError:
            usable = False
        if not usable:
            raise _wrong(name, value, f"an address starting with {' or '.join(f'{s}://' for s in schemes)}")
        return value

    def mail(self, name: str, default: str) -> dict[str, Any]:
        """Return Django's mail settings for a consolemail:, smtp:, smtp+tls: or smtp+ssl: address."""
        value = self.text(name, default)
        scheme = value.partition("://")[0]
        if scheme not in ("consolemail", "filemail", "memorymail", "smtp", "smtp+tls", "smtp+ssl"):
            raise _wrong(name, value, _MAIL)
        try:
            config: dict[str, Any] = environ.Env.email_url_config(value)
        except ValueError:
            raise _wrong(name, value, _MAIL) from None
        return config

    def database(self, name: str, default: str) -> dict[str, Any]:
        """Return Django's database settings for a sqlite:/// or postgres:// address."""
        value = self._address(name, default, ("sqlite", "postgres", "postgresql"))
        config: dict[str, Any] = environ.Env.db_url_config(value)
        if not config.get("NAME"):
            raise _wrong(name, value, "the name of a database at its end, like postgres://user:password@host/name")
        return config


def _origin(name: str, value: str) -> str:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    # No user, path or query: a browser's Origin has none, and would never be the same.
    if value.rstrip("/").lower() != f"{parts.scheme}://{parts.netloc}".lower() or "@" in parts.netloc:
        raise _wrong(name, value, "an origin like https://auctions.example")
    if parts.scheme not in _IMPLIED_PORTS or not parts.hostname:
        raise _wrong(name, value, "an origin starting with https:// or http://")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if port in (None, _IMPLIED_PORTS[parts.scheme]) else f":{port}")


def _wrong(name: str, value: str, expected: str) -> ImproperlyConfigured:
    # The line ends up in a log, where no password belongs.
    shown = re.sub(r"(?<=//).*@", "…@", value)
    return ImproperlyConfigured(f"{name} is {shown!r}: expected {expected}.")
