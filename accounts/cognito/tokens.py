"""Tells whether a token was made by our user pool, for us, and still holds. Knows no person and no database.

Owns the pool's public keys. They are read at most once a minute, whatever tokens come: only a key that the pool
publishes counts, never one that a token brings or points to.
"""

import http.client
import json
import threading
import time
import urllib.request
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.conf import settings

logger = structlog.get_logger(__name__)

LONGEST_TOKEN: Final = 8_192
_ALGORITHM: Final = "RS256"
_COOL_DOWN_S: Final = 60.0
_FRESH_S: Final = 3_600.0
"""After how long the keys are read again, so that one that the pool withdrew is forgotten."""
_TIMEOUT_S: Final = 3.0
_LARGEST_KEYS: Final = 65_536
_CLOCKS_DIFFER_S: Final = 30
"""How far ahead of ours the pool's clock may be when it writes when a token was made."""


class BadToken(Exception):
    """It is not a token that counts here."""


class KeysUnavailable(Exception):
    """The pool's keys could not be read, so nothing can be said about a token."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says, as far as we use it."""

    sub: str
    token_id: str
    expires_at: int
    groups: frozenset[str]


class KeySet:
    """The public keys behind one address, shared by all threads of the process."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str, RSAPublicKey] | None = None
        self._asked_at: float | None = None
        self._lock = threading.Lock()

    def key(self, kid: str) -> RSAPublicKey:
        """Return the key of this name.

        Raises:
            BadToken: the pool has no such key.
            KeysUnavailable: the keys were never read.
        """
        known = self._keys is not None and kid in self._keys
        if self._age() >= (_FRESH_S if known else _COOL_DOWN_S) and self._lock.acquire(blocking=not known):
            # Who knows the key goes on with it; the others wait for the one that asks.
            try:
                if self._age() >= _COOL_DOWN_S:
                    self._read()
            finally:
                self._lock.release()
        keys = self._keys
        if keys is None:
            raise KeysUnavailable
        if kid not in keys:
            raise BadToken
        return keys[kid]

    def _age(self) -> float:
        return float("inf") if self._asked_at is None else time.monotonic() - self._asked_at

    def _read(self) -> None:
        try:
            with urllib.request.urlopen(self._url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - a setting
                published = json.loads(answer.read(_LARGEST_KEYS))["keys"]
            keys = {str(each["kid"]): _public(each) for each in published if each["kty"] == "RSA"}
        except (OSError, ValueError, LookupError, TypeError, http.client.HTTPException, jwt.PyJWTError) as error:
            logger.warning("cognito_keys_not_read", error=str(error))
        else:
            self._keys = keys
        finally:
            # Also after a failure, and only when it is over: a slow pool is not asked more often.
            self._asked_at = time.monotonic()


@cache
def key_set(url: str) -> KeySet:
    """Return the keys behind an address, the same object each time."""
    return KeySet(url)


def claims_of(token: str, use: Literal["access", "id"]) -> Claims:
    """Return what a token of our pool says.

    Raises:
        BadToken: it is none, not of this use, not for this site, or it ran out.
        KeysUnavailable: the pool's keys could not be read.
    """
    if len(token) > LONGEST_TOKEN:
        raise BadToken
    try:
        header = jwt.get_unverified_header(token)
        kid = header.get("kid")
        # Nobody makes us ask for keys with what could not count anyway.
        if header.get("alg") != _ALGORITHM or not isinstance(kid, str):
            raise BadToken
        values: dict[str, Any] = jwt.decode(
            token,
            key_set(settings.COGNITO_KEYS_URL).key(kid),
            algorithms=[_ALGORITHM],
            issuer=settings.COGNITO_ISSUER,
            # An access token has no audience: its `client_id` is looked at below.
            audience=settings.COGNITO_CLIENT_ID if use == "id" else None,
            options={
                "require": ["exp", "iat", "iss", "sub", "token_use", "aud" if use == "id" else "jti"],
                "verify_aud": use == "id",
                "verify_iat": False,
            },
        )
        issued_at, expires_at = int(values["iat"]), int(values["exp"])
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise BadToken from None
    if values["token_use"] != use or issued_at > time.time() + _CLOCKS_DIFFER_S:
        raise BadToken
    client_id = values.get("client_id")
    if use == "access" and client_id not in (settings.COGNITO_CLIENT_ID, *settings.COGNITO_API_CLIENT_IDS):
        raise BadToken
    # Where a client has a token for itself, there is nobody behind it who could bid.
    if not values["sub"] or values["sub"] == client_id:
        raise BadToken
    groups = values.get("cognito:groups")
    return Claims(
        sub=values["sub"],
        token_id=str(values.get("jti", "")),
        expires_at=expires_at,
        groups=frozenset(str(group) for group in groups) if isinstance(groups, list) else frozenset(),
    )


def _public(published: dict[str, Any]) -> RSAPublicKey:
    key = jwt.PyJWK(published, algorithm=_ALGORITHM).key
    if not isinstance(key, RSAPublicKey):
        raise TypeError
    return key
