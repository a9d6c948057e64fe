import assert from "node:assert/strict";
import { test } from "node:test";

import { ServerClock } from "../../static/js/room/clock.js";

function clockAt(start = 1_000) {
  const time = { now: start };
  return [new ServerClock(() => time.now), time];
}

test("the time is unknown until the server spoke", () => {
  const [clock] = clockAt();
  assert.equal(clock.now(), null);
  assert.equal(clock.error(), null);
});

test("the lowest round trip wins", () => {
  const [clock, time] = clockAt();
  time.now = 1_500;
  clock.sample(1_000, 1_500, 900_000 + 1_480);
  time.now = 1_540;
  clock.sample(1_520, 1_540, 900_000 + 1_530);
  time.now = 12_000;
  assert.equal(clock.now(), 912_000);
  assert.equal(clock.error(), 10);
});

test("a wrong wall clock does not matter, because it is never read", () => {
  const wall = Date.now;
  Date.now = () => { throw new Error("the wall clock was read"); };
  try {
    const [clock, time] = clockAt();
    clock.sample(1_000, 1_000, 5_000_000);
    time.now = 3_000;
    assert.equal(clock.now(), 5_002_000);
  } finally {
    Date.now = wall;
  }
});

test("a correction backwards slows the time and never turns it", () => {
  const [clock, time] = clockAt();
  clock.sample(1_000, 1_000, 100_000);
  let before = clock.now();
  time.now = 1_010;
  clock.sample(1_010, 1_010, 99_810);
  for (; time.now < 6_000; time.now += 16) {
    const now = clock.now();
    assert.ok(now >= before);
    before = now;
  }
  assert.ok(Math.abs(clock.now() - (time.now + 98_800)) < 1);
});

test("after a sleep the time is set at once", () => {
  const [clock, time] = clockAt();
  clock.sample(1_000, 1_000, 100_000);
  time.now = 2_000;
  // A minute passed outside while the monotonic clock stood still.
  assert.ok(clock.atLeast(161_000) > 0);
  assert.equal(clock.now(), 161_000);
});

test("a message that was late on its way changes nothing", () => {
  const [clock, time] = clockAt();
  clock.sample(1_000, 1_000, 100_000);
  time.now = 2_000;
  assert.ok(clock.atLeast(100_700) < 0);
  assert.equal(clock.now(), 101_000);
});

test("what remains to be slewed counts as error", () => {
  const [clock, time] = clockAt();
  clock.sample(1_000, 1_000, 100_000);
  time.now = 1_001;
  clock.sample(1_001, 1_001, 99_700);
  clock.now();
  assert.ok(clock.error() > 250);
});
