/* The sound beside stills, from a sample to a byte and back. */

import assert from "node:assert/strict";
import { test } from "node:test";

let Tap = null;
globalThis.AudioWorkletProcessor = class {
  port = { sent: [], postMessage: (message) => this.port.sent.push(message) };
};
globalThis.registerProcessor = (_name, processor) => (Tap = processor);
globalThis.sampleRate = 48_000;
await import("../../static/js/video/tap.js");
const { decode } = await import("../../static/js/video/stills.js");

/** Return what arrives of one second of these samples. */
function through(sampleAt) {
  const tap = new Tap();
  for (let block = 0; block < 375; block += 1) {
    const samples = Float32Array.from({ length: 128 }, (_none, index) => sampleAt(block * 128 + index));
    assert.equal(tap.process([[samples]]), true);
  }
  return tap.port.sent;
}

test("a second of sound is four pieces of 16,000 samples together", () => {
  const sent = through(() => 0);
  assert.deepEqual(sent.map(({ pcmu, rate }) => [pcmu.length, rate]), Array(4).fill([4_000, 16_000]));
});

test("what is heard is what was said, loud and soft, above and below", () => {
  for (const level of [0, 0.001, 0.01, 0.1, 0.5, 0.99, -0.001, -0.1, -0.99]) {
    const heard = decode(through(() => level)[0].pcmu)[100];
    assert.ok(Math.abs(heard - level) <= Math.abs(level) * 0.04 + 0.0003, `${level} was heard as ${heard}`);
  }
});

test("the bytes are those of the standard", () => {
  assert.equal(through(() => 0)[0].pcmu[0], 0xff);
  assert.equal(through(() => 1)[0].pcmu[0], 0x80);
  assert.equal(through(() => -1)[0].pcmu[0], 0x00);
});

test("a microphone that gives nothing for a moment ends nothing", () => {
  assert.equal(new Tap().process([[]]), true);
});
