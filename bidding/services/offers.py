"""Offers after a show: the second chance of the underbidder, and a price below an unmet reserve.

A run of a lot has one open offer at a time and one active sale; both are constraints. Whoever makes, answers or
withdraws an offer holds its run first, so that an answer counts once, whatever else happens at that moment. An offer
that is accepted becomes sale, order and invoice in the same transaction.
"""

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from auctions.audit import audited
from auctions.billing import invoice_issue
from auctions.errors import Refused
from auctions.models import (
    AuctionStatus,
    LotRun,
    LotStatus,
    Offer,
    OfferAnswer,
    OfferKind,
    OrderStatus,
    Registration,
    RegistrationStatus,
    Sale,
    SaleStatus,
)
from auctions.orders import order_cancel_lots
from auctions.permissions import can_bill
from auctions.pricing import price_of
from auctions.sales import sale_finalize, sale_record
from bidding.services.telling import offer_note
from bidding.underbidder import Standing, reserve_of, standing_without

HOURS: Final = 48
"""How long an offer stands unless the house says otherwise."""
MOST_HOURS: Final = 14 * 24


def second_chance_of(run: LotRun) -> Standing | None:
    """Return who is next for a lot, and at what price, as if those before had never bid; None where nobody is left.

    Out are the buyer, whoever else had it and did not keep it, who was offered it and did not take it, and who can buy
    nothing here any more.
    """
    bought = Sale.objects.filter(run=run, closing_number=run.closing_number).values_list("buyer", flat=True)
    asked = run.offers.filter(
        kind=OfferKind.SECOND_CHANCE, answer__in=(OfferAnswer.DECLINED, OfferAnswer.EXPIRED)
    ).values_list("registration", flat=True)
    return standing_without(run, {*bought, *asked, *_gone(run)})


def highest_bidder_of(run: LotRun) -> Standing | None:
    """Return who led a lot that did not reach its reserve, and at what price; None where nobody may buy it."""
    return standing_without(run, set(_gone(run)))


@audited
def offer_second_chance(*, run: LotRun, actor: User, hours: int = HOURS) -> Offer:
    """Offer the lot of an unpaid or cancelled sale to the underbidder, at the price as if its buyer had never bid.

    The sale that was not paid is called off, so that nobody pays for what another is offered.
    """
    with transaction.atomic():
        run = _locked(run, actor)
        for sale in run.sales.exclude(status=SaleStatus.VOID):
            line = sale.order_lines.filter(cancelled_at=None).select_related("order").first()
            if line is None or line.order.status != OrderStatus.UNPAID:
                raise Refused("sold", _("This lot is sold. Call its order unpaid first."))
            order_cancel_lots(
                order=line.order, sales=[sale], actor=actor, note=_("Not paid, and offered to the next bidder.")
            )
        if not run.sales.filter(closing_number=run.closing_number).exists():
            raise Refused("not_sold", _("Nobody bought this lot."))
        standing = second_chance_of(run)
        if standing is None:
            raise Refused("nobody", _("Nobody else bid on this lot."))
        return _offer(run, actor, OfferKind.SECOND_CHANCE, standing.registration, standing.amount, hours)


@audited
def offer_negotiation(*, run: LotRun, actor: User, amount: int, hours: int = HOURS) -> Offer:
    """Offer a lot that did not reach its reserve to who led it, at a price between their bid and the reserve."""
    with transaction.atomic():
        run = _locked(run, actor)
        if (run.result, run.reason) != (LotStatus.PASSED, "reserve_not_met") or run.sales.exists():
            raise Refused("not_passed", _("This lot did not pass because of its reserve."))
        standing = highest_bidder_of(run)
        if standing is None:
            raise Refused("nobody", _("Nobody who bid on this lot may buy it."))
        reserve = reserve_of(run)
        if amount < standing.amount or (reserve is not None and amount > reserve):
            raise Refused("bad_amount", _("Ask for something between the bid and the reserve."), field="amount")
        return _offer(run, actor, OfferKind.NEGOTIATION, standing.registration, amount, hours)


def offer_answer(*, offer: Offer, actor: User, accept: bool, total: int | None = None) -> Offer:
    """Accept an offer, which makes sale, order and invoice, or decline it; the same answer again changes nothing.

    `total` is what the page said that it costs before delivery. The house answers for a bidder without an account.
    """
    with transaction.atomic():
        run = LotRun.objects.select_for_update(of=("self",)).get(pk=offer.run_id)
        offer = Offer.objects.select_for_update(of=("self",)).select_related("registration__user").get(pk=offer.pk)
        buyer = offer.registration
        for_them = buyer.user is None and can_bill(actor, run.auction)
        if buyer.user != actor and not for_them:
            raise Refused("not_yours", _("This offer was made to somebody else."))
        wanted = OfferAnswer.ACCEPTED if accept else OfferAnswer.DECLINED
        if offer.answer == wanted:
            return offer
        if offer.answer != OfferAnswer.OPEN:
            raise Refused("answered", _("This offer is over: %(answer)s.") % {"answer": offer.get_answer_display()})
        if offer.expires_at <= timezone.now():
            raise Refused("expired", _("The time for this offer is over."))
        if accept:
            if buyer.status != RegistrationStatus.APPROVED:
                raise Refused("banned", _("You cannot buy in this auction any more."))
            if total is not None and total != price_of(run.lot, offer.amount).total:
                raise Refused("changed", _("The price with its fees changed meanwhile. Look again before you accept."))
            offer.sale = _sell(run, offer)
        offer.answer, offer.answered_at, offer.answered_by = wanted, timezone.now(), actor
        offer.save(update_fields=["answer", "answered_at", "answered_by", "sale"])
    return offer


@audited
def offer_answer_for(*, offer: Offer, actor: User, accept: bool) -> Offer:
    """Note what a bidder without an account answered, as they told the house."""
    return offer_answer(offer=offer, actor=actor, accept=accept)


@audited
def offer_withdraw(*, offer: Offer, actor: User) -> Offer:
    """Take an offer back that nobody answered yet; taking it back twice is fine."""
    with transaction.atomic():
        run = LotRun.objects.select_for_update(of=("self",)).get(pk=offer.run_id)
        _check_billing(run, actor)
        offer = Offer.objects.select_for_update(of=("self",)).get(pk=offer.pk)
        if offer.answer not in (OfferAnswer.OPEN, OfferAnswer.WITHDRAWN):
            raise Refused("answered", _("This offer is over: %(answer)s.") % {"answer": offer.get_answer_display()})
        if offer.answer == OfferAnswer.OPEN:
            offer.answer, offer.answered_at, offer.answered_by = OfferAnswer.WITHDRAWN, timezone.now(), actor
            offer.save(update_fields=["answer", "answered_at", "answered_by"])
    return offer


def offers_expire() -> int:
    """End the offers whose time is over; return how many. What is answered at that moment is either, never both."""
    now = timezone.now()
    over = Offer.objects.filter(answer=OfferAnswer.OPEN, expires_at__lte=now)
    return over.update(answer=OfferAnswer.EXPIRED, answered_at=now)


def _offer(run: LotRun, actor: User, kind: OfferKind, registration: int, amount: int, hours: int) -> Offer:
    if not 1 <= hours <= MOST_HOURS:
        raise Refused(
            "out_of_range", _("An offer stands from one hour to %(most)d.") % {"most": MOST_HOURS}, field="hours"
        )
    if run.offers.filter(answer=OfferAnswer.OPEN).exists():
        raise Refused("open_already", _("This lot is offered to somebody already."))
    offer = Offer.objects.create(
        run=run,
        registration_id=registration,
        kind=kind,
        amount=amount,
        expires_at=timezone.now() + timedelta(hours=hours),
        created_by=actor,
    )
    offer_note(offer=offer)
    return offer


def _sell(run: LotRun, offer: Offer) -> Sale:
    sale = sale_record(run=run, buyer=offer.registration, hammer=offer.amount, closing_number=run.closing_number)
    order = sale_finalize(sale=sale)
    if order is None:
        raise Refused("sold", _("This lot is sold."))
    # What one buyer has to pay in one auction is one bill: it may be due a little later by this.
    due_at = timezone.now() + timedelta(days=run.auction.organizer.payment_days)
    order.due_at = max(due_at, order.due_at or due_at)
    order.save(update_fields=["due_at", "updated_at"])
    invoice_issue(order=order)
    return sale


def _locked(run: LotRun, actor: User) -> LotRun:
    run = LotRun.objects.select_for_update(of=("self",)).select_related("auction__organizer", "lot").get(pk=run.pk)
    _check_billing(run, actor)
    if run.auction.is_rehearsal or run.auction.status not in (AuctionStatus.ENDED, AuctionStatus.CANCELLED):
        raise Refused("not_over", _("Offers are made when a show is over."))
    if run.finalized_at is None or run.lot.runs.filter(attempt__gt=run.attempt).exists():
        raise Refused("offered_again", _("This lot was offered again since then."))
    return run


def _check_billing(run: LotRun, actor: User) -> None:
    if not can_bill(actor, run.auction):
        raise Refused("forbidden", _("You do not handle the money of this auction."))


def _gone(run: LotRun) -> list[int]:
    """Return the bidders of an auction who may buy nothing there any more."""
    here = Registration.objects.filter(auction=run.auction_id)
    may = here.filter(status=RegistrationStatus.APPROVED, barred=False).exclude(user__is_active=False)
    return list(here.exclude(pk__in=may.values("pk")).values_list("pk", flat=True))
