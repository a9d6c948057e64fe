import assert from "node:assert/strict";
import { test } from "node:test";

import { Act, bidFace, quickAmounts } from "../../static/js/room/bidface.js";
import { sentenceFor } from "../../static/js/room/announcer.js";
import { lotFacts } from "../../static/js/room/facts.js";
import { missed } from "../../static/js/room/missed.js";
import { reduce } from "../../static/js/room/reducer.js";
import { wholeCode } from "../../static/js/room/paddlesheet.js";
import { countdown, leftText, opensText, untilText } from "../../static/js/room/timer.js";
import { EPOCH, closed, highestBid, lotPart, money, room, stateMessage } from "./room.mjs";

const IDLE = { pending: null, refusal: null, jump: null };

function face(state, changes = {}) {
  return bidFace({
    state, desk: IDLE, chosen: null, connected: true, known: true, closing: false, money, fees: [2_000, 0, true, true], delivery: true,
    barred: false, waiting: false, ...changes,
  });
}

function you(changes) {
  return stateMessage({ you: { ...stateMessage().you, ...changes } });
}

test("the button names the amount and the whole cost", () => {
  const shown = face(room());
  assert.equal(shown.title, "Bid €125");
  assert.equal(shown.note, "you pay €150.00 + delivery");
  assert.deepEqual([shown.look, shown.act, shown.amount], ["ready", Act.BID, 12_500]);
});

test("every state of the button", () => {
  const outbid = room(highestBid(18, "125.00", 109), highestBid(19, "130.00", 112));
  assert.deepEqual([face(outbid).look, face(outbid).title, face(outbid).strip.text], ["outbid", "Bid €135", "Outbid at €130"]);
  const leading = face(room(highestBid(18, "125.00", 109)));
  assert.deepEqual([leading.look, leading.title, leading.note, leading.act], ["leading", "You lead at €125", "Raise my maximum", Act.RAISE]);
  const pending = { id: "a", lot: 7, amount: "125.00", phase: "sending" };
  assert.equal(face(room(), { desk: { ...IDLE, pending } }).title, "Sending €125…");
  assert.equal(face(room(), { desk: { ...IDLE, pending: { ...pending, phase: "checking" } } }).title, "Checking €125…");
  assert.equal(face(room(), { desk: { ...IDLE, pending }, connected: false }).title, "Checking €125…");
  assert.equal(face(room(), { connected: false }).look, "offline");
  assert.equal(face(room(), { closing: true }).title, "Closing…");
  const refusal = { code: "too_late", message: "Too late by 84 ms." };
  assert.deepEqual([face(room(), { desk: { ...IDLE, refusal } }).look, face(room(), { desk: { ...IDLE, refusal } }).title], ["refused", "Too late: the lot was over."]);
  const jump = face(room(), { desk: { ...IDLE, jump: { lot: 7, amount: "1200.00", token: "t" } } });
  assert.deepEqual([jump.title, jump.note, jump.cancel, jump.act], ["Confirm €1,200", "10 times the price", true, Act.CONFIRM]);
  const paused = room({ type: "LOT_PAUSED", v: 18, epoch: EPOCH, at_ms: 1, lot: 7, reason: "host", remaining_ms: 1 });
  assert.equal(face(paused).title, "Paused by the host");
  assert.equal(face(room(), { barred: true }).title, "You run this show");
  assert.equal(face(reduce(room(), { type: "AUCTION_ENDED", v: 18, epoch: EPOCH, at_ms: 1 })).title, "The show is over");
});

test("without a paddle the button offers one, and says what a bid costs", () => {
  const shown = face(reduce(room(), you({ paddle: null })));
  assert.deepEqual([shown.look, shown.title, shown.act], ["outline", "Get your paddle", Act.PADDLE]);
  assert.match(shown.note, /€125 · you pay €150\.00/);
});

test("won and lost are told by the paddle", () => {
  const won = face(room(closed(18, { winner: { paddle: 109 } })));
  assert.deepEqual([won.look, won.title, won.note], ["won", "Won at €120", "you pay €144.00 + delivery"]);
  const lost = face(room(closed(18)));
  assert.deepEqual([lost.look, lost.title, lost.note], ["sunk", "Sold at €120", "to paddle 112"]);
});

test("who lost reads by how much, and that nobody bid or the reserve stood in the way", () => {
  const mine = [highestBid(18, "125.00", 109), highestBid(19, "130.00", 112)];
  const lost = face(room(...mine, closed(20, { amount: "130.00" })));
  assert.deepEqual([lost.strip.look, lost.strip.text], ["out", "You were €5 below"]);
  assert.equal(face(room(closed(18))).strip.text, "You are paddle 109");
  const unsold = { result: "passed", reason: "reserve_not_met", amount: null, winner: null };
  assert.equal(face(room(...mine, closed(20, unsold))).note, "The highest bid was €130");
  assert.equal(face(room(mine[0], closed(19, unsold))).note, "Your €125 was the highest");
  const nobody = face(room(closed(18, { ...unsold, reason: "no_bids" })));
  assert.deepEqual([nobody.title, nobody.note], ["No bids", "The host may offer it again."]);
  const withdrawn = { ...unsold, result: "withdrawn", reason: "withdrawn" };
  assert.deepEqual([face(room(...mine, closed(20, withdrawn))).note, face(room(closed(18, withdrawn))).note], ["Nobody pays anything.", ""]);
});

test("who came too late reads by how much, and what it was sold at once that is known", () => {
  const refusal = { code: "too_late", message: "Too late by 84 ms. It ended at €120.00.", lot: 7, lateMs: 84 };
  const shown = (state) => face(state, { desk: { ...IDLE, refusal } });
  assert.deepEqual([shown(room()).title, shown(room()).note], ["Too late by 84 ms", ""]);
  assert.deepEqual([shown(room(closed(18))).title, shown(room(closed(18))).note], ["Too late by 84 ms", "Sold at €120"]);
  const other = { ...refusal, code: "over_limit", lateMs: null, message: "This is above your spending limit." };
  assert.equal(face(room(closed(18)), { desk: { ...IDLE, refusal: other } }).title, "This is above your spending limit.");
});

test("a bid that was taken back is told to its bidder until there is a newer one", () => {
  const led = room(highestBid(18, "125.00", 109));
  const back = {
    type: "BID_VOIDED", v: 19, epoch: EPOCH, at_ms: 1, lot: 7, reason: "mistake", voided_v: 18, paddle: 109, current_amount: "120.00",
    minimum_amount: "125.00", leader: { paddle: 112 }, bid_count: 4, reserve_met: true, recent_bids: stateMessage().recent_bids,
  };
  const after = reduce(led, back);
  assert.deepEqual([face(after).strip.look, face(after).strip.text, face(after).title], ["out", "Your bid was taken back", "Bid €125"]);
  assert.equal(sentenceFor(led, after, money), "Your bid was taken back. The price is €120.");
  assert.equal(face(reduce(led, { ...back, paddle: 112 })).strip.text, "You are paddle 109");
  assert.equal(face(reduce(after, highestBid(20, "125.00", 112))).strip.text, "You are paddle 109");
});

test("where there is no coming back, nothing pretends to reconnect", () => {
  const shown = face(room(), { connected: false, final: "forbidden" });
  assert.deepEqual([shown.look, shown.title, shown.act], ["refused", "You were removed from this auction", Act.NOTHING]);
  for (const final of ["signed_out", "not_found", "too_many"]) assert.ok(face(room(), { connected: false, final }).title);
});

test("without a paddle an amount may be chosen, and is what the paddle is offered for", () => {
  const shown = face(reduce(room(), you({ paddle: null })), { chosen: 13_500 });
  assert.match(shown.note, /€135 · you pay €162\.00/);
});

test("a code counts as whole however it is written", () => {
  assert.equal(wholeCode(" 1234-5678 "), "12345678");
  assert.equal(wholeCode("1234 5678"), "12345678");
  assert.equal(wholeCode("1234-567"), null);
  assert.equal(wholeCode("123456789"), null);
});

test("the quick amounts begin at the minimum and follow the steps", () => {
  assert.deepEqual(quickAmounts(lotPart(), [[0, 500], [10_000, 1_000]], money), [12_500, 13_500, 17_500]);
  assert.deepEqual(quickAmounts(lotPart({ buy_now_amount: "130.00" }), [[0, 500]], money), [12_500]);
});

test("the countdown has tenths below ten seconds and never ends by itself", () => {
  assert.equal(leftText(83_400), "1:23");
  assert.equal(leftText(10_000), "0:10");
  assert.equal(leftText(9_999), "0:09.9");
  assert.equal(leftText(3_700_000), "1:01:40");
  const lot = lotPart({ ends_at_ms: 1_000 });
  assert.equal(countdown(lot, 1_000, 60_000).text, "Closing…");
  assert.equal(countdown(lot, 9_000_000, 60_000).text, "Closing…");
  assert.equal(countdown(lot, null, 60_000).text, "");
  assert.equal(countdown(lotPart({ status: "paused", remaining_ms: 12_000, ends_at_ms: null }), 5, 60_000).text, "0:12");
  assert.equal(countdown(lotPart({ ends_at_ms: 31_000 }), 1_000, 60_000).share, 0.5);
});

test("what was missed is one sentence", () => {
  const before = room();
  const say = (after, counted = null) => missed({ before, after, awayMs: 12_000, counted, money, now: 1_033_000 });
  assert.equal(say(before), "Away 12 s: nothing changed; 0:09.0 left.");
  assert.equal(say(room(highestBid(18, "125.00", 109), highestBid(19, "130.00", 112)), "125.00"),
    "Away 12 s: your €125 counted, then paddle 112 bid €130; 0:09.0 left.");
  assert.equal(say(room(closed(18))), "Away 12 s: lot 3 was sold at €120.");
});

test("a screen reader hears the lead, its loss and the result", () => {
  const before = room();
  const led = room(highestBid(18, "125.00", 109));
  const lost = room(highestBid(18, "125.00", 109), highestBid(19, "130.00", 112));
  assert.equal(sentenceFor(before, led, money), "You lead at €125.");
  assert.equal(sentenceFor(led, lost, money), "You were outbid at €130.");
  assert.equal(sentenceFor(before, room(closed(18)), money), "Lot 3 sold at €120 to paddle 112.");
  assert.equal(sentenceFor(before, before, money), null);
});

test("what is to come is told in days, then to the second", () => {
  assert.equal(untilText(0), "Any moment now");
  assert.equal(untilText(59_001), "1:00");
  assert.equal(untilText(3 * 86_400_000 + 7_200_000), "3 days 2 h");
  assert.equal(opensText({ opens_at_ms: 5_000 }, 1), "opens in 5 s");
  for (const unknown of [null, { opens_at_ms: null }]) assert.equal(opensText(unknown, 1), "");
  assert.equal(opensText({ opens_at_ms: 5_000 }, null), "");
  assert.equal(opensText({ opens_at_ms: 5_000 }, 5_000), "");
});

test("the facts beneath a price name the leader, and the reader as you", () => {
  const lot = { ...lotPart(), leader: { paddle: 12 }, bid_count: 4, has_reserve: true, reserve_met: false };
  assert.deepEqual(lotFacts(lot, null), ["Paddle 12", "4 bids", "reserve not met"]);
  assert.deepEqual(lotFacts({ ...lot, reserve_met: true }, 12), ["You", "4 bids", "reserve met"]);
  assert.deepEqual(lotFacts({ ...lot, leader: null, bid_count: 0 }, 12), ["No bids yet"]);
});
