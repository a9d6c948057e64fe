/* The room as the server tells it, kept up to date: connection, clock and state as one.
   Asks for the time and for what is missing. Touches no element, and knows nothing of what is on a page. */

import { DOUBT_MS, ServerClock } from "./clock.js";
import { Receive, Send } from "./messages.js";
import { initialState, reduce } from "./reducer.js";
import { RoomSocket } from "./socket.js";

const PINGS_AT_ONCE = 5;
const PING_GAP_MS = 250;
const PING_EVERY_MS = 30_000;
/** How long what is missing may still be on its way before it is asked for. */
const PATIENCE_MS = 300;
const RESUME_AGAIN_MS = 2_000;

export class RoomLink {
  state = initialState;
  clock = new ServerClock();
  #socket;
  #handlers;
  #behindAt = null;
  #resumedAt = -Infinity;
  #pingsLeft = 0;

  /**
   * `path` is the socket's. `handlers`: changed(before, message) after the state took a message in; lost(); final(why);
   * and take(message), which may keep a message from the state by returning true.
   */
  constructor(path, handlers) {
    this.#handlers = { take: () => false, ...handlers };
    this.#socket = new RoomSocket(`${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${path}`, {
      position: () => (this.state.v === null ? null : { since: this.state.v, epoch: this.state.epoch }),
      message: (message) => this.#receive(message),
      open: () => this.#opened(),
      lost: () => this.#handlers.lost(),
      final: (why) => this.#handlers.final(why),
    });
  }

  /** When the server was last heard, as `performance.now()` counts. */
  get heardAt() {
    return this.#socket.heardAt;
  }

  /** Connect, doubt the connection when the network goes, and come back whenever the network or the window does. */
  start() {
    const hurry = () => this.#socket.hurry();
    addEventListener("online", hurry);
    addEventListener("offline", () => this.#socket.doubt());
    addEventListener("pageshow", (event) => {
      if (event.persisted) hurry();
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") hurry();
    });
    setInterval(() => this.#pings(1), PING_EVERY_MS);
    this.#socket.start();
  }

  /** Connect anew as whoever the browser is now. */
  renew() {
    this.#socket.renew();
  }

  /** Send a message; false when there is no connection. */
  send(message) {
    return this.#socket.send(message);
  }

  /** Look at the time: ask for what is still missing. */
  tick() {
    if (this.state.behind) this.#resume();
  }

  #receive(message) {
    if (message.type === Receive.PONG) {
      this.clock.sample(message.t, performance.now(), message.server_time_ms);
      return;
    }
    if (message.server_time_ms !== undefined) this.#heard(message.server_time_ms);
    if (this.#handlers.take(message)) return;
    const before = this.state;
    this.state = reduce(before, message);
    this.#behindAt = this.state.behind ? this.#behindAt ?? performance.now() : null;
    this.#handlers.changed(before, message);
    this.tick();
  }

  #heard(serverMs) {
    // A heartbeat may be late but never early: far from it, by more than the way explains, our clock must ask again.
    const off = this.clock.atLeast(serverMs);
    const error = this.clock.error();
    if (error === null || Math.abs(off) > DOUBT_MS + error) this.#pings(PINGS_AT_ONCE);
  }

  /** Ask for the time so often. What is asked for meanwhile is part of it: a page that slept hears much at once. */
  #pings(count) {
    const asking = this.#pingsLeft > 0;
    this.#pingsLeft = Math.max(this.#pingsLeft, count);
    if (!asking) this.#ping();
  }

  #ping() {
    this.#pingsLeft -= 1;
    this.#socket.send({ type: Send.PING, t: performance.now() });
    if (this.#pingsLeft > 0) setTimeout(() => this.#ping(), PING_GAP_MS);
  }

  #resume() {
    const now = performance.now();
    const { v, epoch } = this.state;
    if (v === null || now - this.#behindAt < PATIENCE_MS || now - this.#resumedAt < RESUME_AGAIN_MS) return;
    if (this.#socket.send({ type: Send.RESUME, since: v, epoch })) this.#resumedAt = now;
  }

  #opened() {
    this.#resumedAt = -Infinity;
    this.#pings(PINGS_AT_ONCE);
  }
}
