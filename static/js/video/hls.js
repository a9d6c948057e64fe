/* Plays HLS where the browser does so by itself: iPhones without a MediaSource, and whoever else can.
   Knows nothing of the auction. Offers what every player does: start, stop, view. */

import { backoff } from "../room/socket.js";

const LOOK_MS = 250;
/** A picture that stands still for so long is no live picture. Between two lists there is nothing new for seconds. */
const FROZEN_MS = 6_000;
/** How far behind the newest picture HLS may fall before we jump. */
const FAR_S = 12;
const TYPE = "application/vnd.apple.mpegurl";

/** Tell whether this browser plays HLS by itself. */
export function playsHls(video) {
  return video.canPlayType(TYPE) !== "";
}

export class HlsPlayer {
  #url;
  #video;
  #now;
  #captions;
  #changed;
  #view = { pictures: false, behindMs: null, problem: null };
  #watch = null;
  #retry = null;
  #attempt = 0;
  #movedAt = 0;
  #playedTo = 0;

  /** `now()` is the server's time in ms or null; `changed()` is called when `view` is another one. */
  constructor({ url, video, now, captions, changed }) {
    this.#url = url;
    this.#video = video;
    this.#now = now;
    this.#captions = captions;
    this.#changed = changed;
  }

  /** {pictures: they move now, behindMs: measured, or null, problem: null}. */
  get view() {
    return this.#view;
  }

  /** Play, and go on after whatever happens. Harmless where it runs. */
  start() {
    if (this.#watch !== null) return;
    this.#attempt = 0;
    this.#video.addEventListener("error", this.#again);
    this.#video.addEventListener("ended", this.#again);
    this.#load();
    this.#watch = setInterval(() => this.#look(), LOOK_MS);
  }

  /** Let the picture go. Harmless where nothing runs. */
  stop() {
    if (this.#watch === null) return;
    clearInterval(this.#watch);
    clearTimeout(this.#retry);
    this.#watch = this.#retry = null;
    this.#video.removeEventListener("error", this.#again);
    this.#video.removeEventListener("ended", this.#again);
    this.#video.removeAttribute("src");
    this.#video.load();
    this.#captions.clear();
    this.#show(false, null);
  }

  #load() {
    this.#retry = null;
    this.#movedAt = performance.now();
    this.#playedTo = 0;
    this.#video.src = this.#url;
    this.#video.play().catch(() => {});
  }

  // No list is there before the first second of a stream is over, nor after its end.
  #again = () => {
    this.#show(false, null);
    if (this.#retry !== null) return;
    this.#retry = setTimeout(() => this.#load(), backoff(this.#attempt));
    this.#attempt += 1;
  };

  #look() {
    const video = this.#video;
    const now = performance.now();
    const { seekable } = video;
    const newest = seekable.length ? seekable.end(seekable.length - 1) : 0;
    if (Number.isFinite(newest) && newest - video.currentTime > FAR_S) video.currentTime = newest;
    if (video.paused && video.readyState >= 2) video.play().catch(() => {});
    if (video.currentTime !== this.#playedTo && video.readyState >= 2 && !video.paused) {
      this.#playedTo = video.currentTime;
      this.#movedAt = now;
      this.#attempt = 0;
    }
    const stands = now - this.#movedAt > FROZEN_MS;
    if (stands && this.#retry === null) this.#again();
    const pictures = this.#playedTo > 0 && !stands;
    const captured = pictures ? this.#captured() : null;
    if (captured !== null) this.#captions.reached(captured);
    const time = this.#now();
    this.#show(pictures, captured === null || time === null ? null : Math.max(0, time - captured));
  }

  /** When the picture that is shown was captured, where the browser tells it from the list's dates. */
  #captured() {
    const began = this.#video.getStartDate?.().getTime();
    return Number.isFinite(began) ? began + this.#video.currentTime * 1_000 : null;
  }

  #show(pictures, behindMs) {
    const before = this.#view;
    // Half a second more or less is no news.
    const same = behindMs === null || before.behindMs === null ? behindMs === before.behindMs : Math.abs(behindMs - before.behindMs) < 500;
    if (before.pictures === pictures && same) return;
    this.#view = { pictures, behindMs, problem: null };
    this.#changed();
  }
}
