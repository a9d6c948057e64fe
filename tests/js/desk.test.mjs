import assert from "node:assert/strict";
import { test } from "node:test";

import { againAmount, deskFace, hammerAfter, hammerMeans, nextLot } from "../../static/js/desk/face.js";
import { consequence } from "../../static/js/desk/more.js";
import { sentSize } from "../../static/js/desk/quick.js";
import { overNow } from "../../static/js/desk/queue.js";
import { initialState, reduce } from "../../static/js/room/reducer.js";
import { EPOCH, closed, highestBid, money, room, sample, stateMessage } from "./room.mjs";

const NOW = 1_000_000;
const LOTS = new Map([[7, { id: 7, increments: [[0, 500]], duration_ms: 60_000 }]]);
const QUEUE = [{ id: 8, number: "13", title: "Lamp", opening: "20.00" }];
const NO_WARNING = { v: 0, at: null };

function face(state, changes = {}) {
  return deskFace({ state, queue: QUEUE, connected: true, final: null, now: NOW, hammer: NO_WARNING, lots: LOTS, money, closing: false, ...changes });
}

function passed(reason, v = 18) {
  return closed(v, { result: "passed", reason, amount: null, winner: null });
}

test("one move at a time, from going live to the end", () => {
  const scheduled = room();
  const before = reduce(initialState, stateMessage({ auction: { ...scheduled.auction, status: "scheduled" }, lot: null }));
  assert.deepEqual([face(before).command, face(before).title], ["live", "Go live"]);
  const between = reduce(initialState, stateMessage({ lot: null }));
  assert.deepEqual([face(between).command, face(between).title, face(between).lot], ["open", "Open lot 13", 8]);
  assert.deepEqual([face(room()).command, face(room()).title, face(room()).lot], ["warn", "Fair warning", 7]);
  const warned = face(room(), { hammer: { v: 20, at: NOW + 7_200 } });
  assert.deepEqual([warned.command, warned.title, warned.look], [null, "Hammer in 8 s", "sunk"]);
  const may = face(room(), { hammer: { v: 20, at: NOW } });
  assert.deepEqual([may.command, may.title, may.note], ["hammer", "Hammer", "sells to paddle 112 at €120"]);
  assert.deepEqual([face(room(), { closing: true }).command, face(room(), { closing: true }).title], [null, "Closing…"]);
  const sold = room(closed(18));
  assert.deepEqual([face(sold).command, face(sold).title], ["open", "Open lot 13"]);
  assert.deepEqual([face(sold, { queue: [] }).command, face(sold, { queue: [] }).note], ["end", "no lot waits"]);
  const ended = reduce(sold, { type: "AUCTION_ENDED", v: 19, epoch: EPOCH, at_ms: 1 });
  assert.deepEqual([face(ended).command, face(ended).title], [null, "The show is over"]);
});

test("a paused lot goes on from the same button, and says why it waits", () => {
  const paused = room({ ...sample("LOT_PAUSED"), v: 18, epoch: EPOCH, reason: "stream_lost", remaining_ms: 42_000 });
  const shown = face(paused);
  assert.deepEqual([shown.command, shown.title, shown.note], ["resume", "Resume", "Paused: the picture is lost · 0:42 left"]);
});

test("what nobody wanted is offered again at half from the same button, and the next lot stands beside it", () => {
  const unwanted = room(passed("no_bids"));
  const shown = face(unwanted);
  assert.deepEqual([shown.command, shown.title, shown.amount, shown.lot], ["again", "Offer again at €50", "50.00", 7]);
  assert.deepEqual([shown.second.command, shown.second.title], ["open", "Open lot 13"]);
  // Once it is offered again it comes next.
  const again = reduce(unwanted, {
    type: "LOT_NEXT", v: 19, epoch: EPOCH, at_ms: 1, next: { lot: 7, number: "12", title: "Chronograph", image_url: null, opens_at_ms: null },
  });
  assert.deepEqual([face(again).command, face(again).title, face(again).lot, face(again).second], ["open", "Open lot 12", 7, null]);
  assert.equal(face(unwanted, { queue: [{ id: 7, number: "12", title: "Chronograph" }] }).command, "open");
});

test("what missed its reserve may be sold anyway, after a question, or left", () => {
  const unmet = reduce(room(), { ...stateMessage({ lot: { ...room().lot, has_reserve: true, reserve_met: false } }), v: 18 });
  const shown = face(reduce(unmet, passed("reserve_not_met", 19)));
  assert.deepEqual([shown.command, shown.title, shown.lot, shown.second.command], ["sell", "Sell anyway at €120", 7, "open"]);
  assert.match(shown.confirm, /opens again for 30 s\. Paddle 112 buys at €120, unless somebody bids more/);
  assert.match(face(room(closed(18)), { queue: [] }).confirm, /cannot be taken back/);
  assert.equal(face(room()).confirm, null);
});

test("half an opening bid in whole steps, and never nothing", () => {
  assert.deepEqual([[10_000, 500], [1_500, 500], [600, 500], [300, 500], [500, 500]].map(([opening, step]) => againAmount(opening, [[0, step]])), [5_000, 500, 500, 300, 500]);
});

test("nothing is done while the desk knows too little", () => {
  assert.deepEqual([face(initialState).command, face(initialState).look], [null, "offline"]);
  assert.deepEqual([face(room(), { connected: false }).command, face(room(), { connected: false }).title], [null, "Reconnecting…"]);
  assert.equal(face(room(), { final: "signed_out" }).title, "You were signed out.");
});

test("a bid takes the warning back, and so does whatever the desk does", () => {
  const warning = { ...sample("FAIR_WARNING"), v: 20, hammer_at_ms: NOW + 10_000 };
  const warned = hammerAfter(NO_WARNING, warning);
  assert.deepEqual(warned, { v: 20, at: NOW + 10_000 });
  assert.deepEqual(hammerAfter(warned, { type: "TIMER" }), warned);
  assert.deepEqual(hammerAfter(warned, highestBid(21, "125.00", 109)), { v: 21, at: null });
  for (const type of ["LOT_PAUSED", "LOT_EXTENDED", "BID_VOIDED", "LOT_CLOSED", "LOT_OPENED"]) {
    assert.equal(hammerAfter(warned, { type, v: 22 }).at, null, type);
  }
  assert.equal(hammerAfter(NO_WARNING, { type: "RESUMED", events: [highestBid(19, "125.00", 109), warning] }).at, NOW + 10_000);
});

test("the hammer says what it would do", () => {
  const lot = room().lot;
  assert.equal(hammerMeans({ ...lot, leader: null }, money), "no bids: it passes");
  assert.equal(hammerMeans({ ...lot, has_reserve: true, reserve_met: false }, money), "reserve not met: it passes");
  assert.equal(hammerMeans({ ...lot, has_reserve: true, reserve_met: true }, money), "sells to paddle 112 at €120");
});

test("the next lot is the one that the room was told, else the first that waits", () => {
  assert.equal(nextLot({ next: null, lot: { id: 8, result: null } }, [...QUEUE, { id: 9, number: "14" }]).id, 9);
  assert.equal(nextLot({ next: { lot: 9, number: "14", title: "Vase", opens_at_ms: 5 }, lot: null }, QUEUE).opensAt, 5);
  assert.equal(nextLot({ next: null, lot: null }, []), null);
});

test("taking bids back is told before it is done", () => {
  const lot = room().lot;
  const person = { paddle: 112, offers: 2, without_latest: { paddle: 109, amount: "115.00" }, without: null };
  assert.equal(consequence(person, "latest", lot, money), "Paddle 112 leads at €120. The price becomes €115, and paddle 109 leads.");
  assert.equal(consequence(person, "all", lot, money), "Paddle 112 leads at €120. Then nobody has bid.");
  assert.equal(consequence({ paddle: 101, offers: 0 }, "all", lot, money), "Paddle 101 has no bid for this lot.");
});

test("what is over is shown before it is stored, and what was reopened no more", () => {
  const over = [{ id: 6, number: "11" }, { id: 7, number: "12" }];
  const names = new Map([[9, { id: 9, number: "14", title: "Vase" }]]);
  const results = { 9: { result: "sold", amount: "30.00", winner: { paddle: 101 } } };
  const shown = overNow(over, { results, lot: { id: 7, result: null } }, names);
  assert.deepEqual(shown.map(({ id }) => id), [9, 6]);
  assert.equal(shown[0].paddle, 101);
});

test("a photo is sent as it is, and no wider than the widest", () => {
  assert.deepEqual(sentSize(640, 480), [640, 480]);
  assert.deepEqual(sentSize(3_200, 1_800), [1_600, 900]);
});
