"""What follows a closing: the provisional sale, its finality, and the order that it becomes part of.

Closings are carried over inside the ledger's transaction, so a result and its consequences are stored together or not
at all. How the order is delivered is the buyer's to choose.
"""

from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from auctions.billing import MOST_INVOICES, invoice_issue
from auctions.errors import Refused
from auctions.models import (
    Lot,
    LotRun,
    Order,
    OrderLine,
    OrderLineKind,
    OrderStatus,
    Registration,
    Sale,
    SaleStatus,
    ShippingProfile,
)
from auctions.people import address_clean
from auctions.pricing import price_of

CHANGEABLE: Final = (OrderStatus.AWAITING_PAYMENT, OrderStatus.PAID)
"""While it is not on its way, the buyer may say where an order goes."""


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
        # Held, so that nobody calls it paid while it gets a further lot.
        order, _created = Order.objects.select_for_update(of=("self",)).get_or_create(
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
    """Compute the one delivery line of an order anew: the dearest first item, then the further ones.

    Who picks everything up pays for none.
    """
    profiles = [] if order.pick_up else _parcels(order)
    alone = sum(profile.first_item for profile in profiles if profile.ships_alone)
    together = sorted((p for p in profiles if not p.ships_alone), key=lambda p: p.first_item, reverse=True)
    amount = alone + (together[0].first_item + sum(p.each_further for p in together[1:]) if together else 0)
    line = order.lines.filter(kind=OrderLineKind.DELIVERY, cancelled_at=None).first()
    if line is None and amount:
        OrderLine.objects.create(order=order, kind=OrderLineKind.DELIVERY, description=_("Delivery"), amount=amount)
    elif line is not None and line.amount != amount:
        line.amount = amount
        line.save(update_fields=["amount"])


def order_set_delivery(*, order: Order, actor: User, pick_up: bool, address: str = "") -> Order:
    """Let the buyer say how an order reaches them, and invoice it anew where that changes the bill.

    What is paid stays as it was billed: then only the address may change.
    """
    address = address_clean(address)
    with transaction.atomic():
        order = Order.objects.select_for_update().get(pk=order.pk)
        if order.buyer.user_id != actor.pk:
            raise Refused("not_yours", _("Only the buyer chooses the delivery."))
        if order.status not in CHANGEABLE:
            raise Refused("too_late", _("This order cannot be changed any more. Please write to the house."))
        paid = order.status == OrderStatus.PAID
        if paid and pick_up != order.pick_up:
            raise Refused("paid", _("It is paid as it is. Please write to the house to change the delivery."))
        if not pick_up and not order_ships(order):
            raise Refused(
                "pick_up_only", _("These lots are picked up; the house sends none of them."), field="delivery"
            )
        if not pick_up and not address:
            raise Refused("address_missing", _("Say where the parcel goes."), field="delivery_address")
        order.pick_up = pick_up
        order.delivery_address = address or order.delivery_address
        order.save(update_fields=["pick_up", "delivery_address", "updated_at"])
        order_deliver(order=order)
        if not paid and order.invoices.exists():
            invoice_issue(order=order, most=MOST_INVOICES)
    return order


def order_ships(order: Order) -> bool:
    """Say whether a parcel is possible: not every lot of the order is for pick-up only."""
    return any(lot.shipping is None or not lot.shipping.pick_up_only for lot in _lots(order))


def _parcels(order: Order) -> list[ShippingProfile]:
    return [lot.shipping for lot in _lots(order) if lot.shipping is not None and not lot.shipping.pick_up_only]


def _lots(order: Order) -> list[Lot]:
    lines = order.lines.filter(kind=OrderLineKind.HAMMER, cancelled_at=None).order_by("sale")
    return [line.sale.run.lot for line in lines.select_related("sale__run__lot__shipping") if line.sale is not None]
