/* What anybody does with a line of somebody else: report it, or who said it, to the moderators. The server decides. */

import { words } from "../strings.js";
import { setText } from "./draw.js";
import { closable } from "./sheets.js";

export class ReportSheet {
  #dialog;
  #form;
  #ask;
  #line = null;

  /** `ask(path, body)` sends a request about this auction; it rejects with a message that is fit to show. */
  constructor(dialog, ask) {
    this.#dialog = dialog;
    this.#form = dialog.querySelector("form");
    this.#ask = ask;
    closable(dialog);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send(event.submitter.value);
    });
  }

  /** Open for a line; a bidder is reported by their paddle, and who has none by the line alone. */
  open(line) {
    this.#line = line;
    this.#form.reset();
    setText(this.#dialog.querySelector("[data-line]"), `${words.author(line)}: ${line.text}`);
    this.#form.querySelector("[value=bidder]").hidden = line.paddle === null;
    this.#say(null);
    this.#error(null);
    this.#dialog.showModal();
  }

  async #send(what) {
    const buttons = this.#form.querySelectorAll("button[type=submit]");
    for (const button of buttons) button.disabled = true;
    const { reason, text } = this.#form.elements;
    const about = what === "bidder" ? { paddle: this.#line.paddle } : { entry: this.#line.id };
    try {
      await this.#ask("reports/", { ...about, reason: reason.value, text: text.value });
      this.#error(null);
      this.#say(words.reported());
    } catch (error) {
      this.#error(error.message || words.tryAgain());
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }

  #say(text) {
    setText(this.#form.querySelector("[data-thanks]"), text ?? "");
  }

  #error(text) {
    const box = this.#form.querySelector("[role=alert]");
    box.hidden = text === null;
    setText(box.querySelector("span"), text ?? "");
  }
}
