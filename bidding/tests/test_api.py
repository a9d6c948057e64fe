"""The API as programs see it: what exists for whom, how a paddle is got, how errors read."""

import pytest
from django.test import Client
from django.utils import timezone

from auctions.models import Auction, AuctionStatus, LotImage, LotRun, LotStatus, Registration, Visibility
from auctions.services import invitation_add
from bidding.models import Bid
from bidding.services import auction_schedule

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("floor", "side")]


@pytest.fixture
def api(client) -> Client:
    return client


@pytest.fixture
def scheduled(draft_auction, host) -> Auction:
    """Return an auction that was really scheduled: Redis knows it."""
    return auction_schedule(auction=draft_auction, actor=host)


def register(client, auction, body=None):
    return client.post(
        f"/api/v1/auctions/{auction.pk}/registrations/",
        {"accept_terms": True} if body is None else body,
        content_type="application/json",
    )


def check_problem(response, status, code):
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


def test_anybody_lists_live_public_auctions_and_only_those(api, live_auction):
    Auction.objects.create(organizer=live_auction.organizer, title="Draft", slug="draft")
    response = api.get("/api/v1/auctions/?status=live")
    assert response.status_code == 200
    [found] = response.json()["results"]
    assert found["id"] == live_auction.pk
    assert found["status"] == "live"
    assert found["currency"] == "EUR"
    assert found["lot_count"] == 2
    assert api.get("/api/v1/auctions/?status=ended").json()["results"] == []


def test_an_unknown_status_is_refused_at_its_field(api):
    body = check_problem(api.get("/api/v1/auctions/?status=asleep"), 400, "invalid")
    assert body["errors"][0]["field"] == "status"


def test_an_unlisted_auction_is_not_listed_but_exists(api, live_auction):
    live_auction.visibility = Visibility.UNLISTED
    live_auction.save()
    assert api.get("/api/v1/auctions/").json()["results"] == []
    assert api.get(f"/api/v1/auctions/{live_auction.pk}/").status_code == 200


def test_the_detail_tells_lots_stream_and_amounts_as_decimal_strings(api, live_auction):
    body = api.get(f"/api/v1/auctions/{live_auction.pk}/").json()
    assert [lot["opening_amount"] for lot in body["lots"]] == ["100.00", "20.00"]
    assert body["lots"][0]["increments"] == [["0.00", "5.00"]]
    assert body["lots"][0]["result"] is None
    assert body["stream"]["kind"] == "relay"
    assert body["stream"]["playback_url"] == f"/ws/streams/{live_auction.stream_channel_id}/"
    assert body["terms"]["text"] == "A bid is binding."
    assert body["registration"] is None


def test_the_state_comes_from_the_floor_and_is_null_where_it_knows_nothing(api, live_auction, client):
    assert client.get(f"/api/v1/auctions/{live_auction.pk}/").json()["state"] is None


def test_a_scheduled_auction_has_a_state_with_version_and_epoch(api, scheduled):
    state = api.get(f"/api/v1/auctions/{scheduled.pk}/").json()["state"]
    assert state["status"] == "scheduled"
    assert state["lot"] is None
    assert state["epoch"]


def test_a_reserve_is_told_but_its_amount_never_leaves(api, live_auction):
    lot = live_auction.lots.first()
    lot.reserve_amount = 777_777
    lot.save()
    response = api.get(f"/api/v1/auctions/{live_auction.pk}/")
    assert response.json()["lots"][0]["has_reserve"] is True
    assert "7777" not in response.content.decode()


def test_no_stream_key_and_no_address_of_anybody_is_in_a_public_answer(api, live_auction, registration):
    text = api.get(f"/api/v1/auctions/{live_auction.pk}/").content.decode()
    assert live_auction.stream_channel.stream_key not in text
    assert "@" not in text


@pytest.mark.parametrize("visibility", [Visibility.INVITE_ONLY, "draft", "rehearsal"])
@pytest.mark.parametrize("path", ["/api/v1/auctions/{auction}/", "/api/v1/lots/{lot}/bids/"])
def test_what_is_not_theirs_does_not_exist(api, live_auction, stranger, visibility, path):
    lot = live_auction.lots.first()
    if visibility == "draft":
        live_auction.status = AuctionStatus.DRAFT
    elif visibility == "rehearsal":
        live_auction.is_rehearsal = True
    else:
        live_auction.visibility = visibility
    live_auction.save()
    url = path.format(auction=live_auction.pk, lot=lot.pk)
    anonymous = check_problem(api.get(url), 404, "not_found")
    api.force_login(stranger)
    hidden = check_problem(api.get(url), 404, "not_found")
    missing = check_problem(api.get(path.format(auction=987_654, lot=987_654)), 404, "not_found")
    assert anonymous == hidden == missing


def test_an_invited_person_sees_and_joins_an_invite_only_auction(api, scheduled, host, bidder, stranger):
    Auction.objects.filter(pk=scheduled.pk).update(visibility=Visibility.INVITE_ONLY)
    invitation_add(actor=host, auction=scheduled, email="Bidder1@Example.Test")
    api.force_login(stranger)
    check_problem(register(api, scheduled), 404, "not_found")
    api.force_login(bidder)
    assert register(api, scheduled).status_code == 201
    assert [found["id"] for found in api.get("/api/v1/auctions/").json()["results"]] == [scheduled.pk]


@pytest.mark.parametrize("number", [0, 2**31, 2**63, 10**30])
def test_an_id_of_any_size_is_simply_not_found(api, db, number):
    check_problem(api.get(f"/api/v1/auctions/{number}/"), 404, "not_found")
    check_problem(api.get(f"/api/v1/lots/{number}/bids/"), 404, "not_found")


def test_registering_gives_a_paddle_and_asking_again_gives_the_same(api, scheduled, bidder, bidder2):
    api.force_login(bidder)
    first = register(api, scheduled)
    assert (first.status_code, first.json()) == (201, {"paddle": 101, "status": "approved"})
    again = register(api, scheduled)
    assert (again.status_code, again.json()) == (200, {"paddle": 101, "status": "approved"})
    assert api.get(f"/api/v1/auctions/{scheduled.pk}/").json()["registration"] == again.json()
    api.force_login(bidder2)
    assert register(api, scheduled).json()["paddle"] == 102


def test_registering_needs_somebody_signed_in(api, scheduled):
    check_problem(register(api, scheduled), 401, "sign_in")
    assert not Registration.objects.exists()


@pytest.mark.parametrize(
    "body", [{}, {"accept_terms": False}, {"accept_terms": None}, {"accept_terms": "perhaps"}, [], 7]
)
def test_without_accepted_terms_there_is_no_paddle(api, scheduled, bidder, body):
    api.force_login(bidder)
    response = register(api, scheduled, body)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert not Registration.objects.exists()


def test_terms_that_were_not_accepted_are_named_as_such(api, scheduled, bidder):
    api.force_login(bidder)
    body = check_problem(register(api, scheduled, {"accept_terms": False}), 400, "terms_not_accepted")
    assert body["errors"][0]["field"] == "accept_terms"


def test_the_host_gets_no_paddle_in_the_own_auction(api, scheduled, host, moderator):
    for user in (host, moderator):
        api.force_login(user)
        check_problem(register(api, scheduled), 403, "own_lot")


def test_no_paddles_are_given_out_when_it_is_over(api, live_auction, bidder):
    live_auction.status = AuctionStatus.ENDED
    live_auction.save()
    api.force_login(bidder)
    check_problem(register(api, live_auction), 409, "registration_closed")


def test_a_session_without_its_csrf_token_is_refused(scheduled, bidder):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(bidder)
    check_problem(register(strict, scheduled), 403, "csrf_failed")


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
    [
        ("application/json", "{", 400, "bad_json"),
        ("application/json", b"\xff\xfe", 400, "bad_json"),
        ("text/plain", "accept_terms=true", 415, "unsupported_media_type"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_problem(api, scheduled, bidder, content_type, body, status, code):
    api.force_login(bidder)
    response = api.post(f"/api/v1/auctions/{scheduled.pk}/registrations/", body, content_type=content_type)
    check_problem(response, status, code)


def test_a_method_that_does_not_exist_is_a_problem(api, bidder):
    api.force_login(bidder)
    check_problem(api.delete("/api/v1/auctions/"), 405, "method_not_allowed")


@pytest.fixture
def bids(live_auction, registration) -> list[Bid]:
    lot = live_auction.lots.first()
    run = LotRun.objects.create(lot=lot, auction=live_auction, status=LotStatus.OPEN)
    return [
        Bid.objects.create(
            run=run,
            registration=registration,
            amount=10_000 + step * 500,
            v=3 + step,
            offer_v=3 + step,
            offer_s=0,
            at_ms=1_795_300_000_000 + step,
        )
        for step in range(5)
    ]


def test_bids_are_listed_newest_first_under_paddles_and_never_names(api, live_auction, bids, bidder):
    response = api.get(f"/api/v1/lots/{bids[0].run.lot_id}/bids/")
    assert [bid["amount"] for bid in response.json()["results"]] == ["120.00", "115.00", "110.00", "105.00", "100.00"]
    assert response.json()["results"][0] == {
        "v": 7,
        "amount": "120.00",
        "paddle": 101,
        "automatic": False,
        "at_ms": 1_795_300_000_004,
        "voided": False,
        "attempt": 1,
    }
    text = response.content.decode()
    assert bidder.email not in text
    assert bidder.display_name not in text


def test_bids_come_in_pages_and_none_is_skipped_or_repeated_while_more_arrive(api, bids):
    url, seen = f"/api/v1/lots/{bids[0].run.lot_id}/bids/?page_size=2", []
    while url:
        page = api.get(url).json()
        seen += [bid["v"] for bid in page["results"]]
        newest = 100 + len(seen)
        Bid.objects.create(
            run=bids[0].run,
            registration=bids[0].registration,
            amount=90_000 + newest,
            v=newest,
            offer_v=newest,
            offer_s=0,
            at_ms=newest,
        )
        url = page["next"]
    assert seen == [7, 6, 5, 4, 3]


def test_a_cursor_of_nonsense_is_a_problem(api, bids):
    check_problem(api.get(f"/api/v1/lots/{bids[0].run.lot_id}/bids/?cursor=nonsense"), 404, "not_found")


def test_a_sold_lot_tells_hammer_price_and_paddle_and_a_passed_one_no_amount(api, live_auction, registration):
    sold, passed = live_auction.lots.all()
    for lot, result in ((sold, "sold"), (passed, "passed")):
        LotRun.objects.create(
            lot=lot,
            auction=live_auction,
            status=result,
            result=result,
            reason="time",
            hammer_amount=66_600,
            winner=registration,
            closed_at_ms=5,
            finalized_at=timezone.now(),
        )
    first, second = (lot["result"] for lot in api.get(f"/api/v1/auctions/{live_auction.pk}/").json()["lots"])
    assert first == {
        "result": "sold",
        "reason": "time",
        "amount": "666.00",
        "paddle": 101,
        "provisional": False,
        "closed_at_ms": 5,
    }
    assert (second["amount"], second["paddle"]) == (None, None)


def test_a_picture_tells_every_size_that_there_is(api, live_auction):
    LotImage.objects.create(
        lot=live_auction.lots.first(), file="lots/a.webp", alt="A lamp", width=700, height=500, widths=[320, 700]
    )
    [picture] = api.get(f"/api/v1/auctions/{live_auction.pk}/").json()["lots"][0]["images"]
    assert picture == {
        "url": "/media/lots/a.webp",
        "width": 700,
        "height": 500,
        "alt": "A lamp",
        "blur": "",
        "sizes": [
            {"url": f"/media/lots/a-{width}.{extension}", "type": kind, "width": width}
            for width in (320, 700)
            for extension, kind in (("avif", "image/avif"), ("jpg", "image/jpeg"))
        ],
    }


def test_the_number_of_queries_does_not_grow_with_the_lots(api, live_auction, django_assert_max_num_queries):
    with django_assert_max_num_queries(10):
        api.get(f"/api/v1/auctions/{live_auction.pk}/")


def test_the_schema_is_openapi_3_1_and_names_every_operation(api, db):
    response = api.get("/api/v1/schema/?format=json")
    assert response.status_code == 200
    schema = response.json()
    assert schema["openapi"].startswith("3.1")
    assert set(schema["paths"]) == {
        "/api/v1/auctions/",
        "/api/v1/auctions/{id}/",
        "/api/v1/auctions/{id}/chat/",
        "/api/v1/auctions/{id}/chat/lines/{entry}/remove/",
        "/api/v1/auctions/{id}/chat/pin/",
        "/api/v1/auctions/{id}/house/bids/",
        "/api/v1/auctions/{id}/house/paddles/",
        "/api/v1/auctions/{id}/moderator-notes/",
        "/api/v1/auctions/{id}/reports/",
        "/api/v1/auctions/{id}/mutes/",
        "/api/v1/auctions/{id}/mutes/{mute_id}/",
        "/api/v1/auctions/{id}/notices/",
        "/api/v1/auctions/{id}/recording/",
        "/api/v1/auctions/{id}/registrations/",
        "/api/v1/bids/{bid_id}/",
        "/api/v1/lots/{id}/bids/",
        "/api/v1/lots/{id}/offer-again/",
        "/api/v1/lots/{id}/record/",
        "/api/v1/notifications/",
        "/api/v1/notifications/read/",
        "/api/v1/socket-tickets/",
        "/api/v1/streams/events/",
        "/api/v1/streams/{id}/playback/",
        "/api/v1/token/",
    }


def test_the_schema_says_how_one_is_known(api, db):
    schema = api.get("/api/v1/schema/?format=json").json()
    schemes = schema["components"]["securitySchemes"]
    assert {name: scheme["type"] for name, scheme in schemes.items()} == {"bearer": "http", "cookieAuth": "apiKey"}
    assert schemes["bearer"]["bearerFormat"] == "JWT"
    ways = schema["paths"]["/api/v1/socket-tickets/"]["post"]["security"]
    assert ways == [{"bearer": []}, {"cookieAuth": []}]


def test_the_schema_is_made_without_a_warning(db, tmp_path):
    from django.core.management import call_command

    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))


def test_the_page_of_the_api_has_no_inline_script_or_style(api, db):
    page = api.get("/api/v1/docs/").content.decode()
    assert "swagger-ui" in page
    assert "<style" not in page
    assert "<script>" not in page
