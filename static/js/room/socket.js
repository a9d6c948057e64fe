/* One connection to the room that comes back by itself. Carries messages and knows none of their meaning,
   except the close codes that say whether to come back. */

import { Close, Send } from "./messages.js";

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 10_000;
const SILENCE_MS = 8_000;
const PATIENCE_MS = 5_000;
const WATCH_MS = 1_000;
/** The watch was away for so long: the machine slept, or the page lay in the background. */
const SLEPT_MS = 5_000;
const FINAL = new Map([
  [Close.SIGNED_OUT, "signed_out"],
  [Close.FORBIDDEN, "forbidden"],
  [Close.NOT_FOUND, "not_found"],
  [Close.TOO_MANY, "too_many"],
]);

/** Return how long to wait before the given attempt: doubling, with jitter, so that a crowd does not return at once. */
export function backoff(attempt, random = Math.random) {
  const most = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
  return most / 2 + (most / 2) * random();
}

export class RoomSocket {
  #url;
  #handlers;
  #env;
  #socket = null;
  #attempt = 0;
  #retry = null;
  #watch = null;
  #heardAt = 0;
  #askedAt = null;
  #watchedAt = null;
  #ended = false;
  #position = () => null;

  /**
   * `handlers`: message(object), open(), lost(), final(why), and `position()` returning {since, epoch} or null.
   * `env` replaces the browser in tests: WebSocket, setTimeout, clearTimeout, setInterval, now, wall, random.
   */
  constructor(url, handlers, env = {}) {
    this.#url = url;
    this.#handlers = handlers;
    this.#position = handlers.position ?? (() => null);
    this.#env = {
      WebSocket: globalThis.WebSocket,
      setTimeout: (run, ms) => setTimeout(run, ms),
      clearTimeout: (id) => clearTimeout(id),
      setInterval: (run, ms) => setInterval(run, ms),
      now: () => performance.now(),
      wall: () => Date.now(),
      random: Math.random,
      ...env,
    };
  }

  get isOpen() {
    return this.#socket !== null && this.#socket.readyState === 1;
  }

  /** When the server was last heard, in the time of `now`: a dead network is noticed only later. */
  get heardAt() {
    return this.#heardAt;
  }

  /** Connect, and keep connected until the server says that there is no coming back. */
  start() {
    this.#connect();
    this.#watch ??= this.#env.setInterval(() => this.#look(), WATCH_MS);
  }

  /** Send a message; false when there is no connection. */
  send(message) {
    if (!this.isOpen) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Come back now rather than at the end of the wait: the network or the window came back. */
  hurry() {
    if (this.#ended) return;
    if (this.isOpen) {
      this.#ask();
    } else if (this.#retry !== null) {
      this.#env.clearTimeout(this.#retry);
      this.#attempt = 0;
      this.#connect();
    }
  }

  /** Ask whether the server is still there: the browser says that the network is gone. */
  doubt() {
    if (this.isOpen) this.#ask();
  }

  /** Connect anew as whoever the browser is now: the room knows a seat by the session that it was taken with. */
  renew() {
    this.#ended = false;
    this.#env.clearTimeout(this.#retry);
    this.#attempt = 0;
    const socket = this.#socket;
    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.#connect();
  }

  #connect() {
    this.#retry = null;
    const position = this.#position();
    const query = position ? `since=${position.since}&epoch=${encodeURIComponent(position.epoch)}` : "";
    const joint = query && (this.#url.includes("?") ? "&" : "?");
    const socket = new this.#env.WebSocket(this.#url + joint + query);
    this.#socket = socket;
    this.#heardAt = this.#env.now();
    this.#askedAt = null;
    socket.onopen = () => {
      if (socket !== this.#socket) return;
      this.#heardAt = this.#env.now();
      this.#handlers.open();
    };
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket) return;
      this.#heardAt = this.#env.now();
      this.#askedAt = null;
      this.#attempt = 0;
      const frame = JSON.parse(data);
      for (const message of Array.isArray(frame) ? frame : [frame]) this.#handlers.message(message);
    };
    socket.onclose = ({ code }) => {
      if (socket === this.#socket) this.#closed(code);
    };
  }

  #closed(code) {
    this.#socket = null;
    const why = FINAL.get(code);
    if (why) {
      this.#ended = true;
      this.#handlers.lost();
      this.#handlers.final(why);
      return;
    }
    this.#handlers.lost();
    const wait = backoff(this.#attempt, this.#env.random);
    this.#attempt += 1;
    this.#retry = this.#env.setTimeout(() => this.#connect(), wait);
  }

  #ask() {
    this.#askedAt ??= this.#env.now();
    this.send({ type: Send.PING, t: this.#env.now() });
  }

  #look() {
    const [now, slept] = [this.#env.now(), this.#slept()];
    if (this.#socket !== null && this.#askedAt !== null && now - this.#askedAt > PATIENCE_MS) this.#drop();
    else if (slept) this.hurry();
    else if (this.#socket !== null && now - this.#heardAt > SILENCE_MS) {
      if (this.isOpen) this.#ask();
      else this.#drop();
    }
  }

  // `now` stands still on some machines while they sleep. The wall clock is often wrong and sometimes set, so it only
  // tells when to ask: a needless question costs nothing.
  #slept() {
    const before = this.#watchedAt;
    this.#watchedAt = { now: this.#env.now(), wall: this.#env.wall() };
    if (before === null) return false;
    return Math.max(this.#watchedAt.now - before.now, Math.abs(this.#watchedAt.wall - before.wall)) > SLEPT_MS;
  }

  // A dead network does not close a socket for minutes, so it is let go without waiting for its answer.
  #drop() {
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#closed(1006);
  }
}
