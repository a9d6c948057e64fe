import assert from "node:assert/strict";
import { test } from "node:test";

import { pausedFace } from "../../static/js/host/pausedlot.js";
import { sentenceFor } from "../../static/js/room/announcer.js";
import { bidFace } from "../../static/js/room/bidface.js";
import { reduce } from "../../static/js/room/reducer.js";
import { EPOCH, money, room } from "./room.mjs";

const lost = { type: "LOT_PAUSED", v: 18, epoch: EPOCH, at_ms: 1, lot: 7, reason: "stream_lost", remaining_ms: 12_000 };

function withStream(state, value) {
  return { ...state, auction: { ...state.auction, stream: { state: value, kind: "relay", playback_url: "/" } } };
}

test("the room says why a lot waits, and no more once it goes on", () => {
  const open = room();
  const paused = reduce(open, lost);
  const face = bidFace({
    state: paused, desk: { pending: null, refusal: null, jump: null }, chosen: null, connected: true, known: true, closing: false,
    money, fees: [0, 0, true, true],
  });
  assert.equal(face.title, "Paused: the picture is lost");
  assert.equal(sentenceFor(open, paused, money), "Bidding is paused: the picture is lost.");
  const on = reduce(paused, { type: "LOT_RESUMED", v: 19, epoch: EPOCH, at_ms: 1, lot: 7, ends_at_ms: 1_070_000 });
  assert.equal(on.lot.pause_reason, null);
});

test("the camera's page offers to go on, and asks for it only once the picture is back", () => {
  const paused = reduce(room(), lost);
  assert.equal(pausedFace(withStream(room(), "live")), null);
  const dark = pausedFace(withStream(paused, "offline"));
  assert.deepEqual([dark.button, dark.back], ["Resume without the picture", false]);
  assert.match(dark.text, /^Lot .*Paused: the picture is lost\.$/);
  const back = pausedFace(withStream(paused, "live"));
  assert.deepEqual([back.button, back.back], ["Resume", true]);
});
