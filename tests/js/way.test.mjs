import assert from "node:assert/strict";
import { test } from "node:test";

import { sourceOf, wayOf } from "../../static/js/video/way.js";

const WEBM = 'video/webm;codecs="vp8,opus"';
const MP4 = 'video/mp4;codecs="avc1.42E01F,mp4a.40.2"';
const takes = (...mimes) => ({ isTypeSupported: (mime) => mimes.includes(mime) });

test("the managed source is taken where the plain one is missing, and only there", () => {
  const [MediaSource, ManagedMediaSource] = [takes(WEBM), takes(MP4)];
  assert.equal(sourceOf({ MediaSource, ManagedMediaSource }), MediaSource);
  assert.equal(sourceOf({ MediaSource }), MediaSource);
  assert.equal(sourceOf({ ManagedMediaSource }), ManagedMediaSource);
  assert.equal(sourceOf({}), null);
});

test("what a source takes goes to it, also where the browser plays HLS", () => {
  for (const playsHls of [true, false]) {
    assert.equal(wayOf(MP4, { Source: takes(MP4), playsHls }), "source");
    assert.equal(wayOf(WEBM, { Source: takes(WEBM), playsHls }), "source");
  }
});

test("MP4 that no source takes is played as HLS where the browser can", () => {
  assert.equal(wayOf(MP4, { Source: null, playsHls: true }), "hls");
  assert.equal(wayOf(MP4, { Source: takes(WEBM), playsHls: true }), "hls");
  assert.equal(wayOf(MP4, { Source: null, playsHls: false }), "none");
});

test("WebM that no source takes cannot be played", () => {
  assert.equal(wayOf(WEBM, { Source: null, playsHls: true }), "none");
  assert.equal(wayOf(WEBM, { Source: takes(MP4), playsHls: true }), "none");
});
