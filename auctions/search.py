"""Search over auctions, lots and houses, and the catalogue by category: reads of what lists show to somebody.

A word finds every word that begins with it, whatever its case and accents, and all words must be found: in a lot's own
text or in the name of its house. PostgreSQL answers from an index of full text, SQLite reads through the rows; both
fold text alike (`search_fold`), so they find the same in the same order. Changes nothing.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import reduce
from operator import add
from typing import Any, Final, TypeVar

from django.contrib.postgres.search import SearchQuery, SearchVectorExact, SearchVectorField
from django.db import connection
from django.db.models import Case, Count, F, Func, Model, Q, QuerySet, TextField, Value, When
from django.db.models.lookups import Contains

from accounts.models import Organizer, User
from auctions.models import Auction, AuctionStatus, Category, Lot, LotStatus
from auctions.permissions import AnyUser, viewable_auctions, visible_auctions, visible_organizers
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
    # A letter may stand for many, and PostgreSQL refuses a word of kilobytes.
    return [word[:LONGEST] for word in search_fold(text[:LONGEST].replace("\0", " ")).split()[:_MOST_WORDS]]


def lots_found(user: AnyUser, *, text: str = "", category: Category | None = None, shows: str = "") -> QuerySet[Lot]:
    """Return the lots of listed shows: of live ones first, then of those to come, then of those that are over.

    Among these, whose title has more of the words comes first; then the next show, or the one that ended last.
    """
    lots = Lot.objects.filter(auction__in=_listed(user, shows)).exclude(status=LotStatus.WITHDRAWN)
    if category is not None:
        lots = lots.filter(category=category)
    words = words_of(text)
    named = _named(words)
    for word in words:
        of_house = Q(auction__organizer__in=[pk for pk, name in named if f" {word}" in name])
        lots = lots.filter(_has(word, "title", "condition", "description") | of_house)
    return (
        lots.select_related("auction__organizer", "category")
        .prefetch_related("images")
        .order_by(*_ranked(words, "auction__"), "auction", "position", "pk")
    )


def auctions_found(user: AnyUser, *, text: str = "", shows: str = "") -> QuerySet[Auction]:
    """Return listed shows with their first lots, in the order of `lots_found`."""
    words = words_of(text)
    found = _with_all(_listed(user, shows), words, "title", "organizer__name", "description")
    return with_previews(found).order_by(*_ranked(words), "pk")


def organizers_found(user: AnyUser, text: str) -> QuerySet[Organizer]:
    """Return the houses of that name that exist for this person."""
    words = words_of(text)
    if not words:
        return Organizer.objects.none()
    return _with_all(visible_organizers(user), words, "name").order_by("name")


def categories(user: AnyUser) -> QuerySet[Category]:
    """Return the categories in which this person finds lots, with their number."""
    lots = Q(lots__auction__in=_listed(user, "")) & ~Q(lots__status=LotStatus.WITHDRAWN)
    return Category.objects.annotate(lot_count=Count("lots", filter=lots)).filter(lot_count__gt=0).order_by("name")


def shows_of(user: AnyUser, organizer: Organizer) -> QuerySet[Auction]:
    """Return the listed shows of a house with their first lots, in the order of `lots_found`."""
    return with_previews(_listed(user, "").filter(organizer=organizer)).order_by(*_ranked(()), "pk")


def lots_watched(user: User) -> QuerySet[Lot]:
    """Return what somebody watches in shows that exist for them, in the order of `lots_found`."""
    lots = Lot.objects.filter(watches__user=user, auction__in=viewable_auctions(user))
    return (
        lots.select_related("auction").prefetch_related("images").order_by(*_ranked((), "auction__"), "position", "pk")
    )


def _listed(user: AnyUser, shows: str) -> QuerySet[Auction]:
    return visible_auctions(user).filter(status__in=_LISTED[shows])


def _named(words: list[str]) -> list[tuple[int, str]]:
    """Return the houses that have one of the words in their name, and the name as it is searched."""
    any_word = Q(pk__in=())
    for word in words:
        any_word |= _has(word, "name")
    return [(pk, search_fold(name)) for pk, name in Organizer.objects.filter(any_word).values_list("pk", "name")]


def _with_all(rows: QuerySet[_Row, _Row], words: list[str], *names: str) -> QuerySet[_Row, _Row]:
    for word in words:
        rows = rows.filter(_has(word, *names))
    return rows


def _has(word: str, *names: str) -> Q:
    """Return the condition that columns have a word that begins so."""
    text = _folded(*names)
    if connection.vendor == "postgresql":
        return Q(SearchVectorExact(_Vector(text), SearchQuery(f"'{word}':*", search_type="raw", config="simple")))
    return Q(Contains(text, f" {word}"))


def _ranked(words: Iterable[str], path: str = "") -> tuple[Any, ...]:
    """Return by what is sorted; `path` leads to the auction. What is ranked itself has a title."""
    status = f"{path}status"
    group = Case(*(When(**{status: known}, then=place) for place, known in enumerate(_LISTED[""])), default=9)
    in_title = [Case(When(_has(word, "title"), then=Value(1)), default=Value(0)) for word in words]
    start = Case(When(**{status: AuctionStatus.SCHEDULED}, then=F(f"{path}starts_at")))
    return (
        group,
        # To PostgreSQL a bare number means a column.
        *([reduce(add, in_title).desc()] if in_title else []),
        start.asc(nulls_last=True),
        F(f"{path}ended_at").desc(nulls_last=True),
    )


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
