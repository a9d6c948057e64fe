/* One connection to the room that comes back by itself. Carries messages and knows none of their meaning,
   except the close codes that say whether to come back. */

import { Close, Send } from "./messages.js";

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 10_000;
const SILENCE_MS = 8_000;
const PATIENCE_MS = 5_000;
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
  #ended = false;
  #position = () => null;

  /**
   * `handlers`: message(object), open(), lost(), final(why), and `position()` returning {since, epoch} or null.
   * `env` replaces the browser in tests: WebSocket, setTimeout, clearTimeout, setInterval, now, random.
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
    this.#watch ??= this.#env.setInterval(() => this.#listenForSilence(), 1_000);
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

  #connect() {
    this.#retry = null;
    const position = this.#position();
    const query = position ? `?since=${position.since}&epoch=${encodeURIComponent(position.epoch)}` : "";
    const socket = new this.#env.WebSocket(this.#url + query);
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

  #listenForSilence() {
    if (this.#socket === null) return;
    const now = this.#env.now();
    if (this.#askedAt !== null && now - this.#askedAt > PATIENCE_MS) {
      this.#drop();
    } else if (now - this.#heardAt > SILENCE_MS) {
      if (this.isOpen) this.#ask();
      else this.#drop();
    }
  }

  // A dead network does not close a socket for minutes, so it is let go without waiting for its answer.
  #drop() {
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#closed(1006);
  }
}
