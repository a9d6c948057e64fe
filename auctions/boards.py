"""The pass of a board: a screen in a hall, or OBS, watches one auction by it without signing in.

Its key stands in the board's address. It is made of a random nonce and the site's secret, so that the database alone
gives none away and the host can be shown it again; another nonce ends it, and so does another `SECRET_KEY`.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass

from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from accounts.models import User
from auctions.audit import audited
from auctions.errors import Refused
from auctions.models import Auction
from auctions.permissions import can_manage


@dataclass(frozen=True, slots=True)
class BoardPass:
    """The right to watch one auction, for as long as its nonce stands."""

    auction_id: int
    nonce: str


def board_key(auction: Auction) -> str | None:
    """Return the key that opens an auction's board now, or None where there is none."""
    if not auction.board_nonce:
        return None
    made = salted_hmac("auctions.board", f"{auction.pk}:{auction.board_nonce}", algorithm="sha256")
    return made.hexdigest()


def pass_of(auction: Auction, key: str) -> BoardPass | None:
    """Return what a key gives the right to, or None where it is not the auction's."""
    expected = board_key(auction)
    if expected is None or auction.archived_at is not None or not constant_time_compare(key, expected):
        return None
    return BoardPass(auction.pk, auction.board_nonce)


def auction_by_board_key(slug: str, key: str) -> Auction | None:
    """Return an auction for whoever has the key of its board, or None."""
    auction = Auction.objects.select_related("organizer").filter(slug=slug).first()
    return auction if auction is not None and pass_of(auction, key) is not None else None


def standing_passes(passes: Collection[BoardPass]) -> set[BoardPass]:
    """Return those passes that still count."""
    auctions = Auction.objects.filter(pk__in={each.auction_id for each in passes}, archived_at=None)
    nonces = dict(auctions.values_list("pk", "board_nonce"))
    return {each for each in passes if nonces.get(each.auction_id) == each.nonce}


@audited
def board_key_renew(*, auction: Auction, actor: User) -> None:
    """Give an auction's board a new key; whoever watches by the one before is let go. Raises Refused."""
    _set_nonce(auction, actor, secrets.token_urlsafe(32))


@audited
def board_key_end(*, auction: Auction, actor: User) -> None:
    """Take the key of an auction's board back. Raises Refused."""
    _set_nonce(auction, actor, "")


def _set_nonce(auction: Auction, actor: User, nonce: str) -> None:
    if not can_manage(actor, auction):
        raise Refused("forbidden", _("You may not change this auction."))
    auction.board_nonce = nonce
    auction.save(update_fields=["board_nonce"])
