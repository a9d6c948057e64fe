/* Bytes into a media element, in order, one at a time, and with a bound. Owns one MediaSource. */

import { sourceOf } from "./way.js";

/** What was played is kept for so long; what is older is let go. */
const KEEP_S = 8;
const MOST_QUEUED = 400;

/** The browser's MediaSource of either kind, or null. */
export const Source = sourceOf(globalThis);

/** Tell whether a media type with its codecs can be played here. */
export function canPlay(mime) {
  return Source !== null && Source.isTypeSupported(mime);
}

export class Feed {
  #video;
  #source;
  #url;
  #buffer = null;
  #queue = [];
  #opening = null;
  #failed;

  /** `failed(error)` is called once where the browser cannot go on with it. */
  constructor(video, mime, failed) {
    this.#video = video;
    this.#failed = failed;
    this.#source = new Source();
    this.#url = URL.createObjectURL(this.#source);
    // Without this an iPhone gives no managed source.
    video.disableRemotePlayback = true;
    video.src = this.#url;
    this.#source.addEventListener("sourceopen", () => this.#open(mime), { once: true });
    // A managed source says when it wants bytes.
    this.#source.addEventListener("startstreaming", () => this.#next());
  }

  /** Take bytes: the opening first, then whole frames; `isMark` where they begin with a whole picture. */
  push(bytes, isMark = false) {
    // Live pictures that the player does not want now are not wanted later: it goes on with the newest.
    if (isMark && !this.#wants) this.#queue = this.#queue.filter((waiting) => waiting === this.#opening);
    this.#opening ??= bytes;
    this.#queue.push(bytes);
    if (this.#queue.length > MOST_QUEUED) this.#fail(new Error("the player takes nothing"));
    else this.#next();
  }

  /** Return what is buffered, as [start, end] in seconds. */
  get ranges() {
    const buffered = this.#video.buffered;
    return Array.from({ length: buffered.length }, (_none, index) => [buffered.start(index), buffered.end(index)]);
  }

  /** Let the element go. */
  close() {
    this.#failed = null;
    this.#queue = [];
    this.#buffer = null;
    URL.revokeObjectURL(this.#url);
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  /** Whether the source takes bytes now; only a managed one ever does not. */
  get #wants() {
    return this.#source.streaming ?? true;
  }

  #open(mime) {
    if (this.#failed === null) return;
    try {
      this.#source.duration = Infinity;
      this.#buffer = this.#source.addSourceBuffer(mime);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#buffer.addEventListener("updateend", () => this.#next());
    this.#buffer.addEventListener("error", () => this.#fail(new Error("the player refused a picture")));
    this.#next();
  }

  #next() {
    const buffer = this.#buffer;
    if (buffer === null || buffer.updating || !this.#wants || this.#source.readyState !== "open") return;
    try {
      const until = this.#video.currentTime - KEEP_S;
      if (buffer.buffered.length && buffer.buffered.start(0) < until - KEEP_S) {
        buffer.remove(0, until);
        return;
      }
      const bytes = this.#queue.shift();
      if (bytes) buffer.appendBuffer(bytes);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error) {
    const tell = this.#failed;
    this.#failed = null;
    tell?.(error);
  }
}
