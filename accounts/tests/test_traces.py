"""Where accounts are used: what is kept of it, for how long, and who sees what two of them share."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from redis.exceptions import RedisError

from accounts import traces
from accounts.models import Trace, TraceKind
from accounts.tasks import forget
from accounts.traces import DEVICE_COOKIE, digests_of, linked_accounts, trace_add

pytestmark = pytest.mark.django_db


def browse(user, address="198.51.100.7", device=None):
    browser = Client(REMOTE_ADDR=address)
    if device:
        browser.cookies[DEVICE_COOKIE] = device
    browser.force_login(user)
    browser.get("/")
    return browser


def kinds(user):
    return sorted(Trace.objects.filter(user=user).values_list("kind", flat=True))


def test_a_session_leaves_a_trace_of_its_address_and_its_device(bidder):
    browser = browse(bidder)
    assert kinds(bidder) == ["address", "device"]
    cookie = browser.cookies[DEVICE_COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert len(cookie.value) >= 32


def test_signing_in_with_a_password_leaves_one_at_once(client, bidder):
    client.post(reverse("account_login"), {"login": bidder.email, "password": "demo-demo-demo"})
    assert kinds(bidder) == ["address", "device"]


def test_nothing_is_written_again_for_the_same_place(bidder, django_assert_max_num_queries):
    browser = browse(bidder)
    seen = Trace.objects.values_list("last_seen_at", flat=True)
    before = sorted(seen)
    browser.get("/")
    assert sorted(seen.all()) == before


def test_another_address_of_the_same_session_is_noted(bidder):
    browser = browse(bidder)
    browser.get("/", REMOTE_ADDR="203.0.113.9")
    assert kinds(bidder) == ["address", "address", "device"]


def test_who_is_not_signed_in_leaves_none_and_gets_no_cookie(client):
    response = client.get("/")
    assert DEVICE_COOKIE not in response.cookies
    assert not Trace.objects.exists()


def test_no_address_and_no_device_is_kept_as_it_is(bidder):
    browse(bidder, device="a-device-of-mine")
    kept = "".join(map(str, Trace.objects.values_list("digest", flat=True)))
    assert "198.51.100.7" not in kept
    assert "a-device-of-mine" not in kept


def test_the_hashes_of_another_site_are_other_ones(settings):
    here = digests_of("198.51.100.7", "x")
    settings.SECRET_KEY = "y" * 60
    there = digests_of("198.51.100.7", "x")
    assert not set(here.values()) & set(there.values())


def test_one_household_of_version_6_is_one_address():
    same, other = digests_of("2001:db8:1:2::1", None), digests_of("2001:db8:1:3::1", None)
    assert digests_of("2001:db8:1:2:ffff::9", None) == same
    assert same != other


def test_a_forged_forwarded_address_changes_nothing(bidder, bidder2):
    browse(bidder)
    browser = browse(bidder2, address="203.0.113.9")
    browser.get("/", REMOTE_ADDR="203.0.113.9", HTTP_X_FORWARDED_FOR="198.51.100.7")
    assert not linked_accounts(bidder)


def test_accounts_that_share_an_address_or_a_device_are_linked(bidder, bidder2, stranger):
    browse(bidder, device="phone")
    browse(bidder2, address="203.0.113.9", device="phone")
    browse(stranger, device="laptop")
    assert linked_accounts(bidder) == {bidder2: {"Device"}, stranger: {"Address"}}
    assert linked_accounts(stranger) == {bidder: {"Address"}}


def test_a_program_leaves_a_trace_of_its_address_once_a_day(bidder, side, key_server, signer):
    by_token = {"Authorization": f"Bearer {signer.token()}"}
    program = Client(REMOTE_ADDR="198.51.100.7", headers=by_token)
    assert program.get("/api/v1/notifications/").status_code == 200
    assert not program.cookies
    somebody = Trace.objects.get().user
    assert kinds(somebody) == ["address"]
    browse(bidder)
    assert linked_accounts(bidder) == {somebody: {"Address"}}
    Trace.objects.filter(user=somebody).delete()
    program.get("/api/v1/notifications/")
    assert kinds(somebody) == [], "not written for each request"
    program.get("/api/v1/notifications/", REMOTE_ADDR="203.0.113.9")
    assert kinds(somebody) == ["address"]


def test_a_token_that_counts_for_nothing_leaves_none(side, key_server, signer):
    Client().get("/api/v1/notifications/", headers={"Authorization": f"Bearer {signer.token(iss='another')}"})
    assert not Trace.objects.exists()


def test_without_the_side_server_a_program_is_let_in_all_the_same(key_server, signer, monkeypatch):
    def gone(*_args, **_options):
        raise RedisError("gone")

    monkeypatch.setattr(traces, "cache", SimpleNamespace(add=gone))
    program = Client(headers={"Authorization": f"Bearer {signer.token()}"})
    assert program.get("/api/v1/notifications/").status_code == 200
    assert not Trace.objects.exists()


def test_what_was_not_seen_for_long_links_nobody_and_is_forgotten(bidder, bidder2, settings):
    browse(bidder, device="phone")
    browse(bidder2, device="phone")
    old = timezone.now() - timedelta(days=settings.TRACE_DAYS, minutes=1)
    Trace.objects.filter(user=bidder2).update(last_seen_at=old)
    assert not linked_accounts(bidder)
    forget()
    assert not kinds(bidder2)
    assert kinds(bidder) == ["address", "device"]


def test_only_staff_sees_it_and_only_in_the_admin(client, staff, host, bidder, bidder2, registration):
    browse(bidder, device="phone")
    browse(bidder2, device="phone")
    shown = f"#{bidder2.pk} "
    client.force_login(staff)
    assert shown in client.get(reverse("admin:accounts_user_change", args=[bidder.pk])).content.decode()
    client.force_login(host)
    page = client.get(reverse("admin:auctions_registration_change", args=[registration.pk])).content.decode()
    assert bidder2.display_name not in page
    client.force_login(bidder)
    for name in ("profile", "profile_data"):
        assert bidder2.display_name not in client.get(reverse(name)).content.decode()


def test_a_trace_is_kept_once_and_seen_again(bidder):
    digests = {TraceKind.DEVICE: "d" * 64}
    for _ in range(2):
        trace_add(user=bidder, digests=digests)
    assert Trace.objects.get().digest == "d" * 64


def test_a_request_without_an_address_leaves_the_device_alone():
    from accounts.traces import client_address

    request = RequestFactory().get("/")
    request.META.pop("REMOTE_ADDR")
    assert client_address(request) is None
