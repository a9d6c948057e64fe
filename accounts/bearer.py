"""Who sends `Authorization: Bearer …`, for the API and the rooms alike.

With a user pool its access tokens count, else those that this site made itself. Never both: a token has one maker.
"""

import time
from typing import Final

import jwt
from allauth.headless.tokens.strategies.jwt import internal as site_tokens
from django.conf import settings
from django.utils.translation import gettext as _

from accounts.cognito.services import user_of_sub
from accounts.cognito.tokens import LONGEST_TOKEN, BadToken, KeysUnavailable, claims_of
from accounts.models import User
from accounts.sign_ins import SignIn, ended_sign_ins, sign_in_of

_SCHEME: Final = "bearer"


class BearerRefused(Exception):
    """A token that lets nobody in; `code` is stable, the text is fit to show."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class BearerUnavailable(Exception):
    """Whether the token is good cannot be told right now."""


def bearer_token(authorization: str | None) -> str | None:
    """Return the token of an Authorization header; None where the header is of another kind, or there is none."""
    scheme, _space, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == _SCHEME else None


def bearer_sign_in(token: str) -> tuple[User, SignIn]:
    """Return who a token stands for, and the sign-in that ends with it.

    Raises:
        BearerRefused: `token_expired`, `token_invalid`, or `account_inactive`.
        BearerUnavailable: the pool's keys could not be read yet.
    """
    try:
        if len(token) > LONGEST_TOKEN:
            raise BadToken
        user, sign_in = _by_pool(token) if settings.AUTH_PROVIDER == "cognito" else _by_site(token)
    except KeysUnavailable:
        raise BearerUnavailable from None
    except BadToken:
        if _ran_out(token):
            raise BearerRefused("token_expired", _("The token has expired. Get a new one.")) from None
        raise BearerRefused("token_invalid", _("The token is not valid here.")) from None
    if not user.is_active:
        raise BearerRefused("account_inactive", _("This account is switched off."))
    if ended_sign_ins([sign_in]):
        raise BearerRefused("token_invalid", _("The token is not valid here."))
    return user, sign_in


def _by_pool(token: str) -> tuple[User, SignIn]:
    claims = claims_of(token, "access")
    user = user_of_sub(claims.sub)
    return user, sign_in_of(user, token_id=claims.token_id, expires_at=claims.expires_at)


def _by_site(token: str) -> tuple[User, SignIn]:
    known = site_tokens.validate_access_token(token)
    if known is None:
        raise BadToken
    user, values = known
    session_key = site_tokens.session_key_from_sid(values["sid"]) or ""
    return user, sign_in_of(user, session_key=session_key, expires_at=int(values["exp"]))


def _ran_out(token: str) -> bool:
    """Tell whether a refused token says itself that it is too old: then its sender should get a new one."""
    if len(token) > LONGEST_TOKEN:
        return False
    try:
        expires_at = jwt.decode(token, options={"verify_signature": False}).get("exp")
    except (jwt.PyJWTError, ValueError, RecursionError):
        return False
    return isinstance(expires_at, int) and expires_at <= time.time()
