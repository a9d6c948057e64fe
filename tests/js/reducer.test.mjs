import assert from "node:assert/strict";
import { test } from "node:test";

import { Event } from "../../static/js/room/messages.js";
import { initialState, isLeading, reduce } from "../../static/js/room/reducer.js";
import { EPOCH, SAMPLES, closed, highestBid, lotPart, room, stateMessage } from "./room.mjs";

function own(v, maximum, paddle = 109) {
  const you = { signed_in: true, paddle, leading: true, max_amount: maximum, can_bid: true, reason: null };
  return { type: "YOU", v, epoch: EPOCH, you };
}

function voidedRaise(v) {
  return {
    type: "BID_VOIDED", v, epoch: EPOCH, at_ms: 1, lot: 7, reason: "mistake", voided_v: null, paddle: null,
    current_amount: "120.00", minimum_amount: "125.00", leader: { paddle: 112 }, bid_count: 4, reserve_met: true, recent_bids: [],
  };
}

test("events in order change the room and its version", () => {
  const state = room(highestBid(18, "125.00", 109));
  assert.equal(state.v, 18);
  assert.equal(state.lot.current_amount, "125.00");
  assert.equal(state.bids[0].amount, "125.00");
  assert.equal(state.bids.length, 2);
});

test("an event that was seen before changes nothing", () => {
  const state = room(highestBid(18, "125.00", 109));
  assert.equal(reduce(state, highestBid(18, "125.00", 109)), state);
  assert.equal(reduce(state, highestBid(17, "120.00", 112)), state);
});

test("a gap is noticed, and nothing after it is shown", () => {
  const state = room(highestBid(19, "130.00", 112));
  assert.equal(state.behind, true);
  assert.equal(state.v, 17);
  assert.equal(state.lot.current_amount, "120.00");
});

test("a range that begins at the next version is no gap", () => {
  const state = room(highestBid(21, "140.00", 112, { from_v: 18 }));
  assert.equal(state.behind, false);
  assert.equal(state.v, 21);
});

test("a range that overlaps what is known is applied", () => {
  const state = room(highestBid(18, "125.00", 109), highestBid(20, "135.00", 112, { from_v: 17 }));
  assert.equal(state.v, 20);
});

test("what was missed comes with RESUMED, in order", () => {
  const behind = room(highestBid(20, "135.00", 112));
  const state = reduce(behind, {
    type: "RESUMED", v: 20, epoch: EPOCH, server_time_ms: 1, you: behind.you,
    events: [highestBid(18, "125.00", 109), highestBid(19, "130.00", 112), highestBid(20, "135.00", 109)],
  });
  assert.equal(state.behind, false);
  assert.equal(state.v, 20);
  assert.equal(isLeading(state), true);
});

test("another epoch waits for STATE", () => {
  const state = room({ ...highestBid(18, "125.00", 109), epoch: "other" });
  assert.equal(state.behind, true);
  assert.equal(state.v, 17);
  const fresh = reduce(state, stateMessage({ v: 3, epoch: "other" }));
  assert.equal(fresh.v, 3);
  assert.equal(fresh.behind, false);
});

test("an older picture of the same epoch never takes the page back", () => {
  const state = reduce(room(highestBid(18, "125.00", 109)), stateMessage({ v: 17 }));
  assert.equal(state.v, 18);
  assert.equal(state.lot.current_amount, "125.00");
});

test("a heartbeat with a later version shows that something was lost", () => {
  const timer = { type: "TIMER", server_time_ms: 1, lot: 7, ends_at_ms: 1_042_000, v: 19, epoch: EPOCH };
  assert.equal(room(timer).behind, true);
  assert.equal(room({ ...timer, v: 17 }).behind, false);
});

test("what was late and arrives by itself is missing no more", () => {
  const timer = { type: "TIMER", server_time_ms: 1, lot: 7, ends_at_ms: 1_042_000, v: 19, epoch: EPOCH };
  assert.equal(room(timer, highestBid(18, "125.00", 109)).behind, true);
  assert.equal(room(timer, highestBid(18, "125.00", 109), highestBid(19, "130.00", 112)).behind, false);
});

test("a lot that changed while nobody listened makes the page read the catalogue again", () => {
  const later = (changes) => reduce(room(), stateMessage({ v: 30, ...changes }));
  assert.equal(later({}).catalogueChangedAt, 0);
  assert.equal(later({ lot: lotPart({ id: 9 }) }).catalogueChangedAt, 30);
  assert.equal(later({ epoch: "other" }).catalogueChangedAt, 30);
});

test("leading is computed from the paddle, not from who sent", () => {
  assert.equal(isLeading(room(highestBid(18, "125.00", 109))), true);
  assert.equal(isLeading(room(highestBid(18, "125.00", 110))), false);
  const without = stateMessage({ you: { signed_in: false, paddle: null }, lot: lotPart({ leader: null }) });
  assert.equal(isLeading(reduce(initialState, without)), false);
});

test("a lot runs from open to its result and may be reopened", () => {
  const sold = room(closed(18));
  assert.equal(sold.lot.status, "sold");
  assert.deepEqual(sold.results[7], { result: "sold", reason: "time", winner: { paddle: 112 }, amount: "120.00" });
  const again = reduce(sold, { type: "LOT_REOPENED", v: 19, epoch: EPOCH, at_ms: 1, lot: 7, reason: "mistake", ends_at_ms: 1_060_000 });
  assert.equal(again.lot.status, "open");
  assert.equal(again.results[7], undefined);
});

test("a lot that is reopened to be sold anyway has no reserve any more, and another one keeps it", () => {
  const unmet = reduce(room(), { ...stateMessage({ lot: lotPart({ has_reserve: true, reserve_met: false }) }), v: 18 });
  const passed = reduce(unmet, closed(19, { result: "passed", reason: "reserve_not_met", amount: null, winner: null }));
  const reopened = (reason) => reduce(passed, { type: "LOT_REOPENED", v: 20, epoch: EPOCH, at_ms: 1, lot: 7, reason, ends_at_ms: 1_060_000 }).lot;
  assert.deepEqual([reopened("reserve_waived").has_reserve, reopened("reserve_waived").reserve_met], [false, true]);
  assert.deepEqual([reopened("mistake").has_reserve, reopened("mistake").reserve_met], [true, false]);
});

test("a pause keeps what is left, and resuming gives a new end", () => {
  const paused = room({ type: "LOT_PAUSED", v: 18, epoch: EPOCH, at_ms: 1, lot: 7, reason: "host", remaining_ms: 12_000 });
  assert.equal(paused.lot.status, "paused");
  assert.equal(paused.lot.ends_at_ms, null);
  const on = reduce(paused, { type: "LOT_RESUMED", v: 19, epoch: EPOCH, at_ms: 1, lot: 7, ends_at_ms: 1_070_000 });
  assert.equal(on.lot.status, "open");
  assert.equal(on.lot.remaining_ms, null);
});

test("a voided bid takes price and leader back and leaves the history", () => {
  const state = room(highestBid(18, "125.00", 109), {
    type: "BID_VOIDED", v: 19, epoch: EPOCH, at_ms: 1, lot: 7, reason: "mistake", voided_v: 18, paddle: 109, current_amount: "120.00",
    minimum_amount: "125.00", leader: { paddle: 112 }, bid_count: 4, reserve_met: true,
    recent_bids: [{ v: 17, amount: "120.00", paddle: 112, automatic: false, at_ms: 1 }],
  });
  assert.equal(state.lot.current_amount, "120.00");
  assert.deepEqual(state.bids.map((bid) => bid.v), [17]);
});

test("a voided raise names nobody: the leader's own maximum waits for YOU", () => {
  const state = room(own(17, "500.00", 112), voidedRaise(18));
  assert.deepEqual([state.you.leading, state.you.max_amount], [true, null]);
  assert.equal(reduce(state, own(17, "500.00", 112)).you.max_amount, null, "that was read before it");
  assert.equal(reduce(state, own(18, "130.00", 112)).you.max_amount, "130.00");
});

test("an own maximum that is read after an event and heard before it stays", () => {
  assert.equal(room(own(18, "130.00", 112), voidedRaise(18)).you.max_amount, "130.00");
});

test("an own maximum below the price shown was read before it, and is not taken", () => {
  const state = room(highestBid(18, "125.00", 109), highestBid(19, "160.00", 109), own(18, "150.00"));
  assert.deepEqual([state.you.leading, state.you.max_amount], [true, null]);
});

test("of two own maxima the one that was read later counts, whichever is heard first", () => {
  const leading = room(highestBid(18, "125.00", 109), highestBid(19, "130.00", 109), own(19, "200.00"));
  for (const late of [own(18, "150.00"), own(19, "180.00")]) assert.equal(reduce(leading, late).you.max_amount, "200.00");
});

test("an own part of another epoch waits for STATE", () => {
  assert.equal(room({ ...own(3, "150.00"), epoch: "other" }).behind, true);
});

test("chat lines come once and can be taken away", () => {
  const line = { id: "a", author: "Paddle 112", paddle: 112, role: null, text: "hello", at_ms: 1 };
  const state = room({ type: "CHAT", line }, { type: "CHAT", line });
  assert.equal(state.chat.length, 1);
  assert.equal(reduce(state, { type: "CHAT_REMOVED", id: "a" }).chat.length, 0);
});

test("every sample of an event moves the version, and no sample breaks the page", () => {
  for (const { name, payload } of SAMPLES) {
    const isEvent = Object.values(Event).includes(payload.type);
    const state = reduce(room(), isEvent ? { ...payload, v: 18, epoch: EPOCH } : payload);
    assert.equal(state.v >= 17, true, name);
    if (isEvent) assert.equal(state.v, 18, `${payload.type} ${name}`);
  }
});

test("types that are not known are ignored", () => {
  const state = room();
  assert.equal(reduce(state, { type: "SOMETHING_NEW", v: 18, epoch: EPOCH }), state);
  assert.equal(reduce(state, { type: "constructor" }), state);
});

test("a snapshot and its events equal a fresh snapshot", () => {
  const state = room(highestBid(18, "125.00", 109));
  const fresh = reduce(initialState, stateMessage({
    v: 18,
    lot: lotPart({ current_amount: "125.00", minimum_amount: "130.00", leader: { paddle: 109 }, bid_count: 5 }),
    recent_bids: [...highestBid(18, "125.00", 109).bids, ...stateMessage().recent_bids],
    you: { ...stateMessage().you, leading: true },
  }));
  assert.deepEqual(state, { ...fresh, ownV: state.ownV }, "but for when one's own part was read");
});
