/* The price beside a recorded picture: nothing of it comes before it fell. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { fallen, path, priceAt } from "../../static/js/replayboard.js";

const bid = (at, amount, gone = null) => ({ at_s: at, amount, paddle: 101, automatic: false, gone_s: gone });
const CHAPTER = { at_s: 10, until_s: 20, opening: 100, bids: [bid(12, 100), bid(14, 200, 18), bid(16, 400)] };

test("bids appear as they fell, the newest first", () => {
  assert.deepEqual(fallen(CHAPTER, 11).map(({ amount }) => amount), []);
  assert.deepEqual(fallen(CHAPTER, 12).map(({ amount }) => amount), [100]);
  assert.deepEqual(fallen(CHAPTER, 19).map(({ amount }) => amount), [400, 200, 100]);
});

test("a bid that was taken back counts until then", () => {
  assert.deepEqual(fallen(CHAPTER, 17).map(({ gone }) => gone), [false, false, false]);
  assert.deepEqual(fallen(CHAPTER, 18).map(({ gone }) => gone), [false, true, false]);
  const taken = { ...CHAPTER, bids: [bid(12, 100), bid(14, 200, 18)] };
  assert.deepEqual([11, 12, 15, 18].map((second) => priceAt(taken, second)), [null, 100, 200, 100]);
});

test("the line is drawn up to the moment that is shown", () => {
  assert.equal(path(CHAPTER, 10), "M0 92.0H0.0");
  assert.equal(path(CHAPTER, 13), "M0 92.0H80.0V92.0H120.0");
  assert.equal(path(CHAPTER, 30), "M0 92.0H80.0V92.0H160.0V64.0H240.0V8.0H320.0V8.0H400.0");
});
