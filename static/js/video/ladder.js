/* How much a publisher sends: less where the line is slow, and more again once it has been quick for a while. Pure. */

/** From the best picture down, in kbit/s; a slow line is better sent less than late. */
export const LADDER_KBPS = [2_500, 1_200, 600, 300];
export const SOUND_KBPS = 64;
/** So much of the stream may wait for the line before the picture is made smaller. */
const MOST_WAITING_S = 2;
/** More than this is no quick line. */
const LITTLE_WAITING_S = 0.25;
export const CALM_MS = 30_000;
const LONGEST_CALM_MS = 300_000;
/** A larger picture that the line does not carry for so long was a mistake. */
const PROVED_MS = 20_000;

export const Step = Object.freeze({ DOWN: "down", UP: "up" });

export class Ladder {
  #step = 0;
  #calmMs = CALM_MS;
  #calmSince = null;
  #triedAt = null;

  /** What the picture may take, in kbit/s. */
  get limit() {
    return LADDER_KBPS[this.#step];
  }

  /** Begin to send at this limit. */
  begin(now) {
    this.#calmSince = now;
  }

  /** Look at how many bytes wait for the line; return the step that was taken, or null. Times in ms. */
  look(waiting, now) {
    const waitingS = waiting / ((this.limit + SOUND_KBPS) * 125);
    if (waitingS > MOST_WAITING_S) return this.#down();
    if (this.#triedAt !== null && now - this.#triedAt >= PROVED_MS) {
      this.#triedAt = null;
      this.#calmMs = CALM_MS;
    }
    if (waitingS > LITTLE_WAITING_S) this.#calmSince = now;
    return this.#step > 0 && now - this.#calmSince >= this.#calmMs ? this.#up(now) : null;
  }

  /** The lowest step is taken again too: what waits there must go. */
  #down() {
    if (this.#triedAt !== null) this.#calmMs = Math.min(LONGEST_CALM_MS, this.#calmMs * 2);
    this.#triedAt = null;
    this.#step = Math.min(this.#step + 1, LADDER_KBPS.length - 1);
    return Step.DOWN;
  }

  #up(now) {
    this.#triedAt = now;
    this.#step -= 1;
    return Step.UP;
  }
}
