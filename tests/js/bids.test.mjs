import assert from "node:assert/strict";
import { test } from "node:test";

import { BidDesk, newId } from "../../static/js/room/bids.js";

function deskAt() {
  const at = { now: 0, server: 1_000_000, sent: [], open: true, id: 0 };
  const desk = new BidDesk({
    send: (message) => {
      if (at.open) at.sent.push(message);
      return at.open;
    },
    clock: { now: () => at.server },
    now: () => at.now,
    ids: () => `id-${(at.id += 1)}`,
  });
  return [desk, at];
}

test("a bid names lot, amount, its own id and when it is too late", () => {
  const [desk, at] = deskAt();
  desk.place({ lot: 7, amount: "125.00" });
  assert.deepEqual(at.sent, [{ type: "BID", lot: 7, amount: "125.00", id: "id-1", not_after_ms: 1_008_000 }]);
  assert.equal(desk.pending.phase, "sending");
});

test("one bid at a time", () => {
  const [desk, at] = deskAt();
  assert.equal(desk.place({ lot: 7, amount: "125.00" }), true);
  assert.equal(desk.place({ lot: 7, amount: "130.00" }), false);
  assert.equal(at.sent.length, 1);
});

test("an accepted bid waits until the page has reached its version", () => {
  const [desk] = deskAt();
  desk.place({ lot: 7, amount: "125.00" });
  assert.equal(desk.receive({ type: "BID_ACCEPTED", id: "id-1", amount: "125.00", standing: "leading", v: 18 }), true);
  assert.equal(desk.pending.phase, "settling");
  desk.reached(17);
  assert.notEqual(desk.pending, null);
  desk.reached(18);
  assert.equal(desk.pending, null);
});

test("a reply to another id is not ours", () => {
  const [desk] = deskAt();
  desk.place({ lot: 7, amount: "125.00" });
  assert.equal(desk.receive({ type: "BID_ACCEPTED", id: "other", amount: "125.00", v: 18 }), false);
  assert.equal(desk.pending.phase, "sending");
});

test("a refusal is shown for a while", () => {
  const [desk, at] = deskAt();
  desk.place({ lot: 7, amount: "125.00" });
  desk.receive({ type: "BID_REJECTED", id: "id-1", code: "too_late", message: "Too late by 84 ms.", late_ms: 84 });
  assert.deepEqual([desk.refusal.message, desk.refusal.lateMs, desk.refusal.lot], ["Too late by 84 ms.", 84, 7]);
  at.now = 3_000;
  desk.tick();
  assert.equal(desk.refusal, null);
});

test("a jump bid is confirmed with its token and a new id", () => {
  const [desk, at] = deskAt();
  desk.place({ lot: 7, amount: "5000.00" });
  desk.receive({ type: "BID_REJECTED", id: "id-1", code: "too_high", message: "", confirm: "token" });
  assert.equal(desk.refusal, null);
  desk.confirmJump();
  assert.equal(at.sent[1].confirm, "token");
  assert.equal(at.sent[1].id, "id-2");
});

test("after a lost connection the status is asked first, then the same id is repeated", () => {
  const [desk, at] = deskAt();
  desk.place({ lot: 7, amount: "125.00" });
  desk.lost();
  assert.equal(desk.pending.phase, "checking");
  desk.back();
  assert.deepEqual(at.sent[1], { type: "BID_STATUS", id: "id-1" });
  desk.receive({ type: "BID_UNKNOWN", id: "id-1" });
  assert.deepEqual(at.sent[2], at.sent[0]);
});

test("a bid is never repeated after its time", () => {
  const [desk, at] = deskAt();
  desk.place({ lot: 7, amount: "125.00" });
  desk.lost();
  at.server = 1_009_000;
  desk.back();
  desk.receive({ type: "BID_UNKNOWN", id: "id-1" });
  assert.deepEqual(at.sent.map((message) => message.type), ["BID", "BID_STATUS"]);
});

test("without an answer it is asked after, and in the end said openly", () => {
  const [desk, at] = deskAt();
  desk.place({ lot: 7, amount: "125.00" });
  at.now = 2_600;
  desk.tick();
  assert.equal(desk.pending.phase, "checking");
  at.now = 3_400;
  desk.tick();
  assert.equal(at.sent.filter((message) => message.type === "BID_STATUS").length, 2);
  at.now = 21_000;
  desk.tick();
  assert.equal(desk.pending, null);
  assert.equal(desk.refusal.code, "unconfirmed");
});

test("ids are UUIDs also where the browser cannot make them", () => {
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  assert.match(newId(), uuid);
  const real = crypto.randomUUID;
  Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
  try {
    assert.match(newId(), uuid);
  } finally {
    Object.defineProperty(crypto, "randomUUID", { value: real, configurable: true });
  }
});

test("a bid is not given up while nobody can be asked, however long that is, nor before there is an answer", () => {
  const [desk, at] = deskAt();
  desk.place({ lot: 7, amount: "125.00" });
  at.open = false;
  desk.lost();
  at.now = 60_000;
  desk.tick();
  assert.equal(desk.pending.phase, "checking");
  at.open = true;
  desk.back();
  assert.deepEqual(at.sent.at(-1), { type: "BID_STATUS", id: "id-1" });
  at.now += 500;
  desk.tick();
  desk.receive({ type: "BID_ACCEPTED", id: "id-1", amount: "125.00", standing: "outbid", v: 18 });
  assert.equal(desk.counted, "125.00");
});

test("who came back and hears nothing is told so at last", () => {
  const [desk, at] = deskAt();
  desk.place({ lot: 7, amount: "125.00" });
  desk.lost();
  at.now = 60_000;
  desk.back();
  at.now += 5_100;
  desk.tick();
  assert.equal(desk.pending, null);
  assert.equal(desk.refusal.code, "unconfirmed");
});
