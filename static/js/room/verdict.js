/* The stamp that lands when a lot is over: sold, won, not sold, withdrawn. Drawn once for each result. */

import { words } from "../strings.js";
import { figure, make, makeIcon } from "./draw.js";
import { hasWon } from "./reducer.js";

export class Verdict {
  #box;
  #money;
  #landed = null;

  constructor({ box, money }) {
    this.#box = box;
    this.#money = money;
  }

  /** Show the result of the current lot, or nothing while there is none. */
  draw(state) {
    const { lot } = state;
    const key = lot?.result ? `${lot.run}/${lot.result}/${lot.current_amount}` : null;
    if (key === this.#landed) return;
    this.#landed = key;
    this.#box.hidden = key === null;
    if (key === null) return;
    const sold = lot.result === "sold";
    const won = hasWon(state);
    this.#box.className = `verdict on-stage ${sold ? "sold" : "passed"}${won ? " mine" : ""}`;
    const lines = [];
    if (sold) {
      const parts = this.#money.parts(this.#money.minor(lot.current_amount));
      lines.push(won ? make("p", "word", makeIcon("check"), words.won()) : make("p", "word", words.sold()));
      lines.push(make("p", "big-figure", ...figure(parts)));
      lines.push(make("p", "who", won ? words.toYou(lot.winner.paddle) : words.toPaddle(lot.winner.paddle)));
      const below = this.#below(state);
      if (below !== null && !won) lines.push(make("p", "small", words.youMissedBy(this.#money.text(below))));
    } else if (lot.result === "withdrawn") {
      lines.push(make("p", "word", words.withdrawn()));
    } else {
      lines.push(make("p", "word", words.notSold()));
      lines.push(make("p", "who", lot.reason === "reserve_not_met" ? words.reserveWasNotMet() : words.noBids()));
      if (lot.reason === "no_bids") lines.push(make("p", "small", words.mayOfferAgain()));
    }
    this.#box.replaceChildren(...lines);
  }

  #below(state) {
    const own = state.bids.filter((bid) => bid.paddle === state.you?.paddle).map((bid) => this.#money.minor(bid.amount));
    return own.length ? this.#money.minor(state.lot.current_amount) - Math.max(...own) : null;
  }
}
