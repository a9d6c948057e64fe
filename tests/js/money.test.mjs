import assert from "node:assert/strict";
import { test } from "node:test";

import { Money, formatAmount, normalTyped, parseAmount, shareOf, totalOf } from "../../static/js/money.js";

test("amounts follow one grammar", () => {
  assert.equal(parseAmount("125.00", 2), 12_500);
  assert.equal(parseAmount("125.5", 2), 12_550);
  assert.equal(parseAmount("1250", 0), 1_250);
  assert.equal(parseAmount("1.005", 3), 1_005);
  for (const wrong of ["", "0", "0.00", "-1", "1e5", "NaN", "Infinity", " 1", "1_0", "01", "1.", ".5", "1.234", "٣", "1,5", "999999999999.99"]) {
    assert.equal(parseAmount(wrong, 2), null, wrong);
  }
  assert.equal(parseAmount("1.5", 0), null);
});

test("amounts are written as the wire wants them", () => {
  assert.equal(formatAmount(5, 2), "0.05");
  assert.equal(formatAmount(1_250, 0), "1250");
  assert.equal(formatAmount(1_005, 3), "1.005");
});

test("shares are rounded half up, also of the largest amounts", () => {
  assert.equal(shareOf(125, 2_000), 25);
  assert.equal(shareOf(3, 5_000), 2);
  assert.equal(shareOf(10 ** 13, 9_999), 9_999_000_000_000);
});

test("the total holds premium and tax", () => {
  assert.equal(totalOf(10_000, [2_000, 1_900, true, true]), 14_280);
  assert.equal(totalOf(10_000, [2_000, 1_900, false, true]), 12_380);
});

test("people read signs, groups and only the cents that are used", () => {
  const euro = new Money({ exponent: 2, symbol: "€", cents: false }, "en");
  assert.equal(euro.text(125_000), "€1,250");
  assert.equal(euro.text(125_050), "€1,250.50");
  assert.equal(euro.text(5_400, { full: true }), "€54.00");
  assert.equal(new Money({ exponent: 2, symbol: "$", cents: true }, "en").text(500), "$5.00");
  assert.equal(new Money({ exponent: 0, symbol: "¥", cents: false }, "en").text(1_250), "¥1,250");
  assert.equal(new Money({ exponent: 2, symbol: "CHF", cents: false }, "en").text(4_500), "CHF\u00a045");
});

test("what people type is understood", () => {
  assert.equal(normalTyped("€ 1,250.50", 2), "1250.50");
  assert.equal(normalTyped("12,5", 2), "12.5");
  assert.equal(normalTyped("1'250", 2), "1250");
  assert.equal(normalTyped("007", 0), "7");
  assert.equal(normalTyped("1250", 2), "1250");
  for (const none of ["-5", "€ -5", "٣5", "1e5", "5 or 6", "1,2,3"]) assert.equal(parseAmount(normalTyped(none, 2), 2), null, none);
});
