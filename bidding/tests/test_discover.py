"""How people find shows: what search finds on either database, and that a list shows nobody what is not for them."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from redis.exceptions import RedisError

from accounts.models import Follow, Organizer, User
from auctions.models import Auction, AuctionStatus, Category, Invitation, Lot, LotRun, LotWatch, Visibility
from auctions.search import lots_found, search_fold
from bidding.models import Notification
from bidding.services import searching

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("side")]


@pytest.fixture
def add_auction(organizer, draft_auction):
    """Return a function that makes a public show with lots, by their titles."""

    def add(title, *lots, status=AuctionStatus.SCHEDULED, **fields):
        auction = Auction.objects.create(
            **{
                "organizer": organizer,
                "title": title,
                "slug": title.lower().replace(" ", "-"),
                "status": status,
                "terms": draft_auction.terms,
                "starts_at": timezone.now() + timedelta(days=2),
            }
            | fields
        )
        for position, lot in enumerate(lots, 1):
            given = {"title": lot} if isinstance(lot, str) else lot
            Lot.objects.create(
                **{
                    "auction": auction,
                    "number": str(position),
                    "position": position,
                    "opening_amount": 1_000,
                    "increments": [[0, 500]],
                }
                | given
            )
        return auction

    return add


def titles(response):
    return [found.lot.title for found in response.context["found"].lots]


def found(client, text, **query):
    return titles(client.get(reverse("search"), {"q": text} | query))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("brass", ["Brass lamp"]),
        ("BRASS lamp", ["Brass lamp"]),
        ("lamp brass", ["Brass lamp"]),
        ("chrono", ["Chronomètre, 1968"]),
        ("chronometre", ["Chronomètre, 1968"]),
        ("Chronomètre", ["Chronomètre, 1968"]),
        ("1968", ["Chronomètre, 1968"]),
        ("metre", []),
        ("verdigris", ["Brass lamp"]),
        ("scratched", ["12-inch globe"]),
        ("12 inch", ["12-inch globe"]),
        ("12-inch", ["12-inch globe"]),
        ("часы", ["Старые часы"]),
        ("old_clock", ["Old clock_face 12a"]),
        ("12A", ["Old clock_face 12a"]),
        ("100%", []),
        ("brass globe", []),
        ("' | lamp", ["Brass lamp"]),
        ("lamp & !brass", ["Brass lamp"]),
        ("lamp:*", ["Brass lamp"]),
        ("\\", None),
        ("  ", None),
    ],
)
def test_a_word_finds_what_begins_with_it(client, add_auction, text, expected):
    add_auction(
        "Evening",
        {"title": "Brass lamp", "description": "Some verdigris, else fine."},
        "Chronomètre, 1968",
        {"title": "12-inch globe", "condition": "Scratched"},
        "Старые часы",
        "Old clock_face 12a",
    )
    assert found(client, text) == (expected if expected is not None else found(client, ""))


def test_what_is_folded_is_plain_words():
    assert search_fold("  Chronomètre—“1968”, No.12_A ") == " chronometre 1968 no 12 a"
    assert search_fold("…") == ""


@pytest.mark.services
def test_postgresql_answers_from_its_index(add_auction):
    add_auction("Evening", "Lamp")
    with connection.cursor() as cursor:
        # With so few rows it would read them all.
        cursor.execute(
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_nestloop = off"
        )
    assert "lot_words" in lots_found(AnonymousUser(), text="brass lamp").explain()


@pytest.mark.parametrize(
    "text",
    ["Chronomètre—“1968”, No.12_A", "Старые ЧАСЫ", "ΟΔΟΣ", "ﬁne № 5 ½", "ÅÄÖ naïve İ ß", "時計 \uff11\uff12", "_", ""],
)
def test_the_database_folds_a_text_into_the_same_words(text):
    with connection.cursor() as cursor:
        cursor.execute("SELECT search_fold(%s)", [text])
        assert cursor.fetchone()[0].split() == search_fold(text).split()


def test_live_comes_before_what_is_over_and_a_title_before_a_description(client, add_auction):
    add_auction("Over", "Lamp over", status=AuctionStatus.ENDED, ended_at=timezone.now())
    add_auction("Later", "Lamp later", starts_at=timezone.now() + timedelta(days=9))
    add_auction("Soon", {"title": "Shade", "description": "Of a lamp."}, "Lamp soon")
    add_auction("Undated", "Lamp undated", starts_at=None)
    add_auction("Now", {"title": "Stand", "description": "Of a lamp."}, "Lamp now", status=AuctionStatus.LIVE)
    to_come = ["Lamp soon", "Lamp later", "Lamp undated", "Shade"]

    assert found(client, "lamp") == ["Lamp now", "Stand", *to_come, "Lamp over"]
    assert found(client, "of lamp", shows="soon") == ["Shade"]
    assert found(client, "lamp", shows="live") == ["Lamp now", "Stand"]
    assert found(client, "lamp", shows="soon") == to_come
    assert found(client, "", shows="soon") == ["Shade", "Lamp soon", "Lamp later", "Lamp undated"]
    assert found(client, "lamp", shows="ended") == ["Lamp over"]
    assert len(found(client, "lamp", shows="whatever")) == 7


def test_the_name_of_a_house_finds_its_lots_together_with_their_own_words(client, add_auction, other_host):
    add_auction("Evening", "Brass lamp", "Clock")
    other = Organizer.objects.exclude(slug="corner-house").get()
    add_auction("Morning", "Corner lamp", organizer=other)

    assert found(client, "corner") == ["Corner lamp", "Brass lamp", "Clock"]
    assert found(client, "lamp corner") == ["Corner lamp", "Brass lamp"]
    assert found(client, "other corner") == ["Corner lamp"]
    assert found(client, "corner brass sofa") == []


@pytest.mark.parametrize(
    "change",
    [
        {"visibility": Visibility.UNLISTED},
        {"visibility": Visibility.INVITE_ONLY},
        {"status": AuctionStatus.DRAFT},
        {"status": AuctionStatus.CANCELLED},
        {"is_rehearsal": True},
        {"archived_at": timezone.now()},
    ],
)
def test_no_list_shows_what_is_not_listed(client, add_auction, organizer, change):
    category = Category.objects.create(name="Lamps", slug="lamps")
    auction = add_auction("Evening", {"title": "Brass lamp", "category": category})
    pages = [
        (reverse("search"), {"q": "lamp"}),
        (reverse("search"), {}),
        (reverse("category", args=("lamps",)), {}),
        (reverse("auctions"), {}),
        (reverse("home"), {}),
    ]
    for path, query in pages:
        assert "Evening" in client.get(path, query).content.decode()
    assert client.get(reverse("house", args=(organizer.slug,))).status_code == 200
    Auction.objects.filter(pk=auction.pk).update(**change)

    for path, query in pages:
        page = client.get(path, query)
        assert "Evening" not in page.content.decode(), path
        assert "Lamps" not in page.content.decode().replace("<h1>Lamps</h1>", "").replace("<title>Lamps", "")
    # A house that called its show off is still known.
    known = change.get("status") == AuctionStatus.CANCELLED
    assert client.get(reverse("house", args=(organizer.slug,))).status_code == (200 if known else 404)


def test_who_is_invited_finds_the_show_and_its_house(client, add_auction, bidder, stranger, organizer):
    auction = add_auction("Evening", "Brass lamp", visibility=Visibility.INVITE_ONLY)
    Invitation.objects.create(auction=auction, user=bidder)
    for user, expected in ((stranger, []), (bidder, ["Brass lamp"])):
        client.force_login(user)
        assert found(client, "lamp") == expected
        assert client.get(reverse("house", args=(organizer.slug,))).status_code == (200 if expected else 404)


def test_a_house_knows_its_own_page_before_its_first_show(client, host, organizer, other_host):
    path = reverse("house", args=(organizer.slug,))
    assert client.get(path).status_code == 404
    client.force_login(other_host)
    assert client.get(path).status_code == 404
    client.force_login(host)
    assert "No show is planned here" in client.get(path).content.decode()
    Organizer.objects.filter(pk=organizer.pk).update(archived_at=timezone.now())
    assert client.get(path).status_code == 404


def test_a_search_finds_shows_and_houses_by_name(client, add_auction):
    add_auction("Clocks of the north", "Lamp")
    add_auction("Evening", "Lamp")
    page = client.get(reverse("search"), {"q": "north"}).context["found"]
    assert [auction.title for auction in page.auctions] == ["Clocks of the north"]
    assert page.houses == []
    page = client.get(reverse("search"), {"q": "corner"}).context["found"]
    assert [house.name for house in page.houses] == ["Corner House"]
    assert len(page.auctions) == 2, "the name of the house finds its shows"


def test_one_address_searches_so_much_and_still_looks_around(client, add_auction, monkeypatch, side):
    add_auction("Evening", "Lamp")
    monkeypatch.setattr(searching, "AT_ONCE", 2)
    monkeypatch.setattr(searching, "_REFILL_MS", 3_600_000)
    path = reverse("search")
    assert [client.get(path, {"q": "lamp"}).status_code for _time in range(3)] == [200, 200, 429]
    assert client.get(path).status_code == 200, "a list without words is no search"
    assert client.get(path, {"q": "lamp"}, REMOTE_ADDR="2001:db8::1").status_code == 200
    assert client.get(path, {"q": "lamp"}, REMOTE_ADDR="2001:db8::2").status_code == 200
    assert client.get(path, {"q": "lamp"}, REMOTE_ADDR="2001:db8::3").status_code == 429, "one network"


def test_a_search_is_answered_where_nobody_can_count_it(client, add_auction, monkeypatch):
    def away():
        raise RedisError("away")

    monkeypatch.setattr(searching, "side", away)
    add_auction("Evening", "Lamp")
    assert found(client, "lamp") == ["Lamp"]


def test_a_category_has_its_own_page_and_its_own_search(client, add_auction):
    clocks, lamps = (Category.objects.create(name=name, slug=name.lower()) for name in ("Clocks", "Lamps"))
    Category.objects.create(name="Empty", slug="empty")
    add_auction("Evening", {"title": "Brass lamp", "category": lamps}, {"title": "Brass clock", "category": clocks})

    page = client.get(reverse("category", args=("lamps",)), {"q": "brass"})

    assert titles(page) == ["Brass lamp"]
    assert [(category.name, category.lot_count) for category in page.context["found"].categories] == [
        ("Clocks", 1),
        ("Lamps", 1),
    ]
    assert client.get(reverse("category", args=("none",))).status_code == 404


def test_long_lists_come_in_pages_that_keep_the_filter(client, add_auction):
    add_auction("Evening", *[f"Lamp {number:02}" for number in range(30)])
    first = client.get(reverse("search"), {"q": "lamp", "shows": "soon"})
    assert len(titles(first)) == 24
    assert 'href="?q=lamp&amp;shows=soon&amp;page=2"' in first.content.decode()
    second = client.get(reverse("search"), {"q": "lamp", "shows": "soon", "page": "2"})
    assert titles(second) == [f"Lamp {number}" for number in range(24, 30)]
    assert titles(client.get(reverse("search"), {"q": "lamp", "page": "99"})) == titles(second)
    assert titles(client.get(reverse("search"), {"q": "lamp", "page": "x"})) == titles(first)


def test_an_open_lot_is_open_and_a_sold_one_has_its_price(client, live_auction, registration):
    first, second = live_auction.lots.order_by("position")
    LotRun.objects.create(lot=first, auction=live_auction, status="open")
    LotRun.objects.create(
        lot=second,
        auction=live_auction,
        status="sold",
        result="sold",
        reason="time",
        hammer_amount=4_500,
        winner=registration,
    )
    page = client.get(reverse("search"))
    assert [found.state for found in page.context["found"].lots] == ["open", "sold"]
    assert "45" in page.content.decode()


def test_the_empty_home_says_what_comes_next_and_offers_to_remind(client, add_auction, bidder):
    assert "none is planned yet" in client.get("/").content.decode()
    auction = add_auction("Evening", "Lamp")
    page = " ".join(client.get("/").content.decode().split())
    assert "No show is live. Next: Evening," in page
    assert f"{reverse('account_login')}?next={reverse('room', args=(auction.slug,))}" in page
    client.force_login(bidder)
    assert reverse("reminder", args=(auction.slug,)) in client.get("/").content.decode()


@pytest.mark.parametrize("name", ["search", "auctions", "home", "my_bids", "notifications"])
def test_a_page_asks_as_much_for_many_as_for_one(client, add_auction, bidder, django_assert_max_num_queries, name):
    category = Category.objects.create(name="Lamps", slug="lamps")
    for number in range(8):
        auction = add_auction(
            f"Evening {number}", *[{"title": f"Lamp {lot}", "category": category} for lot in range(3)]
        )
        Notification.objects.create(user=bidder, auction=auction, kind="scheduled", at_ms=1)
    LotWatch.objects.bulk_create(LotWatch(user=bidder, lot=lot) for lot in Lot.objects.all())
    client.force_login(bidder)
    client.get(reverse("account"))  # the first page of a session notes where it is used
    with django_assert_max_num_queries(19):
        assert client.get(reverse(name), {"q": "lamp"}).status_code == 200


def test_a_house_tells_how_many_follow_and_never_who(client, add_auction, organizer, bidder):
    add_auction("Evening", "Lamp")
    Follow.objects.create(user=bidder, organizer=organizer)
    page = client.get(reverse("house", args=(organizer.slug,))).content.decode()
    assert "1 person follows" in page
    assert bidder.display_name not in page


def test_a_very_long_search_is_cut_and_answered(client, add_auction):
    add_auction("Evening", "Lamp")
    assert client.get(reverse("search"), {"q": "lamp " * 500}).status_code == 200
    assert client.get(reverse("search"), {"q": "x\0y"}).status_code in (200, 400)
    assert list(lots_found(User(is_active=False), text="lamp")) != []
