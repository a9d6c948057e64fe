import assert from "node:assert/strict";
import { test } from "node:test";

import { FRESH_MS, Waiting, noteOf, sentence } from "../../static/js/video/captions.js";
import { closed, sample } from "./room.mjs";

const opened = (v, at_ms) => ({ type: "LOT_OPENED", v, at_ms, number: String(v) });

test("a note is made of a lot that opens or closes, and of nothing else", () => {
  const event = sample("LOT_OPENED");
  assert.deepEqual(noteOf(event), { type: "LOT_OPENED", v: event.v, at_ms: event.at_ms, number: event.lot.number });
  assert.equal(sentence(noteOf(event)), `Lot ${event.lot.number}`);
  assert.equal(sentence(noteOf(closed(20))), "Sold to paddle 112");
  assert.equal(sentence(noteOf(closed(20, { result: "passed", amount: null, winner: null }))), "Not sold");
  for (const type of ["STATE", "HIGHEST_BID", "LOT_PAUSED", "CHAT"]) assert.equal(noteOf(sample(type)), null);
  assert.equal(sentence({ type: "ADVERT" }), null);
});

test("a note waits until the picture has come to its moment, and comes once", () => {
  const waiting = new Waiting();
  waiting.add(opened(5, 10_000));
  assert.equal(waiting.reached(9_999), null);
  assert.equal(waiting.reached(10_000).v, 5);
  assert.equal(waiting.reached(10_001), null);
});

test("of two that are due the later one is shown", () => {
  const waiting = new Waiting();
  waiting.add(opened(5, 10_000));
  waiting.add(opened(6, 10_200));
  waiting.add(opened(7, 12_000));
  assert.equal(waiting.reached(10_300).v, 6);
  assert.equal(waiting.reached(12_000).v, 7);
});

test("what a picture has long passed is told no more", () => {
  const waiting = new Waiting();
  waiting.add(opened(5, 10_000));
  assert.equal(waiting.reached(10_000 + FRESH_MS + 1), null);
  assert.equal(waiting.reached(10_000), null);
});

test("few wait, and none once the picture is gone", () => {
  const waiting = new Waiting();
  for (let v = 1; v <= 20; v += 1) waiting.add(opened(v, 1_000 * v));
  assert.equal(waiting.reached(12_000), null);
  assert.equal(waiting.reached(13_000).v, 13);
  waiting.clear();
  assert.equal(waiting.reached(20_000), null);
});
