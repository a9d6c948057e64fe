/* The server's time in this page: Redis' clock, counted on the browser's monotonic clock.
   Must never read the wall clock, which may be hours off, and never runs backwards. */

const SAMPLES_KEPT = 8;
const SLEW = 0.1;
/** Behind by more than this the clock is set at once: the machine slept. */
const JUMP_AHEAD_MS = 400;
export const DOUBT_MS = 250;

export class ServerClock {
  #monotonic;
  #samples = [];
  #offset = null;
  #target = 0;
  #at = 0;
  #last = -Infinity;

  constructor(monotonic = () => performance.now()) {
    this.#monotonic = monotonic;
  }

  /** Whether the server's time is known at all. */
  get isSet() {
    return this.#offset !== null;
  }

  /** Learn from an answered ping: the less it travelled, the better it is. Times in ms. */
  sample(sentAt, receivedAt, serverMs) {
    const travel = Math.max(0, receivedAt - sentAt);
    this.#samples.push({ travel, offset: serverMs - (sentAt + receivedAt) / 2 });
    if (this.#samples.length > SAMPLES_KEPT) this.#samples.shift();
    this.#aim(this.#best().offset);
  }

  /** Learn from a message that only travelled one way: the server's time is at least this. Returns how far off we were. */
  atLeast(serverMs) {
    const mono = this.#monotonic();
    if (this.#offset === null) {
      this.#offset = this.#target = serverMs - mono;
      this.#at = mono;
      return 0;
    }
    const off = serverMs - (mono + this.#target);
    if (off > 0) {
      // Every sample that says otherwise is wrong, for instance because this machine slept.
      this.#samples = this.#samples.filter((sample) => sample.offset >= serverMs - mono - 1);
      this.#aim(serverMs - mono);
    }
    return off;
  }

  /** Return the server's time in ms, or null while it is unknown. It never goes back. */
  now() {
    if (this.#offset === null) return null;
    const mono = this.#monotonic();
    this.#slew(mono);
    this.#last = Math.max(this.#last, mono + this.#offset);
    return this.#last;
  }

  /** Return by how many ms the time may be wrong; null while no ping was answered. */
  error() {
    if (!this.#samples.length) return null;
    return this.#best().travel / 2 + Math.abs(this.#target - this.#offset);
  }

  #best() {
    return this.#samples.reduce((best, sample) => (sample.travel <= best.travel ? sample : best));
  }

  #aim(offset) {
    const mono = this.#monotonic();
    if (this.#offset === null) {
      this.#offset = offset;
      this.#at = mono;
    }
    this.#slew(mono);
    this.#target = offset;
    if (offset - this.#offset > JUMP_AHEAD_MS) this.#offset = offset;
  }

  #slew(mono) {
    const most = Math.max(0, mono - this.#at) * SLEW;
    const wanted = this.#target - this.#offset;
    this.#offset += Math.max(-most, Math.min(most, wanted));
    this.#at = mono;
  }
}
