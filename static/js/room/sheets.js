/* The sheet for one's own amount, and what all sheets have. Real dialogs, so focus stays inside and returns. */

import { totalOf } from "../money.js";
import { words } from "../strings.js";
import { setText } from "./draw.js";

/** Let a sheet be closed by its buttons, and by a press beside it. */
export function closable(dialog) {
  for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}

/** Say in a sheet what goes on behind it: the lot, its price and the time, which it covers on a phone. */
export function tellBehind(dialog, text, last) {
  const line = dialog.querySelector("[data-lot-line]");
  setText(line, text);
  line.classList.toggle("last", last);
}

/** Type an amount: a maximum that is kept secret, or an exact bid. */
export class AmountSheet {
  #dialog;
  #form;
  #money;
  #context = null;
  #offer;

  /** `offer({amount, max})` is called with an amount on the wire; it returns whether the bid was sent. */
  constructor({ dialog, money, offer }) {
    this.#dialog = dialog;
    this.#form = dialog.querySelector("form");
    this.#money = money;
    this.#offer = offer;
    closable(dialog);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#form.addEventListener("input", () => {
      this.#error(null);
      this.#draw();
    });
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** Open for a lot: `context()` returns {minimum, leading, maximum, fees, delivery}, amounts in minor units. */
  open(context) {
    this.#context = context;
    const { minimum, leading, maximum } = context();
    const input = this.#form.elements.amount;
    input.value = leading && maximum ? "" : this.#money.field(minimum);
    this.#form.elements.kind.value = "max";
    for (const radio of this.#form.elements.kind) radio.disabled = leading && radio.value === "bid";
    this.#error(null);
    this.#draw();
    this.#dialog.showModal();
    input.focus();
    input.select();
  }

  /** Show what goes on meanwhile: the lot, its price and the time. */
  tell(text, last) {
    tellBehind(this.#dialog, text, last);
  }

  close() {
    if (this.#dialog.open) this.#dialog.close();
  }

  #typed() {
    return this.#money.typed(this.#form.elements.amount.value);
  }

  #isMax() {
    return this.#form.elements.kind.value === "max";
  }

  #draw() {
    const amount = this.#typed();
    setText(this.#form.querySelector("#amount-pay"), amount === null ? "" : this.#cost(amount));
    setText(this.#form.querySelector("button[type=submit]"), this.#promise(amount));
  }

  #cost(amount) {
    const { fees, delivery } = this.#context();
    const text = this.#money.text(totalOf(amount, fees), { full: true });
    return (this.#isMax() ? words.youPayAtMost(text) : words.youPay(text)) + (delivery ? ` ${words.plusDelivery()}` : "");
  }

  /** What a press of the button does; it names no amount that nobody typed. */
  #promise(amount) {
    if (amount === null) return this.#isMax() ? words.leaveMaximum() : words.bidThis();
    const text = this.#money.text(amount);
    return this.#isMax() ? words.bidUpTo(text) : words.bid(text);
  }

  #submit() {
    const amount = this.#typed();
    const { minimum, leading, maximum } = this.#context();
    if (amount === null) return this.#error(words.amountWanted(this.#money.field(minimum)));
    if (leading && maximum !== null && amount <= maximum) return this.#error(words.aboveMaximum(this.#money.text(maximum)));
    if (amount < minimum) return this.#error(words.atLeast(this.#money.text(minimum)));
    if (this.#offer({ amount: this.#money.wire(amount), max: this.#isMax() })) this.close();
    else this.#error(words.tryAgain());
    return undefined;
  }

  #error(text) {
    const box = this.#form.querySelector(".error");
    box.hidden = text === null;
    setText(box.querySelector("span"), text ?? "");
    this.#form.elements.amount.setAttribute("aria-invalid", String(text !== null));
  }
}
