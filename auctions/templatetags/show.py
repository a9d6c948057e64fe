"""Tags and filters of the pages: amounts, times in an auction's own zone, the optional font, form fields.

Formats and looks up; decides nothing and queries nothing.
"""

import zoneinfo
from datetime import date, datetime
from functools import cache
from typing import Any

from django import template
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from accounts.languages import script_words
from accounts.models import User
from auctions import presenting
from auctions.media import size_names
from auctions.models import Auction, Lot, LotImage
from auctions.money import Currency
from auctions.permissions import can_host

register = template.Library()

_PLAIN_WIDTH = 640
"""What is loaded by a browser that knows nothing of sizes."""
_FONT_STYLES = "archivo/standard.css"
_FONT_FILE = "archivo/files/archivo-latin-standard-normal.woff2"


def _style(value: presenting.MoneyStyle | Currency | Auction) -> presenting.MoneyStyle:
    if isinstance(value, presenting.MoneyStyle):
        return value
    return presenting.MoneyStyle(value.currency if isinstance(value, Auction) else value)


def _minor(amount: int | str | None, style: presenting.MoneyStyle) -> int | None:
    return presenting.wire_minor(amount, style.currency) if isinstance(amount, str) else amount


@register.simple_tag
def js_catalogue() -> SafeString:
    """Give the page's scripts their words where they are not the English ones of `strings.js`."""
    words = script_words(get_language() or settings.LANGUAGE_CODE)
    return json_script(words, "js-catalogue") if words else mark_safe("")


@register.filter
def money(amount: int | str | None, of: presenting.MoneyStyle | Currency | Auction) -> str:
    """Write minor units, or an amount of the wire, in an auction's currency; nothing for None."""
    style = _style(of)
    minor = _minor(amount, style)
    return "" if minor is None else presenting.money_text(minor, style)


@register.filter
def money_full(amount: int | str | None, of: presenting.MoneyStyle | Currency | Auction) -> str:
    """Write an amount with its cents, also when they are zero."""
    style = _style(of)
    minor = _minor(amount, style)
    return "" if minor is None else presenting.money_text(minor, style, full=True)


@register.filter
def typed(amount: int | str, auction: Auction) -> str:
    """Write minor units, or an amount of the wire, as a field takes them."""
    return presenting.field_text(amount, auction.currency)


@register.filter
def sign_follows(currency: Currency) -> bool:
    """Say whether the language at hand writes the sign behind the digits."""
    return presenting.money_pattern(currency).startswith("#")


@register.simple_tag
def figure(amount: int | str | None, of: presenting.MoneyStyle | Currency | Auction) -> SafeString:
    """Write an amount for large type: the sign is a span of its own, so that it can be smaller."""
    style = _style(of)
    minor = _minor(amount, style)
    if minor is None:
        return format_html("{}", "\u2013")
    before, digits, after = presenting.money_parts(minor, style)
    if before:
        return format_html('<span class="sign">{}</span>{}', before, digits)
    return format_html('{}<span class="sign">{}</span>', digits, after)


@register.filter
def figure_length(amount: int | str | None, of: presenting.MoneyStyle | Currency | Auction) -> int:
    """Return how many figures wide an amount is, for the size of large type."""
    style = _style(of)
    minor = _minor(amount, style)
    if minor is None:
        return 2
    before, digits, after = presenting.money_parts(minor, style)
    return min(16, max(2, len(digits) + (len(before + after) + 1) // 2))


@register.filter
def in_zone(moment: datetime | None, auction: Auction) -> datetime | None:
    """Move a moment into the auction's time zone."""
    return None if moment is None else timezone.localtime(moment, zoneinfo.ZoneInfo(auction.time_zone))


@register.simple_tag
def show_time(moment: datetime | None, auction: Auction, pattern: str = "D j M, H:i") -> SafeString | str:
    """Write a moment in the auction's own zone, with the zone's name, as a `time` element."""
    local = in_zone(moment, auction)
    if local is None:
        return ""
    text = presenting.moment_text(local, auction, pattern)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), text)


@register.filter
def until_text(moment: datetime | None) -> str:
    """Say how long it is until a moment, in two units; nothing when it has passed."""
    seconds = round((moment - timezone.now()).total_seconds()) if moment else 0
    return presenting.span_text(seconds if seconds < 60 else seconds - seconds % 60) if seconds > 0 else ""


@register.filter
def epoch_ms(moment: datetime | None) -> int | str:
    """Return a moment in milliseconds since the epoch."""
    return "" if moment is None else round(moment.timestamp() * 1000)


@register.filter
def clock_time(at_ms: int, auction: Auction) -> str:
    """Write the time of day of a moment on Redis' clock, in the auction's own zone."""
    zone = zoneinfo.ZoneInfo(auction.time_zone)
    return datetime.fromtimestamp(at_ms / 1_000, zone).strftime("%H:%M:%S")


@register.filter
def minute_of_day(moment: datetime) -> str:
    """Write the time of day of a moment, as it is."""
    return f"{moment:%H:%M}"


@register.filter
def exact(moment: datetime) -> str:
    """Write the time of day of a moment to the millisecond, as it is."""
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1_000:03d}"


@register.filter
def span(seconds: int) -> str:
    """Write a span of time in its two largest units."""
    return presenting.span_text(seconds)


@register.filter
def unlocalized(number: float) -> str:
    """Write a number as SVG reads it, in any language."""
    return f"{number:g}"


@register.filter
def left_at(end_ms: int, now_ms: int) -> str:
    """Write what is left between two moments on Redis' clock, as the room's countdown does."""
    return presenting.left_text(end_ms - now_ms)


@register.filter
def may_host(user: User | AnonymousUser) -> bool:
    """Say whether to show this person the way to the host's pages."""
    return can_host(user)


@register.filter
def percent(basis_points: int) -> str:
    """Write basis points as a percentage, like 12.5 %."""
    return presenting.percent_text(basis_points)


@register.simple_tag
def paper_money(amount: int, page: Any) -> str:
    """Write an amount of an invoice with its cents; what a credit note takes back has a minus."""
    sign = "\u2212" if page.is_credit and amount else ""
    return sign + presenting.money_text(amount, page.style, full=True)


@register.filter
def plain_day(text: str) -> str:
    """Write a day that is kept as 2026-11-25."""
    return presenting.date_text(date.fromisoformat(text), "j F Y")


@register.filter
def dated(moment: datetime, pattern: str) -> str:
    """Write a moment by one of the patterns of `presenting`."""
    return presenting.date_text(moment, pattern)


@register.filter
def first_picture(lot: Lot | None) -> LotImage | None:
    """Return the picture that stands for a lot from what was prefetched, or None."""
    pictures = list(lot.images.all()) if lot else []
    return pictures[0] if pictures else None


@register.inclusion_tag("parts/picture.html")
def picture(image: LotImage, sizes: str, alt: str = "", eager: bool = False) -> dict[str, Any]:
    """Show a picture in the size that fits: `sizes` says how wide it is shown, as the attribute of that name.

    What is seen without scrolling is `eager`. Until its sizes are made, the stored picture itself is shown.
    """
    urls: dict[str, list[tuple[str, int]]] = {"avif": [], "jpg": []}
    for width, extension, name in size_names(str(image.file.name), image.widths):
        urls[extension].append((image.file.storage.url(name), width))
    plain = [url for url, width in urls["jpg"] if width <= _PLAIN_WIDTH] or [url for url, _width in urls["jpg"]]
    return {
        "image": image,
        "sizes": sizes,
        "alt": alt,
        "eager": eager,
        "src": plain[-1] if plain else image.file.url,
        **{extension: ", ".join(f"{url} {width}w" for url, width in found) for extension, found in urls.items()},
    }


@cache
def _has_font() -> bool:
    return finders.find(_FONT_STYLES) is not None and finders.find(_FONT_FILE) is not None


@register.simple_tag
def has_archivo() -> bool:
    """Say whether the pages are set in Archivo, whose condensed figures are narrower."""
    return _has_font()


@register.inclusion_tag("parts/font.html")
def archivo() -> dict[str, str]:
    """Link Archivo where its npm package was put into the static files; the layout holds without it."""
    return {"styles": static(_FONT_STYLES), "file": static(_FONT_FILE)} if _has_font() else {}
