/* What is worth two seconds beside the clock: an extension with its count, a fair warning. */

import { words } from "../strings.js";
import { setText } from "./draw.js";

const SHOWN_MS = 2_000;

/** Return what an extension says. */
function extensionText({ addedMs, used, allowed, reason }) {
  const seconds = Math.round(addedMs / 1_000);
  if (reason !== "bid") return words.extendedBy(seconds);
  // A clock that is reset twice within a second gains nothing that could be named.
  return seconds ? words.extended(seconds, used, allowed) : words.extendedAgain(used, allowed);
}

export class Flash {
  #box;
  #until = 0;

  constructor(box) {
    this.#box = box;
  }

  /** Look at what a message changed; what happened while the page was away is not flashed. */
  observe(before, after, isCatchingUp) {
    if (after.extension && after.extension !== before.extension && !isCatchingUp) this.#show(extensionText(after.extension));
    if (after.warnedAt !== null && after.warnedAt !== before.warnedAt) this.#show(words.fairWarning());
  }

  /** Look at the time. */
  tick() {
    if (!this.#until || performance.now() <= this.#until) return;
    this.#until = 0;
    this.#box.classList.remove("on");
  }

  #show(text) {
    setText(this.#box, text);
    this.#box.classList.add("on");
    this.#until = performance.now() + SHOWN_MS;
  }
}
