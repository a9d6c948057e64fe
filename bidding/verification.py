"""Checks the downloaded record of a lot: order, prices, extensions, deadline, result, chain, signature, witnesses.

Owns what can be known from the public part of a log, and uses nothing but the record, the site's public keys and the
heads that somebody saw while the show ran: no Django, no database. `static/js/record.js` does the same in a browser.
The private parts are replayed by `bidding.replay`.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bidding.chain import GENESIS, NO_PUBLIC, chain_hash, follows, head_message, public_digest

FORMAT: Final = "auction-record/1"
LEAST_WARNING_MS: Final = 10_000
LEAST_WINDOW_MS: Final = 1_000
RESERVE_WAIVED: Final = "reserve_waived"
_AMOUNT = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?")
_OF_THE_SHOW: Final = frozenset(
    {
        "AUCTION_LIVE",
        "LOT_NEXT",
        "CATALOGUE_CHANGED",
        "RULES_CHANGED",
        "INTERVAL",
        "AUCTION_ENDED",
        "AUCTION_CANCELLED",
        "REBUILT",
    }
)
"""Entries that belong to no lot; REBUILT pauses the one that runs."""


class Mismatch(Exception):
    """The first place where a log is not what it should be. The place is a version and a sub-number."""

    def __init__(self, place: tuple[int, int], what: str, expected: object = None, found: object = None) -> None:
        self.place, self.what, self.expected, self.found = place, what, expected, found
        v, s = place
        where = f"version {v}.{s}" if s else f"version {v}"
        compared = "" if expected is None and found is None else f": expected {expected!r}, found {found!r}"
        super().__init__(f"{where}: {what}{compared}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found. `witnessed` is how many of the heads that were seen lie in the record and agree with it."""

    entries: int
    problem: Mismatch | None = None
    key_id: str = ""
    witnessed: int = 0

    @property
    def consistent(self) -> bool:
        """Whether nothing was found wrong."""
        return self.problem is None

    def __str__(self) -> str:
        return f"consistent: {self.entries} events" if self.problem is None else f"inconsistent: {self.problem}"


def verify_record(
    record: Mapping[str, Any], *, keys: Mapping[str, str], heads: Iterable[Mapping[str, Any]] = ()
) -> Verdict:
    """Check a record from its first entry on and return what was found first.

    `keys` are the public keys (hex) that are trusted, by key id; `heads` are LOG_HEAD messages that were witnessed.
    """
    count = 0
    try:
        place = (0, 0)
        try:
            if record["format"] != FORMAT:
                raise Mismatch(place, "the format is not known", FORMAT, record["format"])
            entries: Sequence[Mapping[str, Any]] = record["entries"]
            reader = _Reader(int(record["lot"]["id"]), _texts(entries))
            hashes: dict[int, set[str]] = {}
            previous = GENESIS
            for index, entry in enumerate(entries):
                before, place = place, (int(entry["v"]), int(entry["s"]))
                if not follows(before, place):
                    raise Mismatch(place, "the order of versions is broken", f"after {before[0]}.{before[1]}", place)
                previous = _linked(place, previous, entry)
                hashes.setdefault(place[0], set()).add(previous)
                reader.read(index, place)
                count += 1
            reader.finish(place, record["runs"])
            _check_head(place, previous, reader.epoch, record)
            key_id = _check_signature(place, record, keys)
            witnessed = _check_heads(place, hashes, heads)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Mismatch(place, f"the record is malformed ({error!r})") from error
    except Mismatch as problem:
        return Verdict(count, problem)
    return Verdict(count, None, key_id, witnessed)


def _texts(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any] | None]:
    return [json.loads(entry["public"]) if "public" in entry else None for entry in entries]


def _linked(place: tuple[int, int], previous: str, entry: Mapping[str, Any]) -> str:
    """Return the entry's hash, computed from the one before; raise where the record claims another."""
    digest = public_digest(entry["public"]) if "public" in entry else entry["public_sha256"]
    if (digest == NO_PUBLIC) != (place[1] > 0):
        raise Mismatch(place, "a private entry stands at a public version, or the other way round")
    computed = chain_hash(previous, digest, entry["offer"], entry["rest"])
    if computed != entry["hash"]:
        raise Mismatch(place, "the hash chain is broken", computed, entry["hash"])
    return computed


def _check_head(place: tuple[int, int], last: str, epoch: str, record: Mapping[str, Any]) -> None:
    head = record["head"]
    expected = {"v": place[0], "epoch": epoch, "hash": last}
    found = {name: head[name] for name in expected}
    if found != expected or place[1]:
        raise Mismatch(place, "the signed head is not the last entry", expected, found)


def _check_signature(place: tuple[int, int], record: Mapping[str, Any], keys: Mapping[str, str]) -> str:
    head, signature = record["head"], record["signature"]
    key_id = str(signature["key_id"])
    if key_id not in keys:
        raise Mismatch(place, "the head is signed with a key that is not known", sorted(keys), key_id)
    message = head_message(int(record["auction"]["id"]), head["v"], head["epoch"], head["hash"])
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(keys[key_id]))
        key.verify(bytes.fromhex(signature["signature"]), message)
    except InvalidSignature:
        raise Mismatch(place, f"the signature is not that of key {key_id}") from None
    return key_id


def _check_heads(place: tuple[int, int], hashes: Mapping[int, set[str]], heads: Iterable[Mapping[str, Any]]) -> int:
    """Compare with what was seen while it ran: this is what catches a history that was rewritten and signed again."""
    witnessed = 0
    for head in heads:
        v = int(head["v"])
        if v > place[0]:
            continue
        if head["hash"] not in hashes.get(v, set()):
            raise Mismatch((v, 0), "history was rewritten: a witnessed head is not in it", head["hash"], "another")
        witnessed += 1
    return witnessed


class _Reader:
    """Reads the public texts of a record in order: what belongs to the show, and each run of the lot."""

    def __init__(self, lot_id: int, texts: Sequence[dict[str, Any] | None]) -> None:
        self.epoch = ""
        self._lot_id = lot_id
        self._texts = texts
        self._at_ms = 0
        self._lot: _Lot | None = None
        self._runs: dict[int, _Lot] = {}
        self._is_over = False

    def read(self, index: int, place: tuple[int, int]) -> None:
        """Take the next entry; one without a text says only that it is there."""
        text = self._texts[index]
        lot = self._lot
        if text is None:
            if place[1] == 0 and lot is not None and lot.running:
                raise Mismatch(place, "a public entry is withheld while the lot was open")
            return
        _same(place, "version", place[0], text["v"])
        kind = text["type"]
        if self.epoch and text["epoch"] != self.epoch and kind != "REBUILT":
            raise Mismatch(place, "the epoch changed without a rebuild", self.epoch, text["epoch"])
        if text["at_ms"] < self._at_ms:
            raise Mismatch(place, "time goes backwards", self._at_ms, text["at_ms"])
        if self._is_over:
            raise Mismatch(place, "the show was over")
        self.epoch, self._at_ms = text["epoch"], text["at_ms"]
        if kind in _OF_THE_SHOW:
            self._read_of_the_show(place, kind)
        elif kind == "LOT_OPENED":
            _same(place, "lot", self._lot_id, text["lot"]["id"])
            if lot is not None and lot.running:
                raise Mismatch(place, "the lot was open already")
            self._lot = self._runs[text["lot"]["run"]] = _Lot(place, text)
        elif lot is None:
            raise Mismatch(place, f"{kind} before the lot was opened")
        else:
            _same(place, "lot", self._lot_id, text["lot"])
            lot.apply(place, text, self._next_text(index))

    def finish(self, place: tuple[int, int], claims: Sequence[Mapping[str, Any]]) -> None:
        """Compare what the record says of its runs with what the entries say."""
        _same(place, "runs", list(self._runs), [claim["run"] for claim in claims])
        for claim in claims:
            lot = self._runs[claim["run"]]
            if lot.running:
                raise Mismatch(place, "the lot is not closed")
            for name, expected in lot.outcome().items():
                _same(lot.closed_at, name, expected, claim[name])

    def _read_of_the_show(self, place: tuple[int, int], kind: str) -> None:
        running = self._lot is not None and self._lot.running
        if kind in ("AUCTION_ENDED", "AUCTION_CANCELLED"):
            if running:
                raise Mismatch(place, "the show ended while the lot was open")
            self._is_over = True
        elif kind == "REBUILT" and self._lot is not None and running:
            self._lot.rebuilt()

    def _next_text(self, index: int) -> Mapping[str, Any]:
        following = (self._texts[later] for later in range(index + 1, len(self._texts)))
        return next((text for text in following if text is not None), {})


class _Lot:
    """One run of the lot as the room could follow it."""

    def __init__(self, place: tuple[int, int], text: Mapping[str, Any]) -> None:
        lot = text["lot"]
        self.status = "open"
        self.opening = _minor(lot["opening_amount"]) or 0
        self.price = _minor(lot["current_amount"])
        self.buy_now = _minor(lot["buy_now_amount"])
        self.leader = _paddle(lot["leader"])
        self.bid_count: int = lot["bid_count"]
        self.has_reserve: bool = lot["has_reserve"]
        self.reserve_met: bool = lot["reserve_met"]
        self.ends_at_ms: int = lot["ends_at_ms"]
        self.remaining_ms: int | None = None
        self.window_ms: int = lot["window_ms"]
        self.extension_ms: int = lot["extension_ms"]
        self.mode: str = lot["extension_mode"]
        self.used: int = lot["extensions"]["used"]
        self.allowed: int = lot["extensions"]["allowed"]
        self.hammer_at_ms: int | None = None
        self.closing_number = 0
        self.closed_at = place
        self._bought = False
        self._extension: int | None = None
        self._result: dict[str, Any] = {}
        _same(place, "status", "open", lot["status"])
        _same(place, "extensions used", 0, self.used)
        _same(place, "bids", 0 if self.leader is None else 1, self.bid_count)
        if self.ends_at_ms <= text["at_ms"]:
            raise Mismatch(place, "the lot ends before it opens")
        if self.price is not None and self.price < self.opening:
            raise Mismatch(place, "the price is below the opening bid", self.opening, self.price)

    @property
    def running(self) -> bool:
        """Whether the lot is on offer, also while paused."""
        return self.status in ("open", "paused")

    def outcome(self) -> dict[str, Any]:
        """Return what became of the run."""
        return {**self._result, "bid_count": self.bid_count, "extensions": self.used}

    def rebuilt(self) -> None:
        """Follow a rebuild: the lot comes back paused."""
        if self.status == "open":
            self.status, self.remaining_ms, self.hammer_at_ms = "paused", None, None

    def apply(self, place: tuple[int, int], text: Mapping[str, Any], following: Mapping[str, Any]) -> None:
        """Take the next event of this run. `following` is the public one after it."""
        kind, at_ms = text["type"], text["at_ms"]
        if not self.running and kind != "LOT_REOPENED":
            raise Mismatch(place, f"{kind} after the lot was closed")
        extension, self._extension = self._extension, None
        if extension is not None and (kind, text.get("reason")) != ("LOT_EXTENDED", "bid"):
            raise Mismatch(place, "the extension is not told", "LOT_EXTENDED", kind)
        bought, self._bought = self._bought, False
        match kind:
            case "HIGHEST_BID":
                self._bid(place, text, following)
            case "LOT_EXTENDED":
                self._extended(place, text, extension)
            case "LOT_PAUSED":
                self._expect_open(place, kind, at_ms)
                _same(place, "time left", self.ends_at_ms - at_ms, text["remaining_ms"])
                self.status, self.remaining_ms, self.hammer_at_ms = "paused", text["remaining_ms"], None
            case "LOT_RESUMED":
                self._resumed(place, text)
            case "FAIR_WARNING":
                self._expect_open(place, kind, at_ms)
                if text["hammer_at_ms"] < at_ms + LEAST_WARNING_MS:
                    raise Mismatch(place, "the warning is too short", at_ms + LEAST_WARNING_MS, text["hammer_at_ms"])
                _same(place, "end", max(self.ends_at_ms, text["hammer_at_ms"]), text["ends_at_ms"])
                self.ends_at_ms, self.hammer_at_ms = text["ends_at_ms"], text["hammer_at_ms"]
            case "BID_VOIDED":
                self._voided(place, text)
            case "LOT_CLOSED":
                self._closed(place, text, bought)
            case "LOT_REOPENED":
                if self.running:
                    raise Mismatch(place, "the lot was not closed")
                _same(place, "end", at_ms + max(self.window_ms, LEAST_WINDOW_MS), text["ends_at_ms"])
                self.status, self.ends_at_ms, self.hammer_at_ms = "open", text["ends_at_ms"], None
                self.reserve_met = self.reserve_met or text["reason"] == RESERVE_WAIVED
            case _:
                raise Mismatch(place, f"{kind} is not known")

    def _bid(self, place: tuple[int, int], text: Mapping[str, Any], following: Mapping[str, Any]) -> None:
        at_ms = text["at_ms"]
        self._expect_open(place, "a bid was accepted", at_ms)
        price, bids = _minor(text["current_amount"]), text["bids"]
        if price is None or price < self.opening or (self.price is not None and price <= self.price):
            raise Mismatch(place, "the price does not rise", f"above {self.price or self.opening}", price)
        _same(place, "bids", self.bid_count + 1, text["bid_count"])
        _same(place, "price of the last bid", text["current_amount"], bids[-1]["amount"])
        _same(place, "paddle of the last bid", _paddle(text["leader"]), bids[-1]["paddle"])
        amounts = [_minor(bid["amount"]) or 0 for bid in bids]
        if amounts != sorted(amounts) or any(bid["v"] != place[0] for bid in bids):
            raise Mismatch(place, "the history of the price is out of order")
        if (self.reserve_met or not self.has_reserve) and not text["reserve_met"]:
            raise Mismatch(place, "a reserve that was met is not met any more")
        closes = following.get("type") == "LOT_CLOSED" and following.get("reason") == "buy_now"
        self._bought = closes and price == self.buy_now
        ends = self.ends_at_ms
        if not self._bought and self.used < self.allowed and at_ms >= ends - self.window_ms:
            added = ends + self.extension_ms
            ends = max(ends, at_ms + self.extension_ms) if self.mode == "reset" else added
        _same(place, "end", ends, text["ends_at_ms"])
        if ends > self.ends_at_ms:
            self._extension = ends - self.ends_at_ms
        self.ends_at_ms, self.hammer_at_ms = ends, None
        self.price, self.leader, self.bid_count = price, _paddle(text["leader"]), text["bid_count"]
        self.reserve_met, self.buy_now = text["reserve_met"], _minor(text["buy_now_amount"])

    def _extended(self, place: tuple[int, int], text: Mapping[str, Any], by_bid: int | None) -> None:
        reason, at_ms, ends = text["reason"], text["at_ms"], text["ends_at_ms"]
        if reason == "bid":
            if by_bid is None:
                raise Mismatch(place, "an extension that no bid caused")
            self.used += 1
            if self.used > self.allowed:
                raise Mismatch(place, "more extensions than allowed", self.allowed, self.used)
            expected, added = self.ends_at_ms, by_bid
        elif reason == "host":
            self._expect_open(place, "an extension by hand", at_ms)
            added = text["added_ms"]
            expected, self.hammer_at_ms = self.ends_at_ms + added, None
        elif reason == "outage":
            if self.status != "open" or at_ms < self.ends_at_ms:
                raise Mismatch(place, "an outage is noticed when the end has passed", self.ends_at_ms, at_ms)
            expected = at_ms + max(self.window_ms, LEAST_WINDOW_MS)
            added = expected - self.ends_at_ms
        else:
            raise Mismatch(place, "the reason is not known", "bid, host or outage", reason)
        _same(place, "end", expected, ends)
        _same(place, "added", added, text["added_ms"])
        _same(place, "extensions", {"used": self.used, "allowed": self.allowed}, dict(text["extensions"]))
        if added <= 0:
            raise Mismatch(place, "an extension does not shorten", "more", added)
        self.ends_at_ms = ends

    def _resumed(self, place: tuple[int, int], text: Mapping[str, Any]) -> None:
        _same(place, "status before", "paused", self.status)
        at_ms, ends = text["at_ms"], text["ends_at_ms"]
        if self.remaining_ms is not None:
            _same(place, "end", at_ms + max(self.remaining_ms, self.window_ms), ends)
        elif ends < at_ms + max(self.window_ms, LEAST_WINDOW_MS):
            raise Mismatch(place, "less than the window is left after a rebuild", at_ms + self.window_ms, ends)
        self.status, self.ends_at_ms, self.remaining_ms = "open", ends, None

    def _voided(self, place: tuple[int, int], text: Mapping[str, Any]) -> None:
        price = _minor(text["current_amount"])
        voided_v, leader = text["voided_v"], _paddle(text["leader"])
        # Where the leader's own earlier offer went, their later one beats anew what that had beaten, and may pay more.
        stays = leader == self.leader and text["paddle"] in (None, leader)
        if self.price is None or (price is not None and price > self.price and not stays):
            raise Mismatch(place, "a voided bid cannot raise the price", self.price, price)
        if not 0 <= text["bid_count"] <= self.bid_count + stays or (voided_v is not None and voided_v >= place[0]):
            raise Mismatch(place, "a bid was voided that there was not")
        self.price, self.leader, self.bid_count = price, leader, text["bid_count"]
        if (price is None) != (self.leader is None):
            raise Mismatch(place, "a price has a leader")
        newest = [(bid["amount"], bid["paddle"]) for bid in text["recent_bids"][:1]]
        _same(place, "newest bid", [] if price is None else [(text["current_amount"], self.leader)], newest)
        self.reserve_met, self.hammer_at_ms = text["reserve_met"], None

    def _closed(self, place: tuple[int, int], text: Mapping[str, Any], bought: bool) -> None:
        at_ms, reason, result = text["at_ms"], text["reason"], text["result"]
        ran_out = self.status == "open" and at_ms >= self.ends_at_ms
        hammered = self.hammer_at_ms is not None and at_ms >= self.hammer_at_ms
        fair = {
            "time": ran_out,
            "hammer": hammered,
            "buy_now": bought,
            "no_bids": ran_out or hammered,
            "reserve_not_met": ran_out or hammered,
            "withdrawn": True,
            "cancelled": True,
        }
        if not fair.get(reason, False):
            raise Mismatch(place, f"closed by {reason} before its time", self.ends_at_ms, at_ms)
        if reason in ("withdrawn", "cancelled"):
            expected = "withdrawn", reason
        elif self.leader is None:
            expected = "passed", "no_bids"
        elif not self.reserve_met:
            expected = "passed", "reserve_not_met"
        else:
            expected = "sold", reason
        _same(place, "result", expected, (result, reason))
        sold = result == "sold"
        _same(place, "hammer price", self.price if sold else None, _minor(text["amount"]))
        _same(place, "winner", self.leader if sold else None, _paddle(text["winner"]))
        self.closing_number += 1
        _same(place, "closing", self.closing_number, text["closing_number"])
        self.status, self.closed_at = result, place
        self._result = {
            "result": result,
            "reason": reason,
            "amount": text["amount"],
            "winner": text["winner"],
            "closed_at_ms": at_ms,
        }

    def _expect_open(self, place: tuple[int, int], what: str, at_ms: int) -> None:
        if self.status != "open":
            raise Mismatch(place, f"{what} while the lot was {self.status}")
        if at_ms >= self.ends_at_ms:
            raise Mismatch(place, f"{what} at or after the end", f"before {self.ends_at_ms}", at_ms)


def _same(place: tuple[int, int], what: str, expected: object, found: object) -> None:
    if expected != found:
        raise Mismatch(place, what, expected, found)


def _minor(amount: str | None) -> int | None:
    if amount is None:
        return None
    if not _AMOUNT.fullmatch(amount):
        raise ValueError(f"{amount!r} is no amount")
    return int(amount.replace(".", ""))


def _paddle(leader: Mapping[str, Any] | None) -> int | None:
    return None if leader is None else int(leader["paddle"])
