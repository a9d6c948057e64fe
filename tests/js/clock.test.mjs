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

test("the lowest round trip counts", () => {
  const [clock, time] = clockAt();
  time.now = 1_500;
  clock.sample(1_000, 1_500, 900_000 + 1_480);
  time.now = 1_540;
  clock.sample(1_520, 1_540, 900_000 + 1_530);
  time.now = 12_000;
  assert.equal(clock.now(), 912_000);
  // Half the way, what the clocks may have drifted in ten seconds, and the grain of the server's times.
  assert.ok(clock.error() >= 10 && clock.error() < 14);
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
  assert.equal(clock.error(), null);
});

test("a message that was late on its way changes nothing", () => {
  const [clock, time] = clockAt();
  clock.sample(1_000, 1_000, 100_000);
  time.now = 2_000;
  assert.ok(clock.atLeast(100_700) < 0);
  assert.equal(clock.now(), 101_000);
});

test("an answer alone sets the time right after a sleep, however slow it was", () => {
  const [clock, time] = clockAt();
  clock.sample(1_000, 1_004, 100_002);
  time.now = 2_000;
  clock.sample(1_900, 2_000, 161_000);
  assert.ok(Math.abs(clock.now() - 161_050) <= 50);
  assert.ok(clock.error() <= 60);
});

test("a clock that the server was given back is followed slowly, and told as doubt", () => {
  const [clock, time] = clockAt();
  clock.sample(1_000, 1_004, 105_002);
  time.now = 2_000;
  clock.sample(1_996, 2_000, 100_998);
  let before = clock.now();
  assert.ok(clock.error() > 4_900);
  for (; time.now < 20_000; time.now += 16) {
    const now = clock.now();
    assert.ok(now >= before && now - before < 16.1);
    before = now;
  }
  assert.ok(Math.abs(clock.now() - (99_000 + time.now)) < 3);
});

test("what remains to be slewed counts as error", () => {
  const [clock, time] = clockAt();
  clock.sample(1_000, 1_000, 100_000);
  time.now = 1_001;
  clock.sample(1_001, 1_001, 99_700);
  clock.now();
  assert.ok(clock.error() > 250);
});

// --- Long runs: a page, a network and a server whose clocks are not ours -------------------------------

/** Numbers between 0 and 1 that are the same in every run. */
function chance(seed) {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

const TRUE_START = 1_795_300_000_000;

/** A page's day: real time passes, the page's monotonic clock drifts and may stand still, messages take their ways. */
class Day {
  real = 0;
  mono = 5_000;
  errors = [];

  constructor({ drift = 5e-5, up, down, seed = 1 }) {
    this.clock = new ServerClock(() => this.mono);
    this.drift = drift;
    this.random = chance(seed);
    this.up = () => up(this.random);
    this.down = () => down(this.random);
    this.before = null;
  }

  get server() {
    return TRUE_START + this.real;
  }

  pass(ms) {
    this.real += ms;
    this.mono += ms * (1 + this.drift);
  }

  sleep(ms, { counts }) {
    this.real += ms;
    if (counts) this.mono += ms;
  }

  ping() {
    const sentAt = this.mono;
    this.pass(this.up());
    const told = Math.round(this.server);
    this.pass(this.down());
    this.clock.sample(sentAt, this.mono, told);
  }

  heartbeat() {
    const told = Math.round(this.server);
    this.pass(this.down());
    return this.clock.atLeast(told);
  }

  /** Show frames for so long; what they say may never go back, and how wrong they are is noted. */
  watch(ms, frame = 16) {
    for (const end = this.real + ms; this.real < end; this.pass(frame)) {
      const now = this.clock.now();
      assert.ok(this.before === null || now >= this.before, `back by ${this.before - now} ms`);
      this.before = now;
      this.errors.push(Math.abs(now - this.server));
    }
  }

  /** Enter as the page does: the time of STATE, then five pings. */
  enter() {
    this.heartbeat();
    for (let index = 0; index < 5; index += 1) {
      this.ping();
      this.watch(250);
    }
  }

  get wrong() {
    return Math.abs(this.clock.now() - this.server);
  }

  p99() {
    return this.errors.sort((a, b) => a - b)[Math.floor(this.errors.length * 0.99)];
  }
}

const steady = (ms) => () => ms;
const jittery = (least, most) => (random) => least + (most - least) * random() ** 3;

function evening(day, minutes) {
  day.enter();
  for (let beat = 0; beat < minutes * 12; beat += 1) {
    day.watch(5_000);
    day.heartbeat();
    if (beat % 6 === 0) day.ping();
  }
}

test("over a jittery network the time is right within 30 ms, 99 times in 100", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const day = new Day({ up: jittery(10, 400), down: jittery(10, 400), seed });
    evening(day, 10);
    assert.ok(day.p99() < 30, `seed ${seed}: ${day.p99()}`);
  }
});

test("a way that is slow in one direction is wrong by half the difference at most, and the figure says so", () => {
  const day = new Day({ up: steady(180), down: steady(20) });
  day.enter();
  day.watch(2_000);
  assert.ok(day.wrong <= 83);
  assert.ok(day.clock.error() >= day.wrong && day.clock.error() <= 107);
});

test("a message that came faster than half a round trip makes the time better", () => {
  const ways = [170, 20];
  const day = new Day({ up: steady(20), down: () => ways[day.real > 5_000 ? 1 : 0] });
  day.enter();
  const [wrong, figure] = [day.wrong, day.clock.error()];
  day.pass(5_000);
  day.heartbeat();
  day.watch(2_000);
  assert.ok(wrong > 70 && day.wrong < 25, `${wrong}, then ${day.wrong}`);
  assert.ok(day.clock.error() < figure / 2, `±${figure}, then ±${day.clock.error()}`);
});

test("the shown figure is never less than what the time is wrong by", () => {
  const day = new Day({ up: jittery(5, 900), down: jittery(5, 60), drift: -9e-5, seed: 7 });
  day.enter();
  for (let beat = 0; beat < 200; beat += 1) {
    day.watch(5_000, 250);
    if (beat % 6 === 0) day.ping();
    assert.ok(day.clock.error() + 1 >= day.wrong, `${day.wrong} but ±${day.clock.error()}`);
  }
});

test("clocks that drift apart are followed for hours, although the best answer was an early one", () => {
  const day = new Day({ up: (random) => (day.real < 2_000 ? 1 : 8 + random()), down: (random) => (day.real < 2_000 ? 1 : 8 + random()), drift: 1e-4 });
  day.enter();
  for (let half = 0; half < 480; half += 1) {
    day.watch(30_000, 1_000);
    day.ping();
  }
  assert.ok(day.p99() < 15, `${day.p99()}`);
});

test("one answer, or one heartbeat, sets a page right that slept", () => {
  for (const counts of [true, false]) {
    for (const wakes of ["ping", "heartbeat"]) {
      const day = new Day({ up: jittery(10, 80), down: jittery(10, 80) });
      evening(day, 1);
      day.sleep(3 * 3_600_000, { counts });
      day[wakes]();
      assert.ok(day.wrong < 100, `${wakes}, counting ${counts}: ${day.wrong}`);
      day.watch(10_000);
      day.ping();
      day.watch(2_000);
      assert.ok(day.wrong < 50, `afterwards: ${day.wrong}`);
    }
  }
});

test("in a background tab that runs once a minute the time stays right", () => {
  const day = new Day({ up: jittery(10, 200), down: jittery(10, 200), drift: 8e-5 });
  day.enter();
  for (let minute = 0; minute < 60; minute += 1) {
    day.pass(60_000);
    day.ping();
    day.watch(16);
    assert.ok(day.wrong < 100, `after ${minute} minutes: ${day.wrong}`);
  }
});

test("what a frozen tab hears all at once, and late, changes nothing", () => {
  const day = new Day({ up: steady(15), down: steady(15) });
  day.enter();
  const told = [];
  for (let beat = 0; beat < 60; beat += 1) {
    told.push(Math.round(day.server));
    day.pass(5_000);
  }
  for (const serverMs of told) day.clock.atLeast(serverMs);
  assert.ok(day.wrong < 35, `${day.wrong}`);
});
