"""What is paid and to be handed over: parcels with their address, and what somebody picks up. Changes nothing."""

from dataclasses import dataclass

from auctions.models import Auction, Order, OrderLine, OrderLineKind, OrderStatus


@dataclass(frozen=True, slots=True)
class Packed:
    """One order as it is packed: whose it is, and the number, title and quantity of each lot."""

    order: Order
    lots: list[tuple[str, str, int]]


@dataclass(frozen=True, slots=True)
class PackingPage:
    """The parcels, and what is picked up, by paddle."""

    parcels: list[Packed]
    pick_ups: list[Packed]


def packing_page(auction: Auction) -> PackingPage:
    """Return what is paid and not sent yet; two queries, however many orders there are."""
    orders = Order.objects.filter(auction=auction, status=OrderStatus.PAID).select_related("buyer__user")
    lots: dict[int, list[tuple[str, str, int]]] = {}
    lines = OrderLine.objects.filter(order__in=orders, kind=OrderLineKind.HAMMER, cancelled_at=None)
    for line in lines.select_related("sale__run__lot").order_by("sale__run__lot__position", "pk"):
        if line.sale is not None:
            lot = line.sale.run.lot
            lots.setdefault(line.order_id, []).append((lot.number, lot.title, lot.quantity))
    packed = [Packed(order, lots.get(order.pk, [])) for order in orders.order_by("buyer__paddle", "pk")]
    return PackingPage(
        parcels=[one for one in packed if not one.order.pick_up],
        pick_ups=[one for one in packed if one.order.pick_up],
    )
