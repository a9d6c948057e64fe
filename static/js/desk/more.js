/* What a host does seldom, in one sheet: each with its consequence in a sentence, its reason, and a button that means it.
   The consequences are the server's; here they are only asked for and written. */

import { closable } from "../room/sheets.js";
import { setText } from "../room/draw.js";
import { words } from "../strings.js";

const ASK_AFTER_MS = 250;

/** Return the sentences that say what taking a paddle's bids back comes to; `which` is latest or all. Pure. */
export function consequence(person, which, lot, money) {
  if (!person.offers) return words.holdsNothing(person.paddle);
  const leads = lot?.leader?.paddle === person.paddle;
  const now = leads ? `${words.leadsNow(person.paddle, money.text(money.minor(lot.current_amount)))} ` : "";
  const after = which === "latest" ? person.without_latest : person.without;
  if (after === null) return now + words.becomesNothing();
  return now + words.becomes(money.text(money.minor(after.amount)), after.paddle);
}

export class MoreSheet {
  #dialog;
  #send;
  #ask;
  #state;
  #money;
  #asked = 0;
  #shown = null;

  /** `send(command, fields)` carries a form out and rejects with what to say; `ask(paddle)` tells of a person. */
  constructor({ dialog, send, ask, state, money }) {
    this.#dialog = dialog;
    this.#send = send;
    this.#ask = ask;
    this.#state = state;
    this.#money = money;
    closable(dialog);
    dialog.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit(event.target);
    });
    dialog.addEventListener("input", (event) => {
      if (event.target.name === "paddle") this.#foretell(event.target.form, ASK_AFTER_MS);
    });
    // Where a form is opened, what it comes to is told at once.
    dialog.addEventListener("toggle", (event) => {
      // The sheet itself says that it opened too.
      if (event.target === dialog) return;
      const form = event.target.open ? event.target.querySelector("form") : null;
      this.#refused(null);
      if (form?.elements.paddle) this.#prepare(form);
    }, true);
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** Open it; with a command its form, and with a paddle whom it is about. */
  open(command = null, paddle = null) {
    this.#look();
    this.draw();
    this.#refused(null);
    for (const each of this.#dialog.querySelectorAll("details")) {
      const form = each.querySelector("form");
      each.open = form.dataset.command === command;
      if (each.open && paddle !== null) form.elements.paddle.value = String(paddle);
    }
    this.#dialog.showModal();
  }

  /** Offer what the state of the room allows. */
  draw() {
    const { lot } = this.#state();
    const now = lot?.status ?? "none";
    for (const each of this.#dialog.querySelectorAll("details[data-when]")) {
      const when = each.dataset.when.split(" ");
      const running = now === "open" || now === "paused";
      each.hidden = !(when.includes("any") || when.includes(now) || (when.includes("between") && !running));
      if (each.hidden) each.open = false;
    }
  }

  /** Tell the consequence anew: the price moved. */
  refresh() {
    const form = this.#dialog.querySelector("details[open] form");
    if (form?.elements.paddle) this.#foretell(form, ASK_AFTER_MS);
  }

  // A form counts for the lot and the version that it was opened at; a refusal has been read, so that one looks anew.
  #look() {
    const { lot, v } = this.#state();
    this.#shown = { lot: lot?.id ?? 0, v: v ?? 0 };
  }

  #prepare(form) {
    const { lot } = this.#state();
    if (form.dataset.command === "void" && !form.elements.paddle.value) form.elements.paddle.value = lot?.leader?.paddle ?? "";
    this.#foretell(form, 0);
  }

  #foretell(form, wait) {
    const box = form.querySelector("[data-consequence]");
    const mine = (this.#asked += 1);
    setText(box, "");
    if (!/^[0-9]{1,9}$/.test(form.elements.paddle.value.trim())) return;
    setTimeout(async () => {
      if (mine !== this.#asked) return;
      const text = await this.#ask(form.elements.paddle.value.trim()).then(
        (person) => consequence(person, box.dataset.consequence, this.#state().lot, this.#money),
        (error) => (error.code === undefined ? words.nobodyHolds() : error.message),
      );
      if (mine === this.#asked) setText(box, text);
    }, wait);
  }

  async #submit(form) {
    const button = form.querySelector("button:not([type=button])");
    button.disabled = true;
    this.#refused(null);
    try {
      const fields = new FormData(form);
      for (const [name, value] of Object.entries(this.#shown)) fields.set(name, value);
      await this.#send(form.dataset.command, fields);
      form.reset();
      this.#dialog.close();
    } catch (error) {
      this.#refused(error.message);
      this.#look();
    } finally {
      button.disabled = false;
    }
  }

  #refused(text) {
    const box = this.#dialog.querySelector("[data-refused]");
    box.hidden = text === null;
    setText(box.querySelector("span"), text ?? "");
  }
}
