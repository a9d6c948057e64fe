"""Reminding buyers of what they owe: by the clock, once for each day that an order has, and by the house.

Owns no rows: `auctions.orders` keeps what was done about an order, a notification carries the mail.
"""

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from auctions.audit import audited
from auctions.models import Order, OrderStatus
from auctions.orders import REMINDED_BEFORE, order_reminded, order_reminded_by_clock
from bidding.services.telling import payment_note


def payments_remind() -> None:
    """Remind whoever is due for it. Harmless when it runs twice, also at once."""
    now = timezone.now()
    waiting = Order.objects.filter(
        status=OrderStatus.AWAITING_PAYMENT,
        due_at__lte=now + REMINDED_BEFORE,
        auction__is_rehearsal=False,
        buyer__user__isnull=False,
        buyer__user__closed_at=None,
    )
    for order in waiting.select_related("buyer").order_by("pk").iterator():
        with transaction.atomic():
            amount = order_reminded_by_clock(order=order, now=now)
            if amount is not None:
                payment_note(order=order, amount=amount)


@audited
def order_remind(*, order: Order, actor: User) -> None:
    """Remind a buyer now, as the house asks; at most once a day."""
    with transaction.atomic():
        payment_note(order=order, amount=order_reminded(order=order, by=actor))
