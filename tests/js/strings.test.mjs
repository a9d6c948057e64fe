/* What the scripts say on a page in German with few words: numbers, and the names of those who chose none. */

import assert from "node:assert/strict";
import { test } from "node:test";

const catalogue = { "Paddle %(paddle)s": "Bieternummer %(paddle)s", Host: "Auktionator", Guest: "Gast" };
globalThis.document = { documentElement: { lang: "de" }, getElementById: () => ({ textContent: JSON.stringify(catalogue) }) };
const { words } = await import("../../static/js/strings.js");
const { leftText } = await import("../../static/js/room/timer.js");

test("tenths of seconds have the decimal mark of the page's language", () => {
  assert.equal(words.videoBehind(0.5), "Video is about 0,5 s behind; bids are live.");
  assert.equal(words.secondsBehind(2.5), "2,5 s behind");
  assert.equal(words.clockDoubt(0.312), "±0,3 s");
  assert.equal(leftText(9_960), "0:09,9");
});

test("who speaks in the chat is named in the page's language, but for the names that people chose", () => {
  const author = (line) => words.author({ paddle: null, role: null, ...line });
  assert.equal(author({ author: "Paddle 107", paddle: 107 }), "Bieternummer 107");
  assert.equal(author({ author: "Host", role: "host" }), "Auktionator");
  assert.equal(author({ author: "Guest" }), "Gast");
  assert.equal(author({ author: "Clara", paddle: 107 }), "Clara");
  assert.equal(author({ author: "Paddle 108", paddle: 107 }), "Paddle 108");
});
