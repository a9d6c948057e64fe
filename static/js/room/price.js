/* The price in large type: set smaller where it is long, and underlined for a moment when it moved. */

import { words } from "../strings.js";
import { figure, figureLength, make } from "./draw.js";

export class PriceView {
  #box;
  #money;
  #shown = null;

  constructor({ box, money }) {
    this.#box = box;
    this.#money = money;
  }

  /** Show what a lot costs now; a dash where there is none. */
  draw(lot) {
    const amount = lot ? this.#money.minor(lot.current_amount ?? lot.opening_amount) : null;
    const isOpening = amount !== null && lot.current_amount === null;
    const key = `${amount}${isOpening}`;
    if (key === this.#shown) return;
    this.#shown = key;
    if (amount === null) {
      this.#box.replaceChildren("–");
      return;
    }
    const parts = this.#money.parts(amount);
    this.#box.dataset.length = figureLength(parts, isOpening ? 2 : 0);
    this.#box.replaceChildren(...figure(parts));
    if (isOpening) this.#box.append(make("span", "caption", words.openingBid()));
  }

  /** Underline it; green where it is one's own. */
  moved(mine) {
    this.#box.classList.remove("moved", "mine");
    // Read once, so that the animation begins anew.
    void this.#box.offsetWidth;
    this.#box.classList.add("moved");
    this.#box.classList.toggle("mine", mine);
  }
}
