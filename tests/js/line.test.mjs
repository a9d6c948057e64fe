/* The line of time of a recorded show: how its parts are cut, and where a picture goes on. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { behindHole, cut, partAt, pieceAt, reach } from "../../static/js/video/line.js";

const MARKS = Array.from({ length: 10 }, (_none, second) => [60_000 + second * 1_000, 100 + second * 10]);

test("a part is cut into pieces of some seconds that hold every byte once, in their order", () => {
  const pieces = cut({ begins_s: 30, lasts_s: 9.5 }, { marks: MARKS, end: 205 });
  assert.deepEqual(pieces, [
    { fromS: 30, toS: 34, from: 100, to: 140 },
    { fromS: 34, toS: 38, from: 140, to: 180 },
    { fromS: 38, toS: 39.5, from: 180, to: 205 },
  ]);
});

test("a part of a single picture is one piece, and one without bytes is none", () => {
  assert.deepEqual(cut({ begins_s: 0, lasts_s: 0.5 }, { marks: [[7_000, 50]], end: 60 }), [
    { fromS: 0, toS: 0.5, from: 50, to: 60 },
  ]);
  assert.deepEqual(cut({ begins_s: 0, lasts_s: 0 }, { marks: [[7_000, 50]], end: 50 }), []);
  assert.deepEqual(cut({ begins_s: 0, lasts_s: 0 }, { marks: [], end: 50 }), []);
});

test("a second is in the last part and piece that began by then", () => {
  const parts = [{ begins_s: 0 }, { begins_s: 10 }, { begins_s: 25 }];
  assert.deepEqual([-1, 0, 9.9, 10, 99].map((second) => partAt(parts, second)), [0, 0, 0, 1, 2]);
  const pieces = cut({ begins_s: 30, lasts_s: 9.5 }, { marks: MARKS, end: 205 });
  assert.deepEqual([0, 30, 33.9, 34, 99].map((second) => pieceAt(pieces, second)), [0, 0, 0, 1, 2]);
});

test("what is buffered reaches over seams, and no further than a hole", () => {
  const ranges = [[0, 4], [4.03, 8], [9, 12]];
  assert.equal(reach(ranges, 1), 8);
  assert.equal(reach(ranges, 8.5), 8.5);
  assert.equal(reach(ranges, 9), 12);
});

test("a picture that stands before a hole goes on behind it, and nowhere else", () => {
  const ranges = [[0, 4], [6, 8]];
  assert.equal(behindHole(ranges, 4), 6);
  assert.equal(behindHole(ranges, 5), 6);
  assert.equal(behindHole(ranges, 2), null);
  assert.equal(behindHole(ranges, 8), null);
  assert.equal(behindHole([], 1), null);
});
