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

from accounts.sign_ins import SignIn
from auctions.errors import Refused
from bidding.engine.runner import run
from bidding.engine.side import take_token, ticket_key, ticket_rate_key
from bidding.floor import async_side, side

logger = structlog.get_logger(__name__)

VALID_S: Final = 60
_AT_ONCE: Final = 20
_REFILL_MS: Final = 3_000


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as its holder gets it, once."""

    ticket: str
    expires_in_s: int


def ticket_issue(*, sign_in: SignIn) -> Ticket:
    """Make a ticket that lets its holder open one socket within a minute.

    Raises Refused where somebody asks for too many, or the side server cannot be reached.
    """
    ticket = secrets.token_urlsafe(32)
    try:
        allowance = run(side(), take_token(ticket_rate_key(sign_in.user_id), holds=_AT_ONCE, refill_ms=_REFILL_MS))
        if not allowance.allowed:
            raise Refused("rate_limited", _("Too many tickets at once. Wait a moment."))
        side().set(ticket_key(_digest(ticket)), msgspec.json.encode(sign_in), ex=VALID_S)
    except (RedisError, OSError) as error:
        logger.warning("ticket_not_issued", error=str(error))
        raise Refused("unavailable", _("Tickets are not available right now. Try again.")) from None
    return Ticket(ticket, VALID_S)


async def ticket_redeem(ticket: str) -> SignIn | None:
    """Return the sign-in that a ticket stands for and use it up; None where it was used, ran out or never was one."""
    raw: Any = await async_side().getdel(ticket_key(_digest(ticket)))
    return None if raw is None else msgspec.json.decode(raw, type=SignIn)


def _digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
