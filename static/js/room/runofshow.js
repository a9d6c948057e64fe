/* The run of show: which lot is now, which is next, what became of the others, and what the reader won. */

import { totalOf } from "../money.js";
import { words } from "../strings.js";
import { setText } from "./draw.js";

export class RunOfShow {
  #list;
  #won;
  #money;
  #fees;
  #mine = new Map();
  #current = null;

  /** `fees(lot)` returns the fees of a lot. */
  constructor({ list, won, money, fees }) {
    this.#list = list;
    this.#won = won;
    this.#money = money;
    this.#fees = fees;
    this.#remember();
  }

  /** Show the state of the room. */
  draw(state) {
    const { lot, next, results, you } = state;
    for (const [id, result] of Object.entries(results)) this.#result(Number(id), result, you?.paddle ?? null);
    for (const row of this.#list.querySelectorAll(".run-row")) {
      const id = Number(row.dataset.lot);
      const isCurrent = lot !== null && lot.id === id && !lot.result;
      if (isCurrent) {
        row.setAttribute("aria-current", "true");
        this.#mark(row, "open", words.nowState());
        this.#mine.delete(id);
      } else {
        row.removeAttribute("aria-current");
        if (next?.lot === id && !results[id]) this.#mark(row, "next", words.nextState());
      }
    }
    if (lot && lot.id !== this.#current) {
      this.#current = lot.id;
      this.#reveal(lot.id);
    }
    this.#sum();
  }

  /** Take the list of a fresh page. */
  replace(list) {
    this.#list.replaceChildren(...list.childNodes);
    this.#current = null;
    this.#remember();
  }

  // What was won before the page was loaded; the messages tell only what comes later.
  #remember() {
    for (const row of this.#list.querySelectorAll(".run-row[data-won]")) {
      const id = Number(row.dataset.lot);
      this.#mine.set(id, totalOf(Number(row.dataset.won), this.#fees(id)));
    }
  }

  #result(id, { result, amount, winner }, paddle) {
    const row = this.#row(id);
    if (!row) return;
    const mine = result === "sold" && paddle !== null && winner?.paddle === paddle;
    row.classList.toggle("mine", mine);
    if (result === "sold") {
      const hammer = this.#money.minor(amount);
      this.#mark(row, "sold", mine ? words.wonFor(this.#money.text(hammer)) : `${this.#money.text(hammer)} ✓`);
      if (mine) this.#mine.set(id, totalOf(hammer, this.#fees(id)));
      else this.#mine.delete(id);
    } else {
      this.#mark(row, result, result === "withdrawn" ? words.withdrawnState() : words.passed());
    }
  }

  #mark(row, state, text) {
    row.dataset.state = state;
    setText(row.querySelector(".state"), text);
  }

  #row(id) {
    return this.#list.querySelector(`.run-row[data-lot="${id}"]`);
  }

  // Only inside the list's own panel: on a phone the page itself must not move under the thumb.
  #reveal(id) {
    const row = this.#row(id);
    const panel = this.#list.parentElement;
    if (!row || panel.scrollHeight <= panel.clientHeight) return;
    panel.scrollTop = row.offsetTop - panel.offsetTop - panel.clientHeight / 3;
  }

  #sum() {
    if (!this.#mine.size) return setText(this.#won, "");
    const total = [...this.#mine.values()].reduce((sum, amount) => sum + amount, 0);
    return setText(this.#won, words.wonSum(this.#mine.size, this.#money.text(total, { full: true })));
  }
}
