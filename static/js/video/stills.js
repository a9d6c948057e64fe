/* Shows a picture a second, and plays sound without a codec, where a browser cannot play the video. Knows no socket:
   whoever has one hands over heads and bytes. */

import { make } from "../room/draw.js";

/** What comes is played so much later, so that it comes in time. */
const AHEAD_S = 0.15;
/** More than this is not kept waiting: sound that is late is left out. */
const MOST_AHEAD_S = 1;

/** Return the samples of μ-law bytes (ITU-T G.711), from -1 to 1. */
export function decode(bytes) {
  return Float32Array.from(bytes, (byte) => {
    const code = ~byte & 0xff;
    const size = ((((code & 0x0f) << 3) + 132) << ((code >> 4) & 7)) - 132;
    return (code & 0x80 ? -size : size) / 32_768;
  });
}

export class Stills {
  #video;
  #shown;
  #image;
  #newest = 0;
  #context = null;
  #playsUntil = 0;
  #closed = false;

  /** They stand before `video`, and sound is heard as it is not muted; `shown(capturedMs)` is called for each. */
  constructor({ video, shown }) {
    this.#video = video;
    this.#shown = shown;
    this.#image = make("img", "stage-video");
    this.#image.alt = video.getAttribute("aria-label") ?? "";
    video.after(this.#image);
    video.addEventListener("volumechange", this.#heard);
    this.#heard();
  }

  /** Take what the relay sent. */
  async take(head, bytes) {
    if (head.rate) this.#play(bytes, head.rate);
    else if (head.captured_ms) await this.#show(bytes, head.captured_ms);
  }

  /** Show and play nothing any more. */
  close() {
    this.#closed = true;
    this.#video.removeEventListener("volumechange", this.#heard);
    this.#image.remove();
    this.#context?.close();
  }

  async #show(bytes, capturedMs) {
    const url = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
    const next = this.#image.cloneNode();
    next.src = url;
    next.classList.add("is-on");
    try {
      // Decoded before it is shown, so that nothing flickers.
      await next.decode();
    } catch {
      return;
    } finally {
      URL.revokeObjectURL(url);
    }
    if (this.#closed || capturedMs < this.#newest) return;
    this.#newest = capturedMs;
    this.#image.replaceWith(next);
    this.#image = next;
    this.#shown(capturedMs);
  }

  // Browsers let sound begin at somebody's touch, which is the one that ends the muting.
  #heard = () => {
    if (this.#video.muted) {
      this.#context?.suspend();
      return;
    }
    this.#context ??= new AudioContext();
    this.#context.resume();
  };

  #play(bytes, rate) {
    const context = this.#context;
    if (context?.state !== "running" || bytes.length === 0) return;
    const now = context.currentTime;
    if (this.#playsUntil < now) this.#playsUntil = now + AHEAD_S;
    else if (this.#playsUntil > now + MOST_AHEAD_S) return;
    const buffer = context.createBuffer(1, bytes.length, rate);
    buffer.copyToChannel(decode(bytes), 0);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(context.destination);
    source.start(this.#playsUntil);
    this.#playsUntil += buffer.duration;
  }
}
