import assert from "node:assert/strict";
import { test } from "node:test";

import { CALM_MS, LADDER_KBPS, Ladder, SOUND_KBPS, Step } from "../../static/js/video/ladder.js";

/** Send over a line of so many kbit/s from one time to another, a look each 100 ms; returns the steps as [time, limit]. */
function send(ladder, line, from, to) {
  const steps = [];
  let waiting = 0;
  ladder.begin(from);
  for (let now = from; now < to; now += 100) {
    waiting = Math.max(0, waiting + (ladder.limit + SOUND_KBPS - line) * 12.5);
    const step = ladder.look(waiting, now);
    if (step === null) continue;
    steps.push([now, ladder.limit]);
    // A smaller picture begins on a fresh socket, a larger one on the same.
    if (step === Step.DOWN) waiting = 0;
    ladder.begin(now);
  }
  return steps;
}

const limits = (steps) => steps.map(([, limit]) => limit);

test("a quick line carries the best picture all the time", () => {
  const ladder = new Ladder();
  assert.deepEqual(send(ladder, 5_000, 0, 600_000), []);
  assert.equal(ladder.limit, LADDER_KBPS[0]);
});

test("a slow line is stepped down to what it carries", () => {
  for (const [line, reached] of [[1_500, 1_200], [800, 600], [400, 300], [100, 300]]) {
    const ladder = new Ladder();
    send(ladder, line, 0, CALM_MS);
    assert.equal(ladder.limit, reached, `at ${line} kbit/s`);
  }
});

test("it is stepped down within seconds, and never below the lowest", () => {
  const steps = send(new Ladder(), 50, 0, 60_000);
  assert.deepEqual(limits(steps).slice(0, 4), [1_200, 600, 300, 300]);
  assert.ok(steps[0][0] <= 2_500);
});

test("a line that is quick again carries the best picture again, a step at a time", () => {
  const ladder = new Ladder();
  send(ladder, 400, 0, 20_000);
  assert.equal(ladder.limit, 300);
  const steps = send(ladder, 5_000, 20_000, 20_000 + 4 * CALM_MS);
  assert.deepEqual(limits(steps), [600, 1_200, 2_500]);
  assert.deepEqual(steps.map(([at]) => at - 20_000), [CALM_MS, 2 * CALM_MS, 3 * CALM_MS]);
});

test("a line that does not carry more is tried ever more seldom", () => {
  const ladder = new Ladder();
  send(ladder, 800, 0, 20_000);
  const tried = send(ladder, 800, 20_000, 1_500_000).filter(([, limit]) => limit === 1_200).map(([at]) => at);
  const pauses = tried.slice(1).map((at, index) => at - tried[index]);
  assert.ok(pauses.length >= 4);
  assert.ok(pauses.every((pause, index) => index === 0 || pause >= pauses[index - 1]), String(pauses));
  assert.ok(pauses.at(-1) >= 300_000 && pauses.at(-1) < 320_000, String(pauses));
});

test("a step up that the line carried makes the next one as soon as the first", () => {
  const ladder = new Ladder();
  send(ladder, 400, 0, 200_000);
  send(ladder, 800, 200_000, 800_000);
  const steps = send(ladder, 5_000, 800_000, 1_400_000);
  assert.equal(ladder.limit, 2_500);
  assert.equal(steps.at(-1)[0] - steps.at(-2)[0], CALM_MS);
});

test("a little that waits is no calm", () => {
  const ladder = new Ladder();
  ladder.begin(0);
  assert.equal(ladder.look(1e9, 0), Step.DOWN);
  ladder.begin(0);
  for (let now = 0; now < 5 * CALM_MS; now += 1_000) assert.equal(ladder.look(60_000, now), null);
});
