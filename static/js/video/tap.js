/* Listens to a microphone on the audio thread and hands on one channel of 8-bit samples (μ-law, ITU-T G.711),
   some times a second. Loaded as a worklet: `port` gets {pcmu: Uint8Array}; `sampleRate` is the context's. */

/** Speech needs no more samples a second than this. */
const ENOUGH = 16_000;
const PIECE_S = 0.25;
const BIAS = 132;
const LOUDEST = 32_635;

/** Return a sample from -1 to 1 as one byte. */
function encode(sample) {
  const value = Math.round(sample * 32_768);
  const size = Math.min(Math.abs(value), LOUDEST) + BIAS;
  const exponent = 24 - Math.clz32(size);
  const mantissa = (size >> (exponent + 3)) & 0x0f;
  return ~((value < 0 ? 0x80 : 0) | (exponent << 4) | mantissa) & 0xff;
}

class Tap extends AudioWorkletProcessor {
  #step = Math.max(1, Math.floor(sampleRate / ENOUGH));
  #bytes = new Uint8Array(Math.round((sampleRate / this.#step) * PIECE_S));
  #used = 0;
  #sum = 0;
  #summed = 0;

  process([[samples]]) {
    for (const sample of samples ?? []) {
      this.#sum += sample;
      this.#summed += 1;
      if (this.#summed < this.#step) continue;
      this.#bytes[this.#used] = encode(this.#sum / this.#step);
      this.#sum = this.#summed = 0;
      this.#used += 1;
      if (this.#used < this.#bytes.length) continue;
      this.port.postMessage({ pcmu: this.#bytes, rate: Math.round(sampleRate / this.#step) });
      this.#bytes = new Uint8Array(this.#bytes.length);
      this.#used = 0;
    }
    return true;
  }
}

registerProcessor("tap", Tap);
