"""Every key in Redis that belongs to an auction; nothing else in the project names keys of the floor.

All keys of one auction share the hash tag `{auction:<id>}`, so they live in one slot of a Redis Cluster and
one script may touch them all.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AuctionKeys:
    """The keys of one auction."""

    auction_id: int

    def _key(self, *parts: object) -> str:
        return ":".join((f"{{auction:{self.auction_id}}}", *map(str, parts)))

    @property
    def state(self) -> str:
        """Hash: epoch, version, status, the lot that comes next."""
        return self._key("state")

    @property
    def lot(self) -> str:
        """Hash: the current lot with its frozen rules, price, leader and end timestamp."""
        return self._key("lot")

    @property
    def offers(self) -> str:
        """List: the accepted offers of the current lot, in order."""
        return self._key("offers")

    @property
    def recent(self) -> str:
        """List: the price's history of the current lot, newest first."""
        return self._key("recent")

    @property
    def log(self) -> str:
        """Stream: the auction's log; an entry's id is `<v>-<s>`."""
        return self._key("log")

    @property
    def refusals(self) -> str:
        """Stream: refused bids, bounded, outside the chain."""
        return self._key("refusals")

    @property
    def registrations(self) -> str:
        """Hash: each bidder's paddle, status, spending limit and whether they work for the auction."""
        return self._key("registrations")

    @property
    def catalogue(self) -> str:
        """Hash: the pending lots that take pre-bids, with their opening amount."""
        return self._key("catalogue")

    @property
    def won(self) -> str:
        """Hash: what each registration has won so far, in minor units."""
        return self._key("won")

    @property
    def runs(self) -> str:
        """Set: the runs that were opened, so that none opens twice."""
        return self._key("runs")

    @property
    def tombstone(self) -> str:
        """String: left when the keys were cleaned, so that a late bid learns that the auction is over."""
        return self._key("tombstone")

    def pre_bids(self, lot_id: int) -> str:
        """Hash: the pre-bids on a pending lot by registration, each with its place in the log."""
        return self._key("pre-bids", lot_id)

    @property
    def own_pre_bids_stem(self) -> str:
        """What the keys of `own_pre_bids` begin with: only the script that opens a lot knows whose it resolves."""
        return self._key("own-pre-bids", "")

    def own_pre_bids(self, registration_id: int) -> str:
        """Hash: one bidder's pre-bids by lot, in minor units."""
        return f"{self.own_pre_bids_stem}{registration_id}"

    def answers(self, registration_id: int) -> str:
        """Hash: one bidder's answers by bid id."""
        return self._key("answers", registration_id)

    def answer_ids(self, registration_id: int) -> str:
        """List: one bidder's bid ids, oldest first, so that the oldest answers are forgotten first."""
        return self._key("answer-ids", registration_id)
