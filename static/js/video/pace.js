/* How fast a live picture plays, so that it stays close behind and nobody notices. Pure; seconds throughout. */

/** How far behind the newest picture we play: less stutters on ordinary networks. */
export const TARGET_S = 0.4;
/** Further behind than this is not caught up with but jumped over. */
export const LEAP_S = 3;
const SLOWEST = 0.95;
const FASTEST = 1.1;
/** What is near enough is left alone: sound whose speed changes all the time is heard. */
const NEAR_S = 0.15;
const GAIN = 0.15;

/** Return {rate, seekTo} for the playing time and the buffered [start, end] ranges; `seekTo` is null to play on. */
export function pace(time, ranges) {
  if (ranges.length === 0) return { rate: 1, seekTo: null };
  const [start, end] = ranges.at(-1);
  const ahead = end - time;
  // Before the newest range is a hole, or what was skipped; after its end is nothing.
  if (time < start || ahead > LEAP_S || ahead < -TARGET_S) return { rate: 1, seekTo: Math.max(start, end - TARGET_S) };
  const off = ahead - TARGET_S;
  if (Math.abs(off) < NEAR_S) return { rate: 1, seekTo: null };
  return { rate: Math.min(FASTEST, Math.max(SLOWEST, 1 + off * GAIN)), seekTo: null };
}

/** Measures how far a picture is behind the moment that it shows; what is told is calm and never better than it is. */
export class Delay {
  #marks = [];
  #samples = [];

  /** Learn when a media time was captured; both in ms. */
  mark(mediaMs, capturedMs) {
    this.#marks.push({ mediaMs, capturedMs });
    if (this.#marks.length > 40) this.#marks.shift();
  }

  /** Forget everything: another recording begins. */
  clear() {
    this.#marks = [];
    this.#samples = [];
  }

  /** Return when what is shown at this media time was captured, in the server's time, or null while that is not known. */
  captured(mediaMs) {
    if (this.#marks.length === 0) return null;
    const mark = this.#marks.findLast((each) => each.mediaMs <= mediaMs) ?? this.#marks[0];
    return mark.capturedMs + mediaMs - mark.mediaMs;
  }

  /** Return by how many ms what is shown at this media time is late now, or null while that is not known. */
  at(mediaMs, nowMs) {
    const captured = this.captured(mediaMs);
    return nowMs === null || captured === null ? null : nowMs - captured;
  }

  /** Take a sample once a second or so; return the median of the last ones in ms, or null. */
  sample(mediaMs, nowMs) {
    const late = this.at(mediaMs, nowMs);
    if (late === null) return null;
    this.#samples.push(late);
    if (this.#samples.length > 5) this.#samples.shift();
    return this.#samples.toSorted((a, b) => a - b)[this.#samples.length >> 1];
  }
}

/** Return seconds fit to be said: to the half below ten, never "0". */
export function saidSeconds(ms) {
  const seconds = ms / 1_000;
  return seconds < 10 ? Math.max(0.5, Math.round(seconds * 2) / 2) : Math.round(seconds);
}
