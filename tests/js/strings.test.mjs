/* What the scripts say on a page in German whose catalogue is empty: the numbers alone are in its language. */

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = { documentElement: { lang: "de" }, getElementById: () => null };
const { words } = await import("../../static/js/strings.js");

test("tenths of seconds have the decimal mark of the page's language", () => {
  assert.equal(words.videoBehind(0.5), "Video is about 0,5 s behind; bids are live.");
  assert.equal(words.secondsBehind(2.5), "2,5 s behind");
  assert.equal(words.clockDoubt(0.312), "±0,3 s");
});
