"""What follows a closing: the provisional sale, its finality, and the order that it becomes part of.

Called inside the ledger's transaction, so a result and its consequences are stored together or not at all.
"""

from django.db import transaction
from django.utils.translation import gettext as _

from auctions.models import LotRun, Order, OrderLine, OrderLineKind, OrderStatus, Registration, Sale, SaleStatus
from auctions.pricing import price_of


def sale_record(*, run: LotRun, buyer: Registration, hammer: int, closing_number: int) -> Sale:
    """Store the provisional sale of a closing, with premium and tax as they are now. Harmless when repeated."""
    price = price_of(run.lot, hammer)
    sale, _created = Sale.objects.get_or_create(
        run=run,
        closing_number=closing_number,
        buyer=buyer,
        defaults={
            "hammer_amount": price.hammer,
            "premium_amount": price.premium,
            "tax_amount": price.tax,
            "tax_snapshot": dict(price.tax_snapshot),
        },
    )
    return sale


def sale_finalize(*, sale: Sale) -> Order | None:
    """Make a provisional sale final and add it to its buyer's order of this auction; None where it was done."""
    with transaction.atomic():
        changed = Sale.objects.filter(pk=sale.pk, status=SaleStatus.PROVISIONAL).update(status=SaleStatus.FINAL)
        if not changed:
            return None
        auction = sale.run.auction
        order, _created = Order.objects.get_or_create(
            auction=auction,
            buyer=sale.buyer,
            status=OrderStatus.AWAITING_PAYMENT,
            defaults={"delivery_address": sale.buyer.user.delivery_address if sale.buyer.user else ""},
        )
        lot = sale.run.lot
        title = _("Lot %(number)s, %(title)s") % {"number": lot.number, "title": lot.title}
        lines = [
            OrderLine(order=order, sale=sale, kind=OrderLineKind.HAMMER, description=title, amount=sale.hammer_amount)
        ]
        if sale.premium_amount:
            lines.append(
                OrderLine(
                    order=order,
                    sale=sale,
                    kind=OrderLineKind.PREMIUM,
                    description=_("Buyer's premium"),
                    amount=sale.premium_amount,
                )
            )
        if sale.tax_amount:
            name = sale.tax_snapshot.get("name") or _("Tax")
            lines.append(
                OrderLine(order=order, sale=sale, kind=OrderLineKind.TAX, description=name, amount=sale.tax_amount)
            )
        OrderLine.objects.bulk_create(lines)
        order_deliver(order=order)
    return order


def order_deliver(*, order: Order) -> None:
    """Compute the one delivery line of an order anew: the dearest first item, then the further ones."""
    profiles = [
        sale.run.lot.shipping
        for sale in Sale.objects.filter(
            order_lines__order=order, order_lines__kind=OrderLineKind.HAMMER, order_lines__cancelled_at=None
        )
        .select_related("run__lot__shipping")
        .order_by("pk")
        if sale.run.lot.shipping is not None and not sale.run.lot.shipping.pick_up_only
    ]
    alone = sum(profile.first_item for profile in profiles if profile.ships_alone)
    together = sorted((p for p in profiles if not p.ships_alone), key=lambda p: p.first_item, reverse=True)
    amount = alone + (together[0].first_item + sum(p.each_further for p in together[1:]) if together else 0)
    line = order.lines.filter(kind=OrderLineKind.DELIVERY, cancelled_at=None).first()
    if line is None and amount:
        OrderLine.objects.create(order=order, kind=OrderLineKind.DELIVERY, description=_("Delivery"), amount=amount)
    elif line is not None and line.amount != amount:
        line.amount = amount
        line.save(update_fields=["amount"])
