"""Seals what must be read again in the clear: the secrets behind authenticator apps and recovery codes.

Who reads the database, or a copy of it, can make no codes from it. The first of `SECOND_FACTOR_KEYS` seals and each of
them opens, so that a key can be replaced without anybody setting up anything anew.
"""

import base64
import hmac
from collections.abc import Callable
from typing import Any

import structlog
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import transaction

logger = structlog.get_logger(__name__)


class NotOpened(Exception):
    """None of the keys opens it: the one that sealed it was taken away. It must be put back."""


def seal(text: str) -> str:
    """Return a text as it may be stored."""
    return _keys().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Return a text as it was.

    Raises:
        NotOpened: none of the keys opens it.
    """
    try:
        return _keys().decrypt(sealed).decode()
    except InvalidToken:
        logger.error("second_factor_not_opened", do="put the key back into SECOND_FACTOR_KEYS")
        raise NotOpened from None


def reseal_all() -> int:
    """Seal every stored secret with the first key; return in how many authenticators one is.

    Raises:
        NotOpened: a secret is opened by none of the keys. Nothing was changed.
    """
    with transaction.atomic():
        sealed = Authenticator.objects.select_for_update().exclude(type=Authenticator.Type.WEBAUTHN)
        for authenticator in sealed:
            authenticator.data = each_secret(authenticator.data, lambda secret: seal(unseal(secret)))
            authenticator.save(update_fields=["data"])
        return len(sealed)


def each_secret(data: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """Return an authenticator's data with each of its secrets changed."""
    changed: dict[str, Any] = {name: change(data[name]) for name in data.keys() & {"secret", "seed"}}
    if "migrated_codes" in data:
        changed["migrated_codes"] = [change(code) for code in data["migrated_codes"]]
    return data | changed


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(_fernet_key(key)) for key in settings.SECOND_FACTOR_KEYS])


def _fernet_key(key: str) -> bytes:
    return base64.urlsafe_b64encode(hmac.digest(key.encode(), b"second factors", "sha256"))
