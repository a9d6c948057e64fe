"""An invoice as a PDF file, drawn from its snapshot: the same figures and words as its page.

Noto Sans covers Latin, Greek, Cyrillic and Devanagari, Noto Sans Arabic the Arabic script; `INVOICE_FONTS` adds
TrueType files for others. Writes nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Final

import fontpkg_noto_sans
import fontpkg_noto_sans_arabic
from django.conf import settings
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _
from fpdf import FPDF
from fpdf.enums import TextMode, XPos, YPos
from fpdf.fonts import FontFace

from auctions.presenting import date_text, money_text, percent_text
from bidding.pages_orders import InvoicePage

_INK: Final = (16, 32, 26)
INK_2: Final = (71, 87, 79)
LINE: Final = (201, 211, 204)
_TEXT_PT: Final = 9.5
SMALL_PT: Final = 8.5
WIDTH: Final = 174
"""Between the margins of an A4 page, in millimetres."""


class Sheet(FPDF):
    """An A4 page with the house's foot on it."""

    def __init__(self, foot: str) -> None:
        super().__init__(format="A4")
        self._foot = foot
        self.set_margins(18, 18)
        self.set_auto_page_break(auto=True, margin=22)
        self.add_font("text", fname=_file(fontpkg_noto_sans.ROOT))
        self.add_font("arabic", fname=_file(fontpkg_noto_sans_arabic.ROOT))
        further = [f"further{number}" for number, _path in enumerate(settings.INVOICE_FONTS)]
        for name, path in zip(further, settings.INVOICE_FONTS, strict=True):
            self.add_font(name, fname=path)
        self.set_fallback_fonts(["arabic", *further], exact_match=False)
        self.set_text_shaping(True)
        self.set_font("text", size=_TEXT_PT)
        self.set_text_color(*_INK)
        self.set_draw_color(*_INK)

    def footer(self) -> None:
        """Write whose paper it is, and which page."""
        self.set_y(-15)
        with self.quietly():
            self.cell(WIDTH - 20, 5, self._foot)
            self.cell(20, 5, f"{self.page_no()} / {{nb}}", align="R")

    def say(self, text: str, *, width: float = 0, line: float = 4.8) -> None:
        """Write a paragraph at the left edge, or where one is within a line of columns."""
        self.multi_cell(width, line, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Write small, in the second ink."""
        with self.local_context(text_color=INK_2, font_size_pt=SMALL_PT):
            yield

    @contextmanager
    def strongly(self, size: float = _TEXT_PT) -> Iterator[None]:
        """Write with a heavier stroke: cutting a bold out of the variable font would take seconds."""
        with self.local_context(
            text_mode=TextMode.FILL_STROKE, line_width=size / 160, draw_color=_INK, font_size_pt=size
        ):
            yield


def invoice_file(page: InvoicePage) -> bytes:
    """Return an invoice or a credit note as the bytes of a PDF file, in the language of who asks."""
    paper = page.paper
    title = _title(page)
    sheet = Sheet(f"{paper.seller.name} · {title}")
    sheet.set_title(title)
    sheet.set_author(paper.seller.name)
    sheet.set_lang(get_language() or "en")
    sheet.set_creation_date(page.invoice.created_at)
    sheet.add_page()
    with sheet.strongly(20):
        sheet.say(title, line=10)
    if page.is_credit and page.invoice.credits is not None:
        sheet.say(_("It takes invoice %(number)s back.") % {"number": page.invoice.credits.number})
    sheet.ln(5)
    _parties(sheet, page)
    _facts(sheet, page)
    _lots(sheet, page)
    _taxes(sheet, page)
    if paper.payment and not page.is_credit:
        _heading(sheet, _("How to pay"))
        sheet.say(paper.payment)
    return bytes(sheet.output())


def _title(page: InvoicePage) -> str:
    words = _("Credit note %(number)s") if page.is_credit else _("Invoice %(number)s")
    return words % {"number": page.invoice.number}


def _parties(sheet: Sheet, page: InvoicePage) -> None:
    paper, top, lowest, column = page.paper, sheet.get_y(), 0.0, WIDTH / 2
    columns = ((_("From"), paper.seller.name, paper.seller), (_("To"), page.buyer_name, paper.buyer))
    for place, (words, name, party) in enumerate(columns):
        left = sheet.l_margin + place * column
        lines = [party.address]
        if party.tax_id:
            lines.append(_("Tax id %(id)s") % {"id": party.tax_id})
        sheet.set_xy(left, top)
        with sheet.quietly():
            sheet.multi_cell(column - 6, 4.8, words, new_x=XPos.LEFT, new_y=YPos.NEXT)
        with sheet.strongly():
            sheet.multi_cell(column - 6, 4.8, name, new_x=XPos.LEFT, new_y=YPos.NEXT, align="L")
        sheet.multi_cell(column - 6, 4.8, "\n".join(filter(None, lines)), new_x=XPos.LEFT, new_y=YPos.NEXT, align="L")
        lowest = max(lowest, sheet.get_y())
    sheet.set_y(lowest + 6)


def _facts(sheet: Sheet, page: InvoicePage) -> None:
    paper = page.paper
    facts = [
        (_("Issued"), _day(paper.issued_on)),
        (pgettext("an auction", "Show"), paper.auction),
        (_("Order"), f"{paper.order} · " + _("Paddle %(paddle)s") % {"paddle": paper.paddle}),
        (_("Delivery"), _("Picked up") if paper.pick_up else _("Parcel")),
    ]
    if paper.due_on and not page.is_credit:
        facts.insert(1, (_("Pay by"), _day(paper.due_on)))
    for words, value in facts:
        with sheet.quietly():
            sheet.cell(32, 5.2, words)
        sheet.multi_cell(WIDTH - 32, 5.2, value, new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")
    sheet.ln(6)


def _lots(sheet: Sheet, page: InvoicePage) -> None:
    bill, heading = page.paper.bill, FontFace(color=INK_2, size_pt=SMALL_PT)
    sheet.set_draw_color(*LINE)
    with sheet.table(
        width=WIDTH,
        col_widths=(14, 60, 25, 25, 25, 25),
        text_align=("LEFT", "LEFT", "RIGHT", "RIGHT", "RIGHT", "RIGHT"),
        borders_layout="HORIZONTAL_LINES",
        headings_style=heading,
        line_height=5,
        padding=(1.2, 1, 1.2, 0),
    ) as table:
        table.row((_("Lot"), _("What"), _("Hammer price"), _("Premium"), _("Tax"), _("Together")))
        for lot in bill.lots:
            amounts = (lot.hammer, lot.premium, lot.tax, lot.total)
            table.row((lot.number, lot.title, *(_money(page, amount) for amount in amounts)))
        for extra in bill.extras:
            row = table.row()
            row.cell(extra.words, colspan=5)
            row.cell(_money(page, extra.amount))
    sheet.ln(2)
    with sheet.strongly(13):
        sheet.cell(WIDTH / 2, 9, _("Credited") if page.is_credit else _("Total"))
        sheet.cell(WIDTH / 2, 9, _money(page, bill.total), align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _taxes(sheet: Sheet, page: InvoicePage) -> None:
    bill = page.paper.bill
    _heading(sheet, _("Tax in it"))
    if not bill.taxes:
        sheet.say(_("No tax is shown."))
        return
    rows = [(tax.name, percent_text(tax.rate_bp), tax.taxable, tax.tax) for tax in bill.taxes]
    if bill.untaxed:
        rows.append((_("Without tax"), "", bill.untaxed, 0))
    with sheet.table(
        width=WIDTH,
        col_widths=(84, 30, 30, 30),
        text_align=("LEFT", "RIGHT", "RIGHT", "RIGHT"),
        borders_layout="HORIZONTAL_LINES",
        headings_style=FontFace(color=INK_2, size_pt=SMALL_PT),
        line_height=5,
        padding=(1.2, 1, 1.2, 0),
    ) as table:
        table.row((_("Tax"), _("Rate"), _("On"), _("Tax")))
        for name, rate, taxable, tax in rows:
            table.row((name, rate, _money(page, taxable), _money(page, tax)))


def _heading(sheet: Sheet, words: str) -> None:
    sheet.ln(6)
    with sheet.strongly(11):
        sheet.say(words, line=6.5)


def _money(page: InvoicePage, amount: int) -> str:
    return ("\u2212" if page.is_credit and amount else "") + money_text(amount, page.style, full=True)


def _day(text: str) -> str:
    return date_text(date.fromisoformat(text), "j F Y")


def _file(package: Path) -> Path:
    """Return the upright font of a package."""
    return next(path for path in sorted((package / "files").glob("*.ttf")) if "Italic" not in path.name)
