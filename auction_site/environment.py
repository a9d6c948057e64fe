"""Reads the process environment strictly: a wrong value stops the start and names its variable.

Owns nothing but parsing. `django-environ` reads the database URL; everything else is checked here
because a lenient reader would turn `DEBUG=ture` into False without a word.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


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
        if value.isascii() and value.isdecimal() and int(value) >= minimum:
            return int(value)
        raise _wrong(name, value, f"a whole number of at least {minimum}")

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """Return one of the `allowed` words."""
        value = self.text(name, default)
        if value in allowed:
            return value
        raise _wrong(name, value, f"one of {', '.join(allowed)}")

    def words(self, name: str, default: str = "") -> list[str]:
        """Return a comma-separated list without empty entries."""
        return [word.strip() for word in self.text(name, default).split(",") if word.strip()]

    def url(self, name: str, default: str | None = None, *, schemes: tuple[str, ...]) -> str:
        """Return an address with a host and one of the given schemes."""
        value = self.text(name, default)
        try:
            parts = urlsplit(value)
            usable = parts.scheme in schemes and bool(parts.hostname or parts.path)
            _ = parts.port
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
            raise _wrong(name, value, "smtp+tls://user:password@host:port or consolemail://")
        config: dict[str, Any] = environ.Env.email_url_config(value)
        return config

    def database(self, name: str, default: str) -> dict[str, Any]:
        """Return Django's database settings for a sqlite:/// or postgres:// address."""
        value = self.url(name, default, schemes=("sqlite", "postgres", "postgresql"))
        config: dict[str, Any] = environ.Env.db_url_config(value)
        return config


def _wrong(name: str, value: str, expected: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} is {value!r}: expected {expected}.")
