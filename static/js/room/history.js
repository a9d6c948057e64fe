/* The price history of the current lot, newest first. */

import { words } from "../strings.js";
import { make } from "./draw.js";

const SHOWN = 12;

/** Write the time of day of a moment on Redis' clock in the reader's own zone. */
export function timeOfDay(ms, language) {
  return new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(ms);
}

export class HistoryTable {
  #body;
  #money;
  #language;
  #drawn = null;

  constructor({ body, money, language }) {
    this.#body = body;
    this.#money = money;
    this.#language = language;
  }

  /** Show bids; those of `paddle` are marked. */
  draw(bids, paddle) {
    const key = `${bids[0]?.v}/${bids.length}/${bids[0]?.amount}/${paddle}`;
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#body.replaceChildren(...bids.slice(0, SHOWN).map((bid) => this.#row(bid, paddle)));
  }

  #row(bid, paddle) {
    const mine = paddle !== null && bid.paddle === paddle;
    const amount = make("td", "", this.#money.text(this.#money.minor(bid.amount)));
    if (bid.automatic) amount.append(" ", make("span", "auto small", words.automatic()));
    return make(
      "tr",
      mine ? "you" : "",
      amount,
      make("td", "", mine ? words.you() : words.paddle(bid.paddle)),
      make("td", "right", timeOfDay(bid.at_ms, this.#language)),
    );
  }
}
