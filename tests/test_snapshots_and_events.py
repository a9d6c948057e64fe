"""A snapshot and the events after it are the later snapshot: in the Python client and in the page, on the same samples.

Random shows on real services, engine and Redis; `STORIES` says how many. The page's part is there where Node is.
"""

import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bidding.tests.conftest import Show, make_show, show  # noqa: F401 - fixtures
from bidding.tests.proving import without_sync
from paddle_client import Applied, RoomState
from paddle_client import messages as m
from tests.stories import Chapter, Message, Over, Story, Told, hearing

STORIES = int(os.environ.get("STORIES", "20"))
HEARINGS = 12
"""How many seats hear one story."""
NODE = shutil.which("node")

View = dict[str, Any]
Fold = Callable[[list[Message]], list[View]]


def client_fold(messages: list[Message]) -> list[View]:
    """Return what the Python client shows after each message."""
    room, views = RoomState(), []
    for message in messages:
        [decoded] = m.decode(json.dumps(message))
        applied = room.apply(decoded)
        views.append(
            msgspec.to_builtins(
                {
                    "v": room.v,
                    "epoch": room.epoch,
                    "behind": applied in (Applied.GAP, Applied.BEHIND),
                    "auction": room.auction,
                    "lot": room.lot,
                    "next": room.next,
                    "bids": list(room.recent_bids),
                    "you": room.you,
                }
            )
        )
    return views


@contextmanager
def page_fold() -> Iterator[Fold]:
    """Run the page's reducer in Node."""
    command = [str(NODE), str(Path(__file__).parent / "js/reduce.mjs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as node:
        assert node.stdin is not None
        assert node.stdout is not None
        stdin, stdout = node.stdin, node.stdout

        def fold(messages: list[Message]) -> list[View]:
            stdin.write(json.dumps(messages) + "\n")
            stdin.flush()
            views: list[View] = json.loads(stdout.readline())
            return views

        yield fold
        stdin.close()


@pytest.fixture(scope="module")
def folds() -> Iterator[dict[str, Fold]]:
    """Return who must show the same."""
    if NODE is None:
        yield {"the client": client_fold}
        return
    with page_fold() as page:
        yield {"the client": client_fold, "the page": page}


def is_part_of(some: list[Any], whole: list[Any]) -> bool:
    """Tell whether a list holds some of another's values in the same order."""
    rest = iter(whole)
    return all(value in rest for value in some)


def check(view: View, told: Told) -> None:
    """Compare what is shown with the moment that it should be."""
    assert told.missing in (None, view["behind"])
    if told.moment is None:
        return
    state = told.moment.state
    assert {name: view[name] for name in ("v", "epoch", "auction", "lot", "next")} == {
        name: state[name] for name in ("v", "epoch", "auction", "lot", "next")
    }
    # A merged event holds its last three bids only.
    newest = state["recent_bids"]
    assert is_part_of(view["bids"], told.moment.bids)
    assert view["bids"][:3] == newest[: min(3, len(view["bids"]))]
    own, shown = state["you"], view["you"]
    assert {name: shown[name] for name in own if name != "max_amount"} == {
        name: own[name] for name in own if name != "max_amount"
    }
    # One's own maximum is private, so no event tells of it, nor that it was raised: YOU does. But it is never too high.
    if own["leading"] and not told.own_is_new and shown["max_amount"] is not None:
        assert float(state["lot"]["current_amount"]) <= float(shown["max_amount"]) <= float(own["max_amount"])
    if "results" in view and state["lot"]:
        lot, result = state["lot"], view["results"].get(str(state["lot"]["id"]))
        assert (result is not None) == (lot["result"] is not None)
        if result is not None:
            sold = lot["result"] == "sold"
            assert result == {
                "result": lot["result"],
                "reason": lot["reason"],
                "winner": lot["winner"],
                "amount": lot["current_amount"] if sold else None,
            }


def story_of(first: Show, floor: redis.Redis, chance: random.Random, steps: int) -> list[Chapter]:
    """Return a random story."""
    floor.flushall()
    story = Story(first, floor, chance)
    try:
        return story.play(steps)
    except Over:
        return story.chapters
    finally:
        story.close()


@pytest.mark.timeout(120 + 10 * STORIES)
def test_a_snapshot_and_its_events_are_the_later_snapshot(
    show: Show,  # noqa: F811
    floor: redis.Redis,
    folds: dict[str, Fold],
) -> None:
    @settings(
        max_examples=STORIES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        # A smaller story would be nice to read, but each costs a second.
        phases=[Phase.generate],
    )
    @given(chance=st.randoms(use_true_random=False), steps=st.integers(5, 60))
    def play(chance: random.Random, steps: int) -> None:
        chapters = story_of(show, floor, chance, steps)
        for _ in range(HEARINGS):
            told = hearing(chapters, chance)
            for name, fold in folds.items():
                views = fold([each.message for each in told])
                for number, (view, each) in enumerate(zip(views, told, strict=True)):
                    try:
                        check(view, each)
                    except AssertionError as error:
                        error.add_note(f"{name}, message {number} of {len(told)}: {each.message}")
                        raise

    with without_sync(floor):
        play()
