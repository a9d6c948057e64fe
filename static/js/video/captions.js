/* Small captions on the picture: which lot came up in it, and what a lot went for. They belong to what is shown, so they
   come when the picture reaches that moment, seconds after the bids were decided. Promise nothing about bidding.
   A player shows notes that travel in its pictures at once; the room's own events wait here for the time of a picture. */

import { make } from "../room/draw.js";
import { Event } from "../room/messages.js";
import { words } from "../strings.js";

const SHOWN_MS = 5_000;
/** By so much may a picture be past a moment for its caption still to belong there. */
export const FRESH_MS = 5_000;
const MOST_WAITING = 8;

/** Return the note that an event of the room makes, or null: {v, type, at_ms, and what its sentence needs}. */
export function noteOf(message) {
  const { type, v, at_ms } = message;
  if (type === Event.LOT_OPENED) return { type, v, at_ms, number: message.lot.number };
  if (type === Event.LOT_CLOSED) return { type, v, at_ms, result: message.result, winner: message.winner };
  return null;
}

/** Return the caption that a note asks for, or null. */
export function sentence(note) {
  if (note.type === Event.LOT_OPENED) return words.lot(note.number);
  if (note.type !== Event.LOT_CLOSED) return null;
  return note.result === "sold" ? `${words.sold()} ${words.toPaddle(note.winner.paddle)}` : words.notSold();
}

/** Holds notes until the picture reaches them. Pure; times in ms of the server. */
export class Waiting {
  #notes = [];

  add(note) {
    this.#notes.push(note);
    if (this.#notes.length > MOST_WAITING) this.#notes.shift();
  }

  /** Return the latest note that a picture of this time has reached, or null; what it passed is forgotten. */
  reached(capturedMs) {
    const due = this.#notes.filter((note) => note.at_ms <= capturedMs);
    if (due.length === 0) return null;
    this.#notes = this.#notes.filter((note) => note.at_ms > capturedMs);
    return due.findLast((note) => capturedMs - note.at_ms <= FRESH_MS) ?? null;
  }

  clear() {
    this.#notes = [];
  }
}

export class Captions {
  #video;
  #box = make("p", "stage-caption");
  #waiting = new Waiting();
  #shownV = 0;
  #fade = null;

  constructor(video) {
    this.#video = video;
    // What happens to a lot is said elsewhere, at once.
    this.#box.setAttribute("aria-hidden", "true");
  }

  /** Show a note that came with the picture of its moment; one that is not later than the last is none. */
  show(note) {
    const said = note && sentence(note);
    if (!said || !(note.v > this.#shownV)) return;
    this.#shownV = note.v;
    this.#box.textContent = said;
    this.#video.after(this.#box);
    clearTimeout(this.#fade);
    this.#fade = setTimeout(() => this.#box.remove(), SHOWN_MS);
  }

  /** Keep a note until the picture reaches it. */
  expect(note) {
    this.#waiting.add(note);
  }

  /** Learn when the picture that is shown now was captured; null where that is not known. */
  reached(capturedMs) {
    if (capturedMs !== null) this.show(this.#waiting.reached(capturedMs));
  }

  /** Show nothing: there is no picture. */
  clear() {
    clearTimeout(this.#fade);
    this.#waiting.clear();
    this.#box.remove();
  }
}
