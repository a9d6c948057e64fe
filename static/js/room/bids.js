/* The bid that is on its way: one at a time, each with an id of its own, so that a repeat counts once.
   Knows the replies of the server and when to ask again; knows nothing of buttons and prices. */

import { Receive, Refusal, Send } from "./messages.js";

const VALID_MS = 8_000;
const ANSWER_MS = 2_500;
const ASK_AGAIN_MS = 700;
const GIVE_UP_MS = 20_000;
/** How long the server may take to say what became of a bid once it can be asked again. */
const RETURNED_MS = 5_000;
const REFUSAL_SHOWN_MS = 3_000;
const SETTLE_MS = 2_000;

/** Return a fresh id; `crypto.randomUUID` exists only where the page came over https or from this machine. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export class BidDesk {
  /** {id, lot, amount, max, phase: sending | checking | settling, sentAt, v} or null. */
  pending = null;
  /** {code, message, lot, lateMs, until} or null: shown for a while. */
  refusal = null;
  /** {lot, amount, max, token} or null: a jump bid that waits for a second tap. */
  jump = null;
  /** Amounts (wire) that counted since the connection was lost, for the sentence on return. */
  counted = null;

  #send;
  #clock;
  #now;
  #changed;
  #message = null;
  #askedAt = 0;
  #giveUpAt = 0;
  #ids;

  /** `send(message)` → whether it left; `clock` knows the server's time; `now()` is monotonic ms. */
  constructor({ send, clock, now = () => performance.now(), changed = () => {}, ids = newId }) {
    this.#send = send;
    this.#clock = clock;
    this.#now = now;
    this.#changed = changed;
    this.#ids = ids;
  }

  /** Offer an amount (as the wire writes it) on a lot; false when another bid is on its way. */
  place({ lot, amount, max = false, confirm = null }) {
    if (this.pending) return false;
    const message = { type: Send.BID, lot, amount, id: this.#ids() };
    const server = this.#clock.now();
    if (server !== null) message.not_after_ms = Math.round(server) + VALID_MS;
    if (max) message.max = true;
    if (confirm) message.confirm = confirm;
    this.#message = message;
    this.refusal = null;
    this.jump = null;
    this.pending = { id: message.id, lot, amount, max, phase: "sending", sentAt: this.#now(), v: null };
    this.#askedAt = this.#now();
    this.#giveUpAt = this.#now() + GIVE_UP_MS;
    if (!this.#send(message)) this.pending.phase = "checking";
    this.#changed();
    return true;
  }

  /** Confirm the jump bid that waits. */
  confirmJump() {
    if (!this.jump) return;
    const { lot, amount, max, token } = this.jump;
    this.place({ lot, amount, max, confirm: token });
  }

  /** Let the jump bid go. */
  cancelJump() {
    this.jump = null;
    this.#changed();
  }

  /** Take a reply; true when it was one of ours. */
  receive(message) {
    const pending = this.pending;
    if (!pending || message.id !== pending.id) return false;
    switch (message.type) {
      case Receive.BID_ACCEPTED:
        this.counted = message.amount;
        // What it means is told by the log: the answer waits until the page has reached its version.
        this.pending = { ...pending, phase: "settling", v: message.v, settledAt: this.#now() };
        break;
      case Receive.BID_REJECTED:
        this.#refused(message);
        break;
      case Receive.BID_UNKNOWN:
        this.pending = { ...pending, phase: "checking" };
        this.#unknown();
        break;
      default:
        return false;
    }
    this.#changed();
    return true;
  }

  /** The page reached a version of the log. */
  reached(v) {
    if (this.pending?.phase === "settling" && v >= this.pending.v) {
      this.pending = null;
      this.#changed();
    }
  }

  /** The connection went: what was on its way may or may not have arrived. */
  lost() {
    this.counted = null;
    this.jump = null;
    this.#giveUpAt = Infinity;
    if (this.pending && this.pending.phase !== "settling") this.pending = { ...this.pending, phase: "checking" };
    this.#changed();
  }

  /** The connection is back: first ask what became of the bid. */
  back() {
    if (this.pending?.phase !== "checking") return;
    this.#giveUpAt = Math.max(this.pending.sentAt + GIVE_UP_MS, this.#now() + RETURNED_MS);
    this.#ask();
  }

  /** Look at the time: ask again what was not answered, and forget what was shown long enough. */
  tick() {
    const now = this.#now();
    if (this.refusal && now >= this.refusal.until) {
      this.refusal = null;
      this.#changed();
    }
    const pending = this.pending;
    if (!pending) return;
    if (pending.phase === "settling") {
      if (now - pending.settledAt > SETTLE_MS) {
        this.pending = null;
        this.#changed();
      }
    } else if (now > this.#giveUpAt) {
      this.pending = null;
      this.refusal = { code: "unconfirmed", message: null, lot: pending.lot, lateMs: null, until: now + 2 * REFUSAL_SHOWN_MS };
      this.#changed();
    } else if (pending.phase === "sending" && now - pending.sentAt > ANSWER_MS) {
      this.pending = { ...pending, phase: "checking" };
      this.#ask();
      this.#changed();
    } else if (pending.phase === "checking" && now - this.#askedAt > ASK_AGAIN_MS) {
      this.#ask();
    }
  }

  #ask() {
    this.#askedAt = this.#now();
    this.#send({ type: Send.BID_STATUS, id: this.pending.id });
  }

  #unknown() {
    const server = this.#clock.now();
    const inTime = server === null || this.#message.not_after_ms === undefined || server <= this.#message.not_after_ms;
    this.#askedAt = this.#now();
    // The same id again: whatever arrived before, it counts once, and not after its time.
    if (inTime) this.#send(this.#message);
  }

  #refused(message) {
    const pending = this.pending;
    this.pending = null;
    if (message.code === Refusal.TOO_HIGH && message.confirm) {
      this.jump = { lot: pending.lot, amount: pending.amount, max: pending.max, token: message.confirm };
      return;
    }
    if (message.code === Refusal.ALREADY_LEADING) return;
    this.refusal = {
      code: message.code,
      message: message.message,
      minimum: message.minimum_amount ?? null,
      lot: pending.lot,
      lateMs: message.late_ms ?? null,
      until: this.#now() + REFUSAL_SHOWN_MS,
    };
  }
}
