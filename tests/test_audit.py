"""Every act of a house and of the site's staff is written down: who, what, when, why, from where, also refusals."""

import importlib
import inspect
import pkgutil
from datetime import timedelta

import pytest
from django.utils import timezone

import auctions
import bidding.services
from accounts.models import Membership, Role, User
from auctions import services
from auctions.audit import addresses_forget, saying_why
from auctions.errors import Refused
from auctions.models import AuditDoor, AuditEntry

STEPS = {
    # The beginnings of a picture, which is written down once it is stored.
    "upload_begin",
    "upload_claim",
    # A buyer's own.
    "order_set_delivery",
    "offer_answer",
}


def acting_services():
    """Return every public function of the services that acts for somebody."""
    modules = [
        importlib.import_module(f"{package.__name__}.{found.name}")
        for package in (auctions, bidding.services)
        for found in pkgutil.iter_modules(package.__path__)
        if not found.ispkg and "admin" not in found.name
    ]
    return {
        name: function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and "actor" in inspect.signature(function).parameters
    }


def test_every_service_that_acts_for_somebody_is_audited():
    found = acting_services()
    assert len(found) > 50
    assert {name for name, function in found.items() if not hasattr(function, "is_audited")} == STEPS


@pytest.mark.django_db
def test_an_act_is_written_with_who_what_and_why(host, draft_auction):
    with saying_why(reason="mistake", note="The wrong one."):
        services.lot_update(actor=host, lot=draft_auction.lots.first(), title="Another title")
    entry = AuditEntry.objects.get(action="lot_update")
    assert (entry.actor, entry.outcome, entry.auction, entry.lot) == (
        host,
        "done",
        draft_auction,
        draft_auction.lots.first(),
    )
    assert (entry.organizer, entry.reason, entry.note) == (draft_auction.organizer, "mistake", "The wrong one.")
    assert (entry.door, entry.address) == (AuditDoor.PROGRAM, "")


@pytest.mark.django_db
def test_a_reserve_is_not_copied(host, draft_auction):
    services.lot_update(actor=host, lot=draft_auction.lots.first(), reserve_amount=987_654)
    assert AuditEntry.objects.get(action="lot_update").given == {"also": ["reserve_amount"]}


@pytest.mark.django_db
def test_a_refusal_is_written_too(other_host, draft_auction):
    with pytest.raises(Refused):
        services.invitation_add(actor=other_host, auction=draft_auction, email="x@example.test")
    entry = AuditEntry.objects.get(actor=other_host)
    assert (entry.action, entry.outcome, entry.auction) == ("invitation_add", "forbidden", draft_auction)


@pytest.mark.django_db
def test_what_a_service_asks_of_another_is_one_act(host, draft_auction):
    before = AuditEntry.objects.count()
    services.lot_image_add(actor=host, lot=draft_auction.lots.first(), upload=picture())
    assert list(AuditEntry.objects.values_list("action", flat=True))[: -before or None] == ["lot_image_add"]


@pytest.mark.django_db
def test_a_page_and_the_admin_say_from_where(client, staff, host, organizer, draft_auction):
    client.force_login(host, backend="django.contrib.auth.backends.ModelBackend")
    client.post(f"/host/auctions/{draft_auction.pk}/board/", {}, REMOTE_ADDR="203.0.113.9")
    entry = AuditEntry.objects.get(action="board_key_renew")
    assert (entry.door, entry.address) == (AuditDoor.PAGE, "203.0.113.9")
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    body = {"name": "Clocks", "slug": "clocks", "position": "1"}
    client.post("/admin/auctions/category/add/", body, REMOTE_ADDR="203.0.113.10")
    entry = AuditEntry.objects.get(action="admin_addition")
    assert (entry.actor, entry.door, entry.address) == (staff, AuditDoor.ADMIN, "203.0.113.10")
    assert entry.given["model"]


@pytest.mark.django_db
def test_what_the_admin_does_by_a_service_is_written_once(client, host, registration):
    client.force_login(host, backend="django.contrib.auth.backends.ModelBackend")
    before = AuditEntry.objects.count()
    strike = {"auction": registration.auction_id, "paddle": registration.paddle, "reason": "abuse", "days": "50"}
    assert client.post("/admin/accounts/strike/add/", strike).status_code == 302
    written = AuditEntry.objects.order_by("pk")[before:]
    assert [(entry.action, entry.subject) for entry in written] == [("strike_add", registration.user)]


@pytest.mark.django_db
def test_a_refusal_in_the_admin_outlasts_what_is_rolled_back(client, host, registration):
    client.force_login(host, backend="django.contrib.auth.backends.ModelBackend")
    strike = {"auction": registration.auction_id, "paddle": registration.paddle, "reason": "abuse", "days": "5000"}
    assert client.post("/admin/accounts/strike/add/", strike).status_code == 200
    entry = AuditEntry.objects.get(action="strike_add")
    assert (entry.outcome, entry.actor, entry.subject) == ("out_of_range", host, registration.user)


@pytest.mark.django_db
def test_addresses_are_forgotten_after_a_while(host, draft_auction, settings):
    for days in (settings.TRACE_DAYS + 1, 1):
        entry = AuditEntry.objects.create(
            actor=host, action="lot_pause", outcome="done", door="page", address="203.0.113.9"
        )
        AuditEntry.objects.filter(pk=entry.pk).update(at=timezone.now() - timedelta(days=days))
    assert addresses_forget() == 1
    assert sorted(AuditEntry.objects.filter(action="lot_pause").values_list("address", flat=True)) == [
        "",
        "203.0.113.9",
    ]


@pytest.mark.django_db
def test_a_house_sees_its_own_and_no_address(client, host, other_host, draft_auction):
    AuditEntry.objects.create(
        actor=host,
        action="lot_pause",
        outcome="done",
        door="desk",
        address="203.0.113.9",
        organizer=draft_auction.organizer,
        auction=draft_auction,
    )
    finance = User.objects.create_user("finance@example.test", "secret-enough", is_staff=True)
    Membership.objects.create(organizer=draft_auction.organizer, user=finance, role=Role.OWNER)
    client.force_login(finance, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/admin/auctions/auditentry/?auction__id__exact={draft_auction.pk}").content.decode()
    assert "203.0.113.9" not in page
    assert "desk" in page.lower()
    assert client.get("/admin/auctions/auditentry/?address=203.0.113.9").status_code in (302, 400)


def picture():
    """Return a small picture as it is uploaded."""
    import io

    from PIL import Image

    made = io.BytesIO()
    Image.new("RGB", (600, 400), "green").save(made, "PNG")
    made.seek(0)
    return made


@pytest.mark.django_db
def test_the_admins_list_is_filtered_by_what_was_done_and_what_came_of_it(
    client, staff, host, other_host, draft_auction
):
    lot = draft_auction.lots.first()
    services.lot_update(actor=host, lot=lot, title="Another title")
    with pytest.raises(Refused):
        services.invitation_add(actor=other_host, auction=draft_auction, email="x@example.test")
    client.force_login(staff)

    def acts(query):
        changes = client.get(f"/admin/auctions/auditentry/?{query}").context["cl"]
        return {(entry.action, entry.outcome) for entry in changes.result_list}

    assert {("lot_update", "done"), ("invitation_add", "forbidden")} <= acts("")
    assert acts("action=lot_update") == {("lot_update", "done")}
    assert acts("became=refused") == {("invitation_add", "forbidden")}
    assert ("invitation_add", "forbidden") not in acts("became=done")
