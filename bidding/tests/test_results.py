"""The result of a lot: how it went for everybody, drawn and as a table, and for the one who looks."""

import re

import pytest
from django.urls import reverse

from auctions.models import Order
from bidding.models import Event
from bidding.services import auction_end
from bidding.tests.evenings import ANNA, BORIS, CLARA, Evening, whole_evening

pytestmark = pytest.mark.django_db(transaction=True)


def result(client, show, bidder=None, lot=0):
    client.logout()
    if bidder is not None:
        client.force_login(show.bidders[bidder].user)
    response = client.get(reverse("lot", args=(show.lots[lot].pk,)))
    return response.context["result"], response.content.decode()


def sold(make_show, *bids):
    evening = Evening(make_show())
    evening.open(0)
    for who, amount in bids:
        evening.bid(who, amount)
        evening.wait(1_000)
    evening.close_by_time(0)
    auction_end(auction=evening.show.auction, actor=evening.show.host)
    evening.show.store()
    return evening.show


def test_each_is_told_how_near_they_were(make_show, client):
    show = sold(make_show, (CLARA, "10.00"), (BORIS, "15.00"), (ANNA, "20.00"))

    outcome, page = result(client, show, BORIS)
    assert (outcome.best, outcome.outbid_by, outcome.was_next) == (1_500, 500, True)
    assert "You were outbid by €5." in page
    outcome, page = result(client, show, CLARA)
    assert (outcome.best, outcome.outbid_by, outcome.was_next) == (1_000, 1_000, False)
    assert "Nobody but the winner bid more." not in page
    outcome, page = result(client, show)
    assert (outcome.best, outcome.outbid_by, outcome.order) == (None, None, None)
    assert "outbid" not in page
    outcome, page = result(client, show, ANNA)
    assert (outcome.outbid_by, outcome.was_next, outcome.order) == (None, False, Order.objects.get())
    assert reverse("order", args=(outcome.order.pk,)) in page


def test_the_chart_steps_with_each_price_to_the_end(make_show, client):
    show = sold(make_show, (CLARA, "10.00"), (BORIS, "15.00"), (ANNA, "20.00"))
    run = show.lots[0].runs.get()

    chart = result(client, show)[0].chart

    heights = [float(y) for y in re.findall(r"V([\d.]+)", chart.path)]
    assert heights == [114, 60, 6], "the opening, half way, the top"
    assert chart.path.startswith("M0 114H")
    assert chart.path.endswith("H400")
    across = [float(x) for x in re.findall(r"H([\d.]+)", chart.path)]
    assert across == sorted(across)
    assert (chart.low, chart.high, chart.bid_count) == (1_000, 2_000, 3)
    assert (chart.first_ms, chart.last_ms) == (run.opened_at_ms, run.closed_at_ms)


def test_extensions_pauses_and_the_end_stand_in_the_table_and_voided_bids_do_not_in_the_line(make_show, client):
    show = whole_evening(make_show).show
    chart, page = result(client, show)[0].chart, result(client, show)[1]
    run = show.lots[0].runs.get()

    assert [moment.kind for moment in chart.moments] == [
        event.kind
        for event in Event.objects.filter(run=run, s=0).order_by("v")
        if event.kind not in ("HIGHEST_BID", "FAIR_WARNING", "LOT_NEXT", "RULES_CHANGED")
    ]
    assert len(chart.extensions) == page.count('class="extension"') > 0
    assert chart.high == run.hammer_amount == 4_000
    assert "Extended by the host" in page
    assert "Opened again" in page
    assert "style=" not in page


def test_a_war_of_bids_is_a_small_picture(make_show, client):
    evening = Evening(make_show())
    evening.open(0)
    # The log's clock is ahead now and stands: all of them fall into one moment.
    evening.wait(20_000)
    for turn in range(40):
        evening.bid(turn % 2, f"{10 + 5 * turn + (turn > 20) * 10 * turn}.00")
    evening.close_by_time(0)
    evening.show.store()

    chart = result(client, evening.show)[0].chart

    assert chart.bid_count == 40
    assert chart.path.count("V") <= 2


def test_a_lot_without_bids_has_no_chart(make_show, client):
    show = sold(make_show)
    outcome, page = result(client, show)
    assert outcome.chart is None
    assert "Nobody bid." in page
