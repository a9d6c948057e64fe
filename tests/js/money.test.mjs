import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
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

const ENGLISH = { exponent: 2, cents: false, pattern: "€#", group: ",", point: "." };
const GERMAN = { exponent: 2, cents: false, pattern: "#\u00a0€", group: ".", point: "," };

test("people read signs, groups and only the cents that are used", () => {
  const euro = new Money(ENGLISH);
  assert.equal(euro.text(125_000), "€1,250");
  assert.equal(euro.text(125_050), "€1,250.50");
  assert.equal(euro.text(5_400, { full: true }), "€54.00");
  assert.equal(new Money({ ...ENGLISH, cents: true }).text(500), "€5.00");
  assert.deepEqual(euro.parts(125_000), ["€", "1,250", ""]);
  const german = new Money(GERMAN);
  assert.equal(german.text(125_050), "1.250,50\u00a0€");
  assert.deepEqual(german.parts(125_000), ["", "1.250", "\u00a0€"]);
});

test("a field holds what its reader understands", () => {
  assert.equal(new Money(GERMAN).field(125_050), "1250,50");
  assert.equal(new Money(GERMAN).field(125_000), "1250");
  assert.equal(new Money({ ...GERMAN, cents: true }).field(125_000), "1250,00");
  for (const style of [ENGLISH, GERMAN]) {
    for (const exponent of [0, 2, 3]) {
      const money = new Money({ ...style, exponent });
      for (const minor of [1, 99, 100, 1_005, 1_234_567]) assert.equal(money.typed(money.field(minor)), minor);
    }
  }
});

const TYPED = JSON.parse(readFileSync(new URL("typed.json", import.meta.url), "utf8"));

test("what people type is understood, and what can be read in two ways is refused", () => {
  for (const [typed, exponent, point, minor] of TYPED) {
    assert.equal(parseAmount(normalTyped(typed, exponent, point), exponent), minor, `${typed} with ${exponent} digits after ${point}`);
  }
});
