"""Who would have bought a lot at what price had others never bid: recomputed from the stored log. Reads only.

The rules are `bidding.reference`'s, by which the log is verified too: somebody's offers are taken out, pre-bids and
raised maxima with them, and all that remain decide anew, as when the engine voids one. A maximum that never showed in a
bid decides here as it would have decided then, and is told to nobody: only the price that it comes to is.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import msgspec

from auctions.models import LotRun
from bidding.models import Event
from bidding.reference import Rules, Taken, outcome
from bidding.verification import RESERVE_WAIVED


@dataclass(frozen=True, slots=True)
class Standing:
    """Who leads at what price, in minor units."""

    registration: int
    amount: int
    meets_reserve: bool


def standing_without(run: LotRun, registrations: Collection[int] = ()) -> Standing | None:
    """Return who leads a run when these bidders are taken out, or None where nobody is left."""
    rules, offers = _offers(run)
    price, leader = outcome(rules, [offer for offer in offers if offer.registration not in registrations])
    if price is None or leader is None:
        return None
    return Standing(leader, price, rules.reserve is None or price >= rules.reserve)


def reserve_of(run: LotRun) -> int | None:
    """Return the reserve that a run had at its end."""
    return _offers(run)[0].reserve


def _offers(run: LotRun) -> tuple[Rules, list[Taken]]:
    """Return the rules of a run at its end, and the offers that stood then, in their order."""
    rules, offers = Rules.of(run.rules), list[Taken]()
    for event in Event.objects.filter(run=run).order_by("v", "s"):
        private = msgspec.json.decode(event.private) if event.private else {}
        match event.kind:
            case "LOT_OPENED":
                # A pre-bid below the opening bid is no offer.
                offers = [
                    Taken(given["registration"], given["maximum"], True, tuple(given["place"]))
                    for given in private["pre_bids"]
                    if given["maximum"] >= rules.opening
                ]
            case "HIGHEST_BID" | "MAX_RAISED":
                is_maximum = private["kind"] == "max"
                offers.append(Taken(private["registration"], private["maximum"], is_maximum, (event.v, event.s)))
            case "BID_VOIDED":
                offers = [offer for offer in offers if offer.place != tuple(private["place"])]
            case "LOT_REOPENED" if msgspec.json.decode(event.public)["reason"] == RESERVE_WAIVED:
                rules = replace(rules, reserve=None)
    return rules, offers
