/* The countdown and its fuse: words and a share of a bar, from the server's time. It never says that a lot is over. */

import { decimalMark, words } from "../strings.js";
import { setText } from "./draw.js";

export const LAST_MS = 10_000;
const REFILL_MS = 240;

/** Write what is left: m:ss, with tenths below ten seconds, hours where there are some. */
export function leftText(ms) {
  if (ms < LAST_MS) {
    const tenths = Math.max(0, Math.floor(ms / 100));
    return `0:0${Math.floor(tenths / 10)}${decimalMark}${tenths % 10}`;
  }
  const seconds = Math.floor(ms / 1_000);
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  if (minutes < 60) return `${minutes}:${String(rest).padStart(2, "0")}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${String(rest).padStart(2, "0")}`;
}

/** Write how long it is until a show begins: days and hours from afar, then a countdown. */
export function untilText(ms) {
  if (ms <= 0) return words.anyMoment();
  const hours = Math.floor(ms / 3_600_000);
  if (hours >= 24) return `${words.days(Math.floor(hours / 24))} ${words.hours(hours % 24)}`;
  return leftText(Math.ceil(ms / 1_000) * 1_000);
}

/** Say when the next lot opens; nothing where that is not known, or is now. */
export function opensText(next, now) {
  const opens = next?.opens_at_ms;
  if (!opens || now === null) return "";
  const seconds = Math.ceil((opens - now) / 1_000);
  return seconds > 0 ? words.opensIn(seconds) : "";
}

/** Return {text, last, words, share, closing} of a lot; `now` is the server's time or null, `duration` the lot's own. */
export function countdown(lot, now, duration) {
  const nothing = { text: "", last: false, words: true, share: 0, closing: false, left: null };
  if (!lot || lot.result) return nothing;
  if (lot.status === "paused") {
    const left = lot.remaining_ms ?? 0;
    return { ...nothing, words: false, text: leftText(left), share: Math.min(1, left / duration), left: null };
  }
  if (lot.status !== "open" || lot.ends_at_ms === null || now === null) return nothing;
  const left = lot.ends_at_ms - now;
  if (left <= 0) return { ...nothing, text: words.closing(), closing: true };
  return { text: leftText(left), last: left < LAST_MS, words: false, share: Math.min(1, left / duration), closing: false, left };
}

/** Shows the countdown. */
export class TimerView {
  #timer;
  #text;
  #doubt;
  #fuse;
  #bar;
  #endsAt = null;

  constructor({ timer, fuse }) {
    this.#timer = timer;
    this.#doubt = document.createElement("span");
    this.#doubt.className = "doubt";
    this.#text = document.createElement("span");
    timer.replaceChildren(this.#doubt, this.#text);
    this.#fuse = fuse;
    this.#bar = fuse.querySelector("i");
  }

  /** Show a countdown; `doubt` is the clock's error in ms where it is worth saying, else null. */
  draw(at, lot, doubt) {
    setText(this.#text, at.text);
    setText(this.#doubt, doubt !== null && at.left !== null ? words.clockDoubt(doubt / 1_000) : "");
    this.#timer.classList.toggle("last", at.last);
    this.#timer.classList.toggle("words", at.words);
    this.#fuse.classList.toggle("last", at.last);
    const endsAt = lot?.ends_at_ms ?? null;
    if (this.#endsAt !== null && endsAt !== null && endsAt > this.#endsAt) {
      this.#fuse.classList.add("refill");
      setTimeout(() => this.#fuse.classList.remove("refill"), REFILL_MS);
    }
    this.#endsAt = endsAt;
    const share = at.share.toFixed(4);
    if (this.#bar.dataset.left !== share) {
      this.#bar.dataset.left = share;
      this.#bar.style.setProperty("--left", share);
    }
  }
}
