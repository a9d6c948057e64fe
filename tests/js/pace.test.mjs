import assert from "node:assert/strict";
import { test } from "node:test";

import { Delay, LEAP_S, TARGET_S, pace, saidSeconds } from "../../static/js/video/pace.js";

test("near enough behind the newest picture nothing is changed", () => {
  assert.deepEqual(pace(10, [[5, 10 + TARGET_S]]), { rate: 1, seekTo: null });
});

test("what falls behind is caught up with gently, and never faster than one in ten", () => {
  const rates = [0.6, 0.8, 1.2, 2, 2.9].map((ahead) => pace(10, [[0, 10 + ahead]]).rate);
  assert.deepEqual(rates, rates.toSorted());
  assert.ok(rates[0] > 1 && rates.at(-1) === 1.1);
  assert.equal(pace(10, [[0, 10.02]]).rate, 0.95);
});

test("far behind is jumped over, and so is a hole", () => {
  assert.equal(pace(10, [[0, 10 + LEAP_S + 0.1]]).seekTo, 10 + LEAP_S + 0.1 - TARGET_S);
  assert.equal(pace(3, [[0, 4], [6, 9]]).seekTo, 9 - TARGET_S);
  assert.equal(pace(0, [[7, 7.1]]).seekTo, 7);
  assert.equal(pace(20, [[0, 9]]).seekTo, 9 - TARGET_S);
});

test("without pictures there is nothing to do", () => {
  assert.deepEqual(pace(0, []), { rate: 1, seekTo: null });
});

test("the delay is from the moment of capture to now", () => {
  const delay = new Delay();
  assert.equal(delay.at(0, 1_000), null);
  delay.mark(1_000, 50_000);
  delay.mark(2_000, 51_200);
  assert.equal(delay.at(1_500, 51_000), 500);
  assert.equal(delay.at(2_100, 52_000), 700);
  assert.equal(delay.at(2_100, null), null);
});

test("one odd moment does not change what is said", () => {
  const delay = new Delay();
  delay.mark(0, 0);
  assert.deepEqual([600, 620, 3_000, 610, 640].map((late) => delay.sample(0, late)).at(-1), 620);
  delay.clear();
  assert.equal(delay.sample(0, 1), null);
});

test("seconds are said in halves, and never as none at all", () => {
  assert.deepEqual([40, 620, 1_300, 2_260, 12_700].map(saidSeconds), [0.5, 0.5, 1.5, 2.5, 13]);
});
