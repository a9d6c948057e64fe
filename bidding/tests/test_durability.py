"""What an acknowledgement means: a wrongly set up floor stops the start, and a replica that is away is told."""

from typing import Any

import pytest
import redis
from django.core.management import CommandError, call_command

from bidding import protocol
from bidding.durability import check_floor, floor_findings
from bidding.services import auction_advance
from bidding.tests.conftest import Show
from bidding.tests.test_a_show import bid


def test_the_embedded_floor_is_as_it_must_be(floor: redis.Redis) -> None:
    assert floor_findings(floor) == []


@pytest.mark.parametrize(
    ("name", "value", "serious", "word"),
    [
        ("maxmemory-policy", "allkeys-lru", True, "noeviction"),
        ("appendonly", "no", True, "appendonly"),
        ("appendfsync", "everysec", False, "power loss"),
    ],
)
def test_a_wrong_setting_is_named(floor: redis.Redis, name: str, value: str, serious: bool, word: str) -> None:
    before = floor.config_get(name)[name] or ""
    floor.config_set(name, value)
    try:
        [finding] = floor_findings(floor)
        assert (finding.serious, word in finding.message) == (serious, True)
        assert len(check_floor(floor)) == int(serious)
    finally:
        floor.config_set(name, before)


def test_a_replica_needs_no_append_only_file(floor: redis.Redis, settings: Any) -> None:
    settings.BID_DURABILITY = "replica"
    floor.config_set("appendonly", "no")
    try:
        assert floor_findings(floor) == []
    finally:
        floor.config_set("appendonly", "yes")


def test_a_floor_that_cannot_be_reached_is_told_and_waited_for() -> None:
    [finding] = floor_findings(redis.Redis(port=1))
    assert not finding.serious
    assert "REDIS_URL" in finding.message


def test_the_ledger_does_not_start_on_a_floor_that_forgets(floor: redis.Redis) -> None:
    floor.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(CommandError, match="noeviction"):
            call_command("run_ledger")
    finally:
        floor.config_set("maxmemory-policy", "noeviction")


def test_a_bid_that_no_replica_has_is_unknown_and_asked_again_gets_its_answer(show: Show, settings: Any) -> None:
    auction_advance(auction=show.auction)
    settings.BID_DURABILITY = "replica"
    bid_id = "00000000-0000-4000-8000-000000000001"
    assert isinstance(bid(show, 0, "10.00", id=bid_id), protocol.BidUnknown)
    settings.BID_DURABILITY = "aof"
    assert isinstance(bid(show, 0, "10.00", id=bid_id), protocol.BidAccepted)
