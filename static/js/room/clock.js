/* The server's time in this page: Redis' clock, counted on the browser's monotonic clock.
   Must never read the wall clock, which may be hours off, and never runs backwards.

   An answered ping tells between which two offsets the server's clock is from ours: it was read after the ping left and
   before the answer came. A message that travelled one way tells the lower one. What is known is what all of them
   have in common, so the quickest way there and the quickest way back count, and time makes it vaguer. */

/** How fast a correction comes in: a tenth of the time that passes, and half of it where much is to be taken back. */
const SLEW = 0.1;
const FAST_SLEW = 0.5;
/** Behind by more than this the clock is set at once: the machine slept. */
const JUMP_AHEAD_MS = 400;
/** How fast two clocks drift apart at most. */
const DRIFT = 1e-4;
/** How exact the server's times are: whole milliseconds, read by several processes. */
const GRAIN_MS = 2;
export const DOUBT_MS = 250;

export class ServerClock {
  #monotonic;
  /** {low, high, at}: the offset was between the two at that time; `high` is Infinity while no ping was answered. */
  #known = null;
  #offset = null;
  #target = -Infinity;
  #at = 0;
  #last = -Infinity;

  constructor(monotonic = () => performance.now()) {
    this.#monotonic = monotonic;
  }

  /** Whether the server's time is known at all. */
  get isSet() {
    return this.#offset !== null;
  }

  /** Learn from an answered ping. Times in ms. */
  sample(sentAt, receivedAt, serverMs) {
    this.#learn(serverMs - receivedAt - GRAIN_MS, serverMs - sentAt + GRAIN_MS);
  }

  /** Learn from a message that only travelled one way: the server's time is at least this. Returns how far off we were. */
  atLeast(serverMs) {
    const low = serverMs - this.#monotonic();
    const off = this.isSet ? low - this.#target : 0;
    this.#learn(low, Infinity);
    return off;
  }

  /** Return the server's time in ms, or null while it is unknown. It never goes back. */
  now() {
    if (!this.isSet) return null;
    const mono = this.#monotonic();
    this.#slew(mono);
    this.#last = Math.max(this.#last, mono + this.#offset);
    return this.#last;
  }

  /** Return by how many ms the time may be wrong; null while no ping was answered. */
  error() {
    const { low, high } = this.#today() ?? { low: 0, high: Infinity };
    if (high === Infinity) return null;
    return Math.max(high - this.#target, this.#target - low) + Math.abs(this.#target - this.#offset);
  }

  #learn(low, high) {
    const before = this.#today();
    const wasRough = before === null || before.high === Infinity;
    let known = { low, high, at: this.#monotonic() };
    if (before !== null && before.low <= high && low <= before.high) {
      known = { ...known, low: Math.max(low, before.low), high: Math.min(high, before.high) };
    } // else one of the clocks was set, or ours stood still while the machine slept: the newest word counts
    this.#known = known;
    // A message that travelled one way corrects what cannot be; only an answer says where the middle is.
    const nearest = high === Infinity ? Math.max(known.low, Math.min(known.high, this.#target)) : (known.low + known.high) / 2;
    this.#aim(nearest, wasRough || known.high === Infinity);
  }

  /** What is known, as vague as it has become. */
  #today() {
    if (this.#known === null) return null;
    const drift = DRIFT * (this.#monotonic() - this.#known.at);
    return { low: this.#known.low - drift, high: this.#known.high + drift };
  }

  /** Go for an offset: slowly, but ahead at once where that is far or where the time is only `rough`. */
  #aim(offset, rough) {
    const mono = this.#monotonic();
    if (this.#offset === null) {
      this.#offset = offset;
      this.#at = mono;
    }
    this.#slew(mono);
    this.#target = offset;
    if (offset - this.#offset > (rough ? 0 : JUMP_AHEAD_MS)) this.#offset = offset;
  }

  #slew(mono) {
    const wanted = this.#target - this.#offset;
    const most = Math.max(0, mono - this.#at) * (wanted < -JUMP_AHEAD_MS ? FAST_SLEW : SLEW);
    this.#offset += Math.max(-most, Math.min(most, wanted));
    this.#at = mono;
  }
}
