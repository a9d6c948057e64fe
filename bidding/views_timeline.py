"""The timeline of one lot, to settle a dispute: as a page that prints, and as a file.

For site administrators and the people of the house who may see who is behind a paddle; others get 404.
"""

import csv

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from auctions.models import Lot
from auctions.permissions import can_see_private, is_administrator, viewable_auctions
from auctions.presenting import MoneyStyle, inert_cell
from bidding.timeline import GROUPS, Group, timeline_of, timeline_rows

LINES_A_PAGE = 200


@login_required
@never_cache
@require_safe
def timeline(request: HttpRequest, lot_id: int) -> HttpResponse:
    """Show all that happened to a lot, or one kind of it."""
    lot, group = _asked(request, lot_id)
    sees_all = is_administrator(request.user)
    lines = timeline_of(lot, sees_all=sees_all, group=group)
    context = {
        "lot": lot,
        "auction": lot.auction,
        "style": MoneyStyle(lot.auction.currency),
        "group": group,
        "groups": GROUPS.items(),
        "sees_all": sees_all,
        # On paper it is whole.
        "lines": Paginator(lines, max(len(lines), 1) if "whole" in request.GET else LINES_A_PAGE).get_page(
            request.GET.get("page")
        ),
    }
    return render(request, "bidding/timeline.html", context)


@login_required
@never_cache
@require_safe
def timeline_file(request: HttpRequest, lot_id: int) -> HttpResponse:
    """Give the timeline as CSV."""
    lot, group = _asked(request, lot_id)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="lot-{lot.pk}-timeline.csv"'
    lines = timeline_of(lot, sees_all=is_administrator(request.user), group=group)
    writer = csv.writer(response)
    writer.writerows([[inert_cell(cell) for cell in row] for row in timeline_rows(lot, lines)])
    return response


def _asked(request: HttpRequest, lot_id: int) -> tuple[Lot, Group | None]:
    visible = viewable_auctions(request.user)
    lot = Lot.objects.select_related("auction__organizer").filter(pk=lot_id, auction__in=visible).first()
    if lot is None or not can_see_private(request.user, lot.auction):
        raise Http404
    asked = request.GET.get("kind", "")
    return lot, Group(asked) if asked in set(Group) else None
