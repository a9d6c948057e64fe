/* What a moderator does with a line of chat: take it away, pin it, mute who said it. The server decides who may. */

import { words } from "../strings.js";
import { setText } from "./draw.js";
import { closable } from "./sheets.js";

const COMMANDS = {
  remove: (entry, reason) => [`chat/lines/${entry}/remove/`, { reason }],
  pin: (entry) => ["chat/pin/", { entry }, "PUT"],
  mute10: (entry, reason) => ["mutes/", { entry, reason, minutes: 10 }],
  mute: (entry, reason) => ["mutes/", { entry, reason }],
};

export class ModerationSheet {
  #dialog;
  #form;
  #ask;
  #line = null;

  /** `ask(path, body, method)` sends a request about this auction; it rejects with a message that is fit to show. */
  constructor(dialog, ask) {
    this.#dialog = dialog;
    this.#form = dialog.querySelector("form");
    this.#ask = ask;
    closable(dialog);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#do(event.submitter.value);
    });
  }

  /** Open for a line. */
  open(line) {
    this.#line = line;
    setText(this.#dialog.querySelector("[data-line]"), `${words.author(line)}: ${line.text}`);
    this.#error(null);
    this.#dialog.showModal();
  }

  async #do(command) {
    const buttons = this.#form.querySelectorAll("button[type=submit]");
    for (const button of buttons) button.disabled = true;
    try {
      await this.#ask(...COMMANDS[command](this.#line.id, this.#form.elements.reason.value));
      this.#dialog.close();
    } catch (error) {
      this.#error(error.message || words.tryAgain());
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }

  #error(text) {
    const box = this.#form.querySelector("[role=alert]");
    box.hidden = text === null;
    setText(box.querySelector("span"), text ?? "");
  }
}
