"""Tags of the buttons by which somebody watches a lot, follows a house, or is reminded of a show.

What this person has is read once a page, whatever the number of buttons.
"""

from typing import Any

from django import template
from django.template import Context

from accounts.models import Follow, Organizer, User
from auctions.models import Auction, Lot, LotWatch, Reminder

register = template.Library()


@register.simple_tag(takes_context=True)
def watched(context: Context, lot: Lot) -> bool:
    """Say whether the person who looks watches a lot."""
    return lot.pk in _own(context, LotWatch, "lot")


@register.simple_tag(takes_context=True)
def reminded(context: Context, auction: Auction) -> bool:
    """Say whether the person who looks will be reminded of a show."""
    return auction.pk in _own(context, Reminder, "auction")


@register.simple_tag(takes_context=True)
def followed(context: Context, organizer: Organizer) -> bool:
    """Say whether the person who looks follows a house."""
    return organizer.pk in _own(context, Follow, "organizer")


def _own(context: Context, model: Any, name: str) -> set[int]:
    request = context.get("request")
    user = getattr(request, "user", None)
    if request is None or not isinstance(user, User):
        return set()
    known: dict[str, set[int]] = request.__dict__.setdefault("_following", {})
    if name not in known:
        known[name] = set(model._default_manager.filter(user=user).values_list(name, flat=True))
    return known[name]
