"""What a request, a ticket or a seat in a room rests on: one sign-in of one person, and whether it still holds.

A sign-in is a session, an access token, or an access token that ends with the session that it came from.
"""

import time
from collections.abc import Collection
from typing import Any, Final

import msgspec
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.cognito.models import RevokedToken
from accounts.models import User

_AT_ONCE: Final = 1_000
"""How many rows one query asks for by id."""


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in. What it does not rest on is None."""

    user_id: int
    password_hash: str
    """Of the password at that time: a new password ends what came before."""
    session_key: str | None = None
    token_id: str | None = None
    expires_at: int | None = None
    """Seconds since the epoch."""


def sign_in_of(user: User, **rests_on: Any) -> SignIn:
    """Return the sign-in of a user that rests on a session or a token."""
    return SignIn(user_id=user.pk, password_hash=user.get_session_auth_hash(), **rests_on)


def ended_sign_ins(sign_ins: Collection[SignIn]) -> set[SignIn]:
    """Return those that are over: signed out, run out, revoked, switched off, or the password changed."""
    alive: set[str] = set()
    for keys in in_portions({each.session_key for each in sign_ins if each.session_key is not None}):
        sessions = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
        alive.update(sessions.values_list("session_key", flat=True))
    revoked: set[str] = set()
    for ids in in_portions({each.token_id for each in sign_ins if each.token_id is not None}):
        revoked.update(RevokedToken.objects.filter(token_id__in=ids).values_list("token_id", flat=True))
    hashes: dict[int, str] = {}
    for people in in_portions({each.user_id for each in sign_ins}):
        for user in User.objects.filter(pk__in=people, is_active=True).only("password"):
            hashes[user.pk] = user.get_session_auth_hash()
    now = time.time()
    return {
        each
        for each in sign_ins
        if hashes.get(each.user_id) != each.password_hash
        or (each.session_key is not None and each.session_key not in alive)
        or (each.token_id is not None and each.token_id in revoked)
        or (each.expires_at is not None and each.expires_at <= now)
    }


def in_portions(values: set[Any]) -> list[list[Any]]:
    ordered = sorted(values)
    return [ordered[start : start + _AT_ONCE] for start in range(0, len(ordered), _AT_ONCE)]
