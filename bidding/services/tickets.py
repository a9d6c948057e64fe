"""One-use tickets: how a program or a page that cannot send a cookie proves who it is when it opens a socket.

A ticket stands for the sign-in that asked for it and ends with it. It lives on the side server under its digest; who
reads the server's keys or an access log cannot use one.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import structlog
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from accounts.models import User
from auctions.errors import Refused
from bidding.engine.runner import run
from bidding.engine.side import take_token, ticket_key, ticket_rate_key
from bidding.floor import async_side, side

logger = structlog.get_logger(__name__)

VALID_S: Final = 60
_AT_ONCE: Final = 20
_REFILL_MS: Final = 3_000


class Holder(msgspec.Struct, frozen=True):
    """Who a ticket stands for, and the sign-in that it ends with."""

    user_id: int
    session_key: str
    session_hash: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as its holder gets it, once."""

    ticket: str
    expires_in_s: int


def ticket_issue(*, user: User, session_key: str) -> Ticket:
    """Make a ticket that lets its holder open one socket within a minute.

    Raises Refused where somebody asks for too many, or the side server cannot be reached.
    """
    ticket = secrets.token_urlsafe(32)
    holder = Holder(user.pk, session_key, user.get_session_auth_hash())
    try:
        allowance = run(side(), take_token(ticket_rate_key(user.pk), holds=_AT_ONCE, refill_ms=_REFILL_MS))
        if not allowance.allowed:
            raise Refused("rate_limited", _("Too many tickets at once. Wait a moment."))
        side().set(ticket_key(_digest(ticket)), msgspec.json.encode(holder), ex=VALID_S)
    except (RedisError, OSError) as error:
        logger.warning("ticket_not_issued", error=str(error))
        raise Refused("unavailable", _("Tickets are not available right now. Try again.")) from None
    return Ticket(ticket, VALID_S)


async def ticket_redeem(ticket: str) -> Holder | None:
    """Return who a ticket stands for and use it up; None where it was used, ran out or never was one."""
    raw: Any = await async_side().getdel(ticket_key(_digest(ticket)))
    return None if raw is None else msgspec.json.decode(raw, type=Holder)


def _digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
