"""What the tests that compare the engine with the reference model share. Tests nothing by itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis

from bidding.reference import Rules


@contextmanager
def without_sync(floor: redis.Redis) -> Iterator[None]:
    """Answer without a sync to disk before: where decisions are compared and nothing is killed."""
    before: Any = floor.config_get("appendfsync")
    floor.config_set("appendfsync", "no")
    try:
        yield
    finally:
        floor.config_set("appendfsync", before["appendfsync"])


def stored(rules: Rules) -> dict[str, Any]:
    """Return rules as a run stores them and the engine takes them."""
    steps = [list(step) for step in rules.increments]
    return {name: getattr(rules, name) for name in Rules.__slots__} | {"increments": steps}
