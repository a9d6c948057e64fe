"""Who comes in: the sign-in, what they may see, their registration and their role, read when a socket opens.

The only place of the room that reads the database, in threads of its own. Owns what makes a visitor leave again, or
somebody else than they were: a sign-in that ended, a password that changed, a ban, an invitation or a role taken back,
a board whose key was replaced.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from types import SimpleNamespace
from typing import Any, Final, Generic, ParamSpec, TypeVar, cast

import structlog
from channels.db import DatabaseSyncToAsync
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.db import Error as DatabaseError
from django.http.cookie import parse_cookie
from redis.exceptions import RedisError

from accounts.bearer import BearerRefused, BearerUnavailable, bearer_sign_in, bearer_token
from accounts.models import User
from accounts.sign_ins import SignIn, ended_sign_ins, in_portions, sign_in_of
from auctions.boards import BoardPass, pass_of, standing_passes
from auctions.models import Auction, Registration, RegistrationStatus
from auctions.permissions import RoomRights, can_view, room_rights
from bidding.models import LedgerPosition
from bidding.protocol import CloseCode, RefusalCode
from bidding.selectors import RoomInfo, room_info
from bidding.services.chat import Speaker, cleaned
from bidding.services.tickets import ticket_redeem
from bidding.services.wordfilter import folded

logger = structlog.get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
A = TypeVar("A")
K = TypeVar("K", bound=Hashable)

LetIn = Callable[[User | AnonymousUser, SignIn | None], A | CloseCode]
"""A rule that says what somebody is let in as, or the code to close with."""

_DOOR_S: Final = 1.0
"""How long an answer for nobody in particular holds."""
_OFFICIAL: Final = ("host", "paddle", "auctioneer", "admin", "moderator", "staff")
"""How nobody's chosen name begins."""
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="room")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody in a room, as far as the room must know them. Nobody signed in has `user_id` None."""

    user_id: int | None = None
    sign_in: SignIn | None = None
    board: BoardPass | None = None
    """What a screen watches by, which is nobody."""
    author: str = ""
    role: str | None = None
    registration_id: int | None = None
    paddle: int | None = None
    status: str | None = None
    barred: bool = False

    @property
    def reason(self) -> RefusalCode | None:
        """Why this visitor may not bid; None where they may."""
        if self.user_id is None:
            return RefusalCode.SIGN_IN
        if self.barred:
            return RefusalCode.OWN_LOT
        if self.status == RegistrationStatus.BANNED:
            return RefusalCode.BANNED
        return None if self.status == RegistrationStatus.APPROVED else RefusalCode.NOT_REGISTERED

    @property
    def speaker(self) -> Speaker | None:
        """This visitor as chat knows them; None for those who are not signed in."""
        if self.user_id is None:
            return None
        return Speaker(user_id=self.user_id, author=self.author, paddle=self.paddle, role=self.role)


@dataclass(frozen=True, slots=True)
class Admission:
    """A visitor who may take a seat, and what they see."""

    visitor: Visitor
    info: RoomInfo


@dataclass(frozen=True, slots=True)
class Resting:
    """What the database knows of an auction that has no live state: before it is scheduled, and after clean-up."""

    status: str
    v: int
    epoch: str


def in_thread(function: Callable[P, R]) -> Callable[P, Any]:
    """Return the function as a coroutine function that runs in one of the room's threads."""
    return cast("Callable[P, Any]", DatabaseSyncToAsync(function, thread_sensitive=False, executor=_threads))


class OnceASecond(Generic[K, R]):
    """Asks a question once a second, however many want its answer: a crowd must not queue at the database."""

    def __init__(self, ask: Callable[[K], Coroutine[Any, Any, R]]) -> None:
        self._ask = ask
        self._asked: dict[K, tuple[float, asyncio.Task[R]]] = {}

    async def __call__(self, subject: K) -> R:
        """Return the answer, at most a second old."""
        now = time.monotonic()
        asked = self._asked.get(subject)
        if asked is None or now - asked[0] > _DOOR_S:
            self._asked = {each: task for each, task in self._asked.items() if now - task[0] <= _DOOR_S}
            asked = self._asked[subject] = (now, asyncio.ensure_future(self._ask(subject)))
        # Shielded: one who gives up must not take the answer from the others.
        return await asyncio.shield(asked[1])


class Door:
    """Lets people into the rooms of one process; what nobody in particular may see is asked once a second."""

    def __init__(self) -> None:
        self._open: OnceASecond[int, Admission | CloseCode] = OnceASecond(
            lambda auction_id: admit(partial(_let_in, auction_id), ())
        )

    async def admit(
        self,
        auction_id: int,
        headers: Collection[tuple[bytes, bytes]],
        ticket: str | None = None,
        *,
        board_key: str | None = None,
    ) -> Admission | CloseCode:
        """Return who comes in to which room, or the code to close with. Who brings a board's key is nobody else."""
        if board_key is not None:
            return await _if_it_opens(_admit_board(auction_id, board_key))
        if ticket is not None or _carries_sign_in(headers):
            return await admit(partial(_let_in, auction_id), headers, ticket)
        return await self._open(auction_id)


async def admit(let_in: LetIn[A], headers: Collection[tuple[bytes, bytes]], ticket: str | None = None) -> A | CloseCode:
    """Find out who somebody is and return what the rule says of them, or the code to close with.

    A ticket counts before a token, and a token before a cookie. Where the database or the side server does not
    answer nobody is let in, and nobody is told that they may not come back.
    """
    return await _if_it_opens(_identified(let_in, headers, ticket))


async def _identified(let_in: LetIn[A], headers: Collection[tuple[bytes, bytes]], ticket: str | None) -> A | CloseCode:
    found: A | CloseCode
    if ticket is not None:
        sign_in = await ticket_redeem(ticket)
        found = CloseCode.SIGNED_OUT if sign_in is None else await _admit(_holder, let_in, sign_in)
    elif (token := bearer_token(_header(headers, b"authorization"))) is not None:
        found = await _admit(_bearer, let_in, token)
    else:
        found = await _admit(_user, let_in, headers)
    return found


async def _if_it_opens(asked: Awaitable[A | CloseCode]) -> A | CloseCode:
    try:
        return await asked
    except (DatabaseError, RedisError, OSError) as error:
        logger.warning("door_closed", error=str(error))
        return CloseCode.NOT_NOW


def _carries_sign_in(headers: Collection[tuple[bytes, bytes]]) -> bool:
    is_session = cookie(headers, settings.SESSION_COOKIE_NAME) is not None
    return is_session or bearer_token(_header(headers, b"authorization")) is not None


def _let_in_somebody(
    find: Callable[[Any], tuple[User | AnonymousUser, SignIn | None] | CloseCode], let_in: LetIn[A], credential: Any
) -> A | CloseCode:
    found = find(credential)
    return found if isinstance(found, CloseCode) else let_in(*found)


_admit = in_thread(_let_in_somebody)


def _holder(sign_in: SignIn) -> tuple[User, SignIn] | CloseCode:
    """Return a ticket's holder; not where the sign-in behind the ticket is over by now."""
    user = User.objects.filter(pk=sign_in.user_id).first()
    if user is None or ended_sign_ins([sign_in]):
        return CloseCode.SIGNED_OUT
    return user, sign_in


def _bearer(token: str) -> tuple[User, SignIn] | CloseCode:
    """Return the sender of an access token; not where the token does not count."""
    try:
        return bearer_sign_in(token)
    except BearerRefused:
        return CloseCode.SIGNED_OUT
    except BearerUnavailable:
        logger.warning("token_not_checked")
        return CloseCode.SIGNED_OUT


def _let_in(auction_id: int, user: User | AnonymousUser, sign_in: SignIn | None) -> Admission | CloseCode:
    auction = Auction.objects.filter(pk=auction_id).first()
    if auction is None or not can_view(user, auction):
        return CloseCode.NOT_FOUND
    info = room_info(auction_id)
    if info is None:
        return CloseCode.NOT_FOUND
    if not isinstance(user, User):
        return Admission(Visitor(), info)
    visitor = _known(Visitor(user_id=user.pk, sign_in=sign_in), user, auction)
    return CloseCode.FORBIDDEN if visitor.reason is RefusalCode.BANNED else Admission(visitor, info)


def _let_in_board(auction_id: int, key: str) -> Admission | CloseCode:
    """Let a screen watch; a key that counts for nothing is told like a sign-in that is over."""
    auction = Auction.objects.filter(pk=auction_id).first()
    board = None if auction is None else pass_of(auction, key)
    if board is None:
        return CloseCode.SIGNED_OUT
    info = room_info(auction_id)
    return CloseCode.NOT_FOUND if info is None else Admission(Visitor(board=board), info)


_admit_board = in_thread(_let_in_board)


def holder(auction_id: int, registration_id: int) -> int | None:
    """Return whose account a registration is; None for one without an account."""
    registration = Registration.objects.filter(pk=registration_id, auction=auction_id)
    return registration.values_list("user", flat=True).first()


def as_now(auction_id: int, user_id: int) -> Visitor | None:
    """Return what somebody is in a room now; None where it does not exist for them any more."""
    auction, user = Auction.objects.filter(pk=auction_id).first(), User.objects.filter(pk=user_id).first()
    if auction is None or user is None or not can_view(user, auction):
        return None
    return _known(Visitor(user_id=user_id), user, auction)


def renewed(visitor: Visitor, fresh: Visitor) -> Visitor:
    """Return the visitor with what changed about their registration and their role."""
    return replace(
        visitor,
        author=fresh.author,
        role=fresh.role,
        registration_id=fresh.registration_id,
        paddle=fresh.paddle,
        status=fresh.status,
        barred=fresh.barred,
    )


def signed_out(visitors: Collection[Visitor]) -> set[Visitor]:
    """Return those whose sign-in is over, or the pass that they watch by."""
    ended = ended_sign_ins({visitor.sign_in for visitor in visitors if visitor.sign_in is not None})
    boards = {visitor.board for visitor in visitors if visitor.board is not None}
    stale = boards - standing_passes(boards)
    return {visitor for visitor in visitors if visitor.sign_in in ended or visitor.board in stale}


def changed_people(visitors: Mapping[int, Collection[Visitor]]) -> set[tuple[int, int | None]]:
    """Return who, as auction and account, is not what these visitors of each auction are known as.

    None instead of an account are those who are not signed in, where they may not be there any more.
    """
    changed: set[tuple[int, int | None]] = set()
    auctions = Auction.objects.in_bulk(list(visitors))
    for auction_id, seated in visitors.items():
        if (auction := auctions.get(auction_id)) is None:
            continue
        registrations: dict[int | None, tuple[int, str]] = {}
        rights: dict[int, RoomRights] = {}
        for ids in in_portions({visitor.user_id for visitor in seated if visitor.user_id is not None}):
            found = Registration.objects.filter(auction=auction, user__in=ids).values_list("user", "pk", "status")
            registrations |= {user_id: (pk, status) for user_id, pk, status in found}
            rights |= room_rights(auction, ids)
        for visitor in seated:
            if visitor.user_id is None:
                is_same = can_view(AnonymousUser(), auction)
            else:
                now = registrations.get(visitor.user_id, (None, None)), rights[visitor.user_id]
                known_as = RoomRights(sees=True, role=visitor.role, barred=visitor.barred)
                is_same = now == ((visitor.registration_id, visitor.status), known_as)
            if not is_same:
                changed.add((auction_id, visitor.user_id))
    return changed


def resting(auction_id: int) -> Resting | None:
    """Return an auction's status and last stored version; None where it is gone."""
    auction = Auction.objects.filter(pk=auction_id).first()
    if auction is None:
        return None
    position = LedgerPosition.objects.filter(auction=auction).first()
    return Resting(auction.status, position.v if position else 0, position.epoch if position else "")


def cookie(headers: Collection[tuple[bytes, bytes]], name: str) -> str | None:
    """Return the value of a cookie in ASGI headers."""
    for header, value in headers:
        if header == b"cookie":
            found: str | None = parse_cookie(value.decode("latin-1")).get(name)
            # A quoted cookie may hold a zero byte, which PostgreSQL does not let one look for.
            if found and "\0" not in found:
                return found
    return None


def _header(headers: Collection[tuple[bytes, bytes]], name: bytes) -> str | None:
    """Return a header of ASGI; more than one of it as Django joins them."""
    values = [value.decode("latin-1") for header, value in headers if header == name]
    return ",".join(values) if values else None


def client_address(scope: dict[str, Any]) -> str | None:
    """Return the address a socket comes from, behind as many proxies as are ours; None where it has none."""
    if settings.TRUSTED_PROXIES:
        forwarded = [
            address.strip()
            for header, value in scope["headers"]
            if header == b"x-forwarded-for"
            for address in value.decode("latin-1").split(",")
        ]
        if len(forwarded) >= settings.TRUSTED_PROXIES:
            nearest: str = forwarded[-settings.TRUSTED_PROXIES]
            return nearest
    client: tuple[str, int] | None = scope.get("client")
    return client[0] if client else None


def _user(headers: Collection[tuple[bytes, bytes]]) -> tuple[User | AnonymousUser, SignIn | None]:
    key = cookie(headers, settings.SESSION_COOKIE_NAME)
    if not key:
        return AnonymousUser(), None
    session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    # Django's own check of backend and password hash; it looks at nothing but the session.
    user = get_user(cast("Any", SimpleNamespace(session=session)))
    return user, sign_in_of(user, session_key=session.session_key) if isinstance(user, User) else None


def _known(visitor: Visitor, user: User, auction: Auction) -> Visitor:
    registration = Registration.objects.filter(auction=auction, user=user).first()
    rights = room_rights(auction, [user.pk])[user.pk]
    return replace(
        visitor,
        author=_author(user, registration, rights.role),
        role=rights.role,
        registration_id=registration.pk if registration else None,
        paddle=registration.paddle if registration else None,
        status=registration.status if registration else None,
        barred=rights.barred,
    )


def _author(user: User, registration: Registration | None, role: str | None) -> str:
    """Return how chat names somebody; never the e-mail, and nobody may pass for the host or another paddle."""
    if role is not None:
        return role.capitalize()
    chosen = cleaned(registration.alias if registration else user.display_name)
    if chosen and not "".join(folded(chosen)).startswith(_OFFICIAL):
        return chosen
    return f"Paddle {registration.paddle}" if registration else "Guest"
