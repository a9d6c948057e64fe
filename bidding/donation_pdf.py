"""A donor's receipt as a PDF file: the same figures and words as its page. Writes nothing."""

from django.utils.translation import get_language
from django.utils.translation import gettext as _
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace

from auctions.presenting import moment_text, money_text
from bidding.invoice_pdf import INK_2, LINE, SMALL_PT, WIDTH, Sheet
from bidding.pages_donations import Donation


def donation_file(donation: Donation) -> bytes:
    """Return a donor's receipt as the bytes of a PDF file, in the language of who asks."""
    auction, house = donation.auction, donation.auction.organizer
    title = _("Donation receipt")
    sheet = Sheet(f"{house.name} · {title}")
    sheet.set_title(title)
    sheet.set_author(house.name)
    sheet.set_lang(get_language() or "en")
    sheet.add_page()
    with sheet.strongly(20):
        sheet.say(title, line=10)
    sheet.ln(5)
    for words, value in (
        (_("From"), "\n".join(filter(None, (house.name, house.address)))),
        (_("Tax id"), house.tax_id),
        (_("To"), donation.donor.name),
        (_("Show"), auction.title),
        (_("Sold on"), moment_text(auction.ended_at, auction, "j F Y") if auction.ended_at else ""),
    ):
        if value:
            with sheet.quietly():
                sheet.cell(32, 5.2, words)
            sheet.multi_cell(WIDTH - 32, 5.2, value, new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")
    sheet.ln(6)
    sheet.say(_("Thank you for what you gave. This is what it brought, and it is paid."))
    sheet.ln(4)
    sheet.set_draw_color(*LINE)
    with sheet.table(
        width=WIDTH,
        col_widths=(20, 114, 40),
        text_align=("LEFT", "LEFT", "RIGHT"),
        borders_layout="HORIZONTAL_LINES",
        headings_style=FontFace(color=INK_2, size_pt=SMALL_PT),
        line_height=5,
        padding=(1.2, 1, 1.2, 0),
    ) as table:
        table.row((_("Lot"), _("What"), _("Hammer price")))
        for lot in donation.given:
            table.row((lot.number, lot.title, money_text(lot.amount, donation.style, full=True)))
    sheet.ln(2)
    with sheet.strongly(13):
        sheet.cell(WIDTH / 2, 9, _("Total"))
        total = money_text(donation.total, donation.style, full=True)
        sheet.cell(WIDTH / 2, 9, total, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    return bytes(sheet.output())
