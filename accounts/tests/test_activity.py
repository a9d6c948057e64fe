"""When a session was last used is noted now and then, and never costs a page."""

import pytest
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from redis.exceptions import RedisError

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("side")]


def test_a_session_is_noted_once_a_minute(client, bidder, monkeypatch):
    client.force_login(bidder)
    UserSession.objects.all().delete()
    client.get("/")
    assert UserSession.objects.get().user == bidder
    UserSession.objects.all().delete()
    client.get("/")
    assert not UserSession.objects.exists(), "not on every page"
    cache.clear()
    client.get("/")
    assert UserSession.objects.exists(), "again when the minute is over"


def test_without_the_cache_pages_are_served_all_the_same(client, bidder, monkeypatch):
    client.force_login(bidder)

    def gone(*args, **kwargs):
        raise RedisError("gone")

    monkeypatch.setattr(cache, "add", gone)
    assert client.get("/").status_code == 200


def test_a_stranger_is_not_noted(client):
    client.get("/")
    assert not UserSession.objects.exists()
