"""What a busy room's events become on their way out: consecutive HIGHEST_BIDs of one lot travel as one.

Pure. Owns merging, and which namespaces an event is for as bits; knows nothing of seats.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from bidding import protocol
from bidding.protocol import Namespace, decode_event

BIDS_IN_A_MERGED_EVENT: Final = 3

MASKS: Final = {Namespace.BID: 1, Namespace.CHAT: 2, Namespace.TIMER: 4}
EVERYBODY: Final = 7


def mask_of(namespaces: Iterable[Namespace]) -> int:
    """Return namespaces as bits, so that one `&` says whether a message is for a seat."""
    return sum(MASKS[namespace] for namespace in set(namespaces))


_AUDIENCES: Final = {str(kind.__struct_config__.tag): mask_of(kind.namespaces) for kind in protocol.EVENTS}


def audience(kind: str) -> int:
    """Return which namespaces get an event; one that only a newer process knows travels as most do."""
    return _AUDIENCES.get(kind, mask_of(protocol.Event.namespaces))


def may_merge(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Tell whether two events may travel as one: HIGHEST_BIDs of one lot whose versions follow each other."""
    if not first["type"] == second["type"] == "HIGHEST_BID":
        return False
    return bool(first["lot"] == second["lot"] and first["v"] + 1 == second.get("from_v", second["v"]))


def merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return the second event with the first one's beginning and the last bids of both."""
    bids = [*first["bids"], *second["bids"]][-BIDS_IN_A_MERGED_EVENT:]
    return {**second, "from_v": first.get("from_v", first["v"]), "bids": bids}


def conflated(texts: Iterable[str], mask: int = EVERYBODY) -> list[bytes]:
    """Return events, given in order as they stand in the log, as they travel to such an audience."""
    events: list[dict[str, Any]] = []
    for text in texts:
        event = decode_event(text)
        if events and may_merge(events[-1], event):
            events[-1] = merged(events[-1], event)
        elif audience(event["type"]) & mask:
            events.append(event)
    return [msgspec.json.encode(event) for event in events]
