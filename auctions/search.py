"""Search over auctions, lots and houses, and the catalogue by category: reads of what lists show to somebody.

A word finds every word that begins with it, whatever its case and accents, and all words must be found. PostgreSQL
answers from an index of full text, SQLite reads through the rows; both fold text alike (`search_fold`), so they find
the same. Changes nothing.
"""

import re
import unicodedata
from typing import Any, Final, TypeVar

from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db import connection
from django.db.models import Case, Count, F, Func, Model, Q, QuerySet, TextField, Value, When
from django.db.models.lookups import Contains

from accounts.models import Organizer
from auctions.models import Auction, AuctionStatus, Category, Lot, LotStatus
from auctions.permissions import AnyUser, visible_auctions, visible_organizers
from auctions.selectors import with_previews

LONGEST: Final = 80
_MOST_WORDS: Final = 8
_LISTED: Final = {
    "live": (AuctionStatus.LIVE,),
    "soon": (AuctionStatus.SCHEDULED,),
    "ended": (AuctionStatus.ENDED,),
    "": (AuctionStatus.LIVE, AuctionStatus.SCHEDULED, AuctionStatus.ENDED),
}
"""The shows that a list may be narrowed to; a cancelled one is in none."""
SHOWS: Final = tuple(_LISTED)

_Row = TypeVar("_Row", bound=Model)


def search_fold(text: str) -> str:
    """Return the words of a text in lower case and without accents, each with a space before it."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not "\u0300" <= char <= "\u036f")
    return "".join(f" {word}" for word in re.split(r"[\W_]+", bare.lower()) if word)


def words_of(text: str) -> list[str]:
    """Return what a person looks for, word by word."""
    return search_fold(text[:LONGEST].replace("\0", " ")).split()[:_MOST_WORDS]


def lots_found(user: AnyUser, *, text: str = "", category: Category | None = None, shows: str = "") -> QuerySet[Lot]:
    """Return the lots of listed shows: live ones first, then by start, then what is over, the latest first."""
    lots = Lot.objects.filter(auction__in=_listed(user, shows)).exclude(status=LotStatus.WITHDRAWN)
    if category is not None:
        lots = lots.filter(category=category)
    words = words_of(text)
    found = _matching(lots, words, "title", "condition", "description")
    return (
        found.annotate(in_title=_has(words, "title"))
        .select_related("auction__organizer", "category")
        .prefetch_related("images")
        .order_by(*_next_first("auction__"), "-in_title", "auction", "position", "pk")
    )


def auctions_found(user: AnyUser, *, text: str = "", shows: str = "") -> QuerySet[Auction]:
    """Return listed shows with their first lots, in the order of `lots_found`."""
    words = words_of(text)
    found = _matching(_listed(user, shows), words, "title", "organizer__name", "description")
    return with_previews(found).order_by(*_next_first(), "pk")


def organizers_found(user: AnyUser, text: str) -> QuerySet[Organizer]:
    """Return the houses of that name that exist for this person."""
    words = words_of(text)
    if not words:
        return Organizer.objects.none()
    return _matching(visible_organizers(user), words, "name").order_by("name")


def categories(user: AnyUser) -> QuerySet[Category]:
    """Return the categories in which this person finds lots, with their number."""
    lots = Q(lots__auction__in=_listed(user, "")) & ~Q(lots__status=LotStatus.WITHDRAWN)
    return Category.objects.annotate(lot_count=Count("lots", filter=lots)).filter(lot_count__gt=0).order_by("name")


def shows_of(user: AnyUser, organizer: Organizer) -> QuerySet[Auction]:
    """Return the listed shows of a house with their first lots, in the order of `lots_found`."""
    return with_previews(_listed(user, "").filter(organizer=organizer)).order_by(*_next_first(), "pk")


def _listed(user: AnyUser, shows: str) -> QuerySet[Auction]:
    return visible_auctions(user).filter(status__in=_LISTED[shows])


def _next_first(path: str = "") -> tuple[Any, ...]:
    status = f"{path}status"
    rank = Case(*(When(**{status: known}, then=place) for place, known in enumerate(_LISTED[""])), default=9)
    start = Case(When(**{status: AuctionStatus.SCHEDULED}, then=F(f"{path}starts_at")))
    return rank, start.asc(nulls_last=True), F(f"{path}ended_at").desc(nulls_last=True)


def _has(words: list[str], name: str) -> Case:
    """Return whether a column has all of the words, as a number to sort by."""
    condition = Q()
    for word in words:
        condition &= Q(Contains(_folded(name), f" {word}"))
    return Case(When(condition, then=Value(1)), default=Value(0)) if words else Case(default=Value(0))


def _matching(rows: QuerySet[_Row], words: list[str], *names: str) -> QuerySet[_Row]:
    if not words:
        return rows
    if connection.vendor == "postgresql":
        vector = _Vector(_folded(*names))
        query = SearchQuery(" & ".join(f"'{word}':*" for word in words), search_type="raw", config="simple")
        return rows.alias(found=vector).filter(found=query)
    folded = rows.alias(found=_folded(*names))
    for word in words:
        folded = folded.filter(found__contains=f" {word}")
    return folded


def _folded(*names: str) -> Func:
    text: Any = F(names[0])
    for name in names[1:]:
        text = _Joined(text, Value(" "), F(name))
    return Func(text, function="search_fold", output_field=TextField())


class _Joined(Func):
    """Text put together by `||`, written as the index has it."""

    template = "(%(expressions)s)"
    arg_joiner = " || "
    output_field = TextField()


class _Vector(Func):
    """The words of a folded text, as the index has them."""

    template = "to_tsvector('simple', %(expressions)s)"
    output_field = SearchVectorField()
