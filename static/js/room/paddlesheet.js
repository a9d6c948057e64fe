/* Getting a paddle in one sheet over the running video: address, code, second factor where there is one, terms, paddle.
   Owns which step is shown and what is sent; a real dialog, so focus stays inside, Escape closes and focus returns. */

import { words } from "../strings.js";
import { setText } from "./draw.js";
import { closable, tellBehind } from "./sheets.js";

const CODE_DIGITS = 8;
const COPIED_MS = 2_000;

/** The digits of a code as somebody typed or pasted it, when they are all there; else null. */
export function wholeCode(text) {
  const digits = text.replace(/\D/g, "");
  return digits.length === CODE_DIGITS ? digits : null;
}

export class PaddleSheet {
  #dialog;
  #at;
  #steps;
  #step = "email";
  #busy = false;
  #tried = null;
  #closed = null;

  /**
   * `at`: {person(), urls, post(url, values), arrived(answer), registered(paddle), left()}.
   * `post` resolves to {ok, answer}; `arrived` is called when somebody is signed in and resolves to what they are here;
   * `registered` is told of a paddle; `left` is called before the page is left for a step that has a page of its own.
   */
  constructor({ dialog, at }) {
    this.#dialog = dialog;
    this.#at = at;
    this.#steps = new Map([...dialog.querySelectorAll("[data-step]")].map((step) => [step.dataset.step, step]));
    closable(dialog);
    dialog.addEventListener("close", () => {
      const closed = this.#closed;
      this.#closed = null;
      closed?.();
    });
    for (const [name, step] of this.#steps) {
      step.addEventListener("submit", (event) => {
        // Where a user pool knows people, the forms leave the page.
        if (event.target !== step) return;
        event.preventDefault();
        this.#submit(name);
      });
      step.addEventListener("input", () => this.#error(name, null));
    }
    const code = this.#steps.get("code");
    code.addEventListener("input", () => {
      const digits = wholeCode(code.elements.code.value);
      if (digits !== null && digits !== this.#tried) code.requestSubmit();
    });
    code.querySelector("[data-resend]").addEventListener("click", () => this.#send("code", at.urls.entry_resend, {}));
    code.querySelector("[data-back]").addEventListener("click", () => this.#show("email"));
    dialog.addEventListener("click", (event) => {
      if (event.target.closest("a[href]")) at.left();
    });
    dialog.addEventListener("submit", (event) => {
      if (!event.defaultPrevented) at.left();
    });
    this.#offerCopies();
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** Open where somebody is: signed out they begin, or go on with the code that they wait for. `closed()` comes after. */
  open(closed = null) {
    this.#closed = closed;
    const { signed_in } = this.#at.person();
    if (signed_in) this.#step = "terms";
    else if (this.#step === "terms" || this.#step === "dropped" || this.#step === "asked") this.#step = "email";
    this.#dialog.showModal();
    this.#show(this.#step);
  }

  /** Show what goes on meanwhile: the lot, its price and the time. */
  tell(text, last) {
    tellBehind(this.#dialog, text, last);
  }

  /** Show the paddle that somebody has, and what waits for them. */
  drop(paddle, waits) {
    const number = this.#dialog.querySelector("[data-number]");
    setText(number, String(paddle));
    number.parentElement.classList.toggle("is-long", String(paddle).length > 3);
    setText(this.#dialog.querySelector("[data-waits]"), waits);
    this.#show("dropped");
  }

  #show(name) {
    this.#step = name;
    for (const [other, step] of this.#steps) step.hidden = other !== name;
    this.#error(name, null);
    if (name === "terms") this.#steps.get(name).querySelector("[data-address]").hidden = !this.#at.person().wants_address;
    if (!this.#dialog.open) return;
    const first = [...this.#steps.get(name).querySelectorAll("input:not([type=hidden], [readonly]), textarea, .button")];
    first.find((element) => element.checkVisibility?.() ?? true)?.focus();
  }

  async #submit(name) {
    const { urls } = this.#at;
    const form = this.#steps.get(name);
    if (name === "email") {
      const email = form.elements.email.value.trim();
      if (!email) this.#error(name, words.emailWanted());
      else await this.#send(name, urls.entry, { email });
    } else if (name === "code") {
      this.#tried = wholeCode(form.elements.code.value);
      await this.#send(name, urls.entry_code, { code: form.elements.code.value, next: urls.back });
    } else if (name === "mfa_authenticate") {
      await this.#send(name, urls.entry_second_factor, { code: form.elements.code.value });
    } else if (name === "terms") {
      await this.#register(form);
    }
  }

  async #send(name, url, values) {
    const reply = await this.#ask(name, url, values);
    if (reply === null) return;
    const { answer } = reply;
    // A refusal may lead back: a code that is over is asked for anew.
    if (!reply.ok) {
      if (answer.step && answer.step !== this.#step) this.#show(answer.step);
      this.#error(this.#step, answer.detail ?? words.tryAgain());
      this.#again();
    } else if (answer.step === "code") {
      this.#codeSent(answer, name === "code");
    } else if (answer.step === "mfa_authenticate") {
      this.#steps.get(answer.step).querySelector("[data-has-app]").hidden = !answer.has_app;
      this.#show(answer.step);
    } else if (answer.step === "in") {
      await this.#arrived(answer);
    } else {
      this.#at.left();
      location.assign(answer.url);
    }
  }

  #codeSent({ email, may_resend, demo_code = null }, again) {
    const step = this.#steps.get("code");
    setText(step.querySelector("[data-email]"), email);
    step.querySelector("[data-resend]").hidden = !may_resend;
    const demo = step.querySelector("[data-demo]");
    demo.hidden = demo_code === null;
    setText(demo.querySelector("b"), demo_code ?? "");
    step.elements.code.value = "";
    this.#tried = null;
    this.#show("code");
    setText(step.querySelector("[data-said]"), again ? words.codeSentAgain() : "");
  }

  async #arrived(answer) {
    const person = await this.#at.arrived(answer);
    for (const field of this.#dialog.querySelectorAll("input[name=code]")) field.value = "";
    if (person === null) return;
    if (person.waiting) this.#asked(person.paddle);
    else if (person.paddle !== null) this.#at.registered(person.paddle);
    else if (person.registered) this.#dialog.close();
    else this.#show("terms");
  }

  async #register(form) {
    const values = { accept_terms: "on" };
    if (!form.querySelector("[data-address]").hidden) values.delivery_address = form.elements.delivery_address.value;
    const reply = await this.#ask("terms", this.#at.urls.entrance, values);
    if (reply === null) return;
    const { paddle, status, field, detail } = reply.answer;
    if (reply.ok && status === "approved") this.#at.registered(paddle);
    else if (reply.ok && status === "pending") this.#asked(paddle);
    else if (reply.ok) this.#error("terms", words.declined());
    else {
      if (field === "delivery_address") {
        form.querySelector("[data-address]").hidden = false;
        form.elements.delivery_address.focus();
      }
      this.#error("terms", detail ?? words.tryAgain());
    }
  }

  #asked(paddle) {
    this.#at.asked();
    setText(this.#dialog.querySelector("[data-asked]"), words.askedForPaddle(paddle));
    this.#show("asked");
  }

  /** Send; null where somebody is already waiting for an answer, or where none came. */
  async #ask(name, url, values) {
    if (this.#busy) return null;
    const button = this.#steps.get(name).querySelector("button[type=submit]");
    this.#busy = true;
    button.setAttribute("aria-busy", "true");
    this.#error(name, null);
    try {
      return await this.#at.post(url, values);
    } catch {
      this.#tried = null;
      this.#error(name, words.tryAgain());
      return null;
    } finally {
      this.#busy = false;
      button.removeAttribute("aria-busy");
    }
  }

  #again() {
    const field = this.#steps.get(this.#step).querySelector("input:not([type=hidden])");
    field?.focus();
    field?.select();
  }

  #error(name, text) {
    const step = this.#steps.get(name);
    const box = step.querySelector(".error");
    if (!box) return;
    box.hidden = text === null;
    setText(box.querySelector("span"), text ?? "");
    for (const field of step.querySelectorAll("input:not([type=hidden]), textarea")) {
      if (text === null) field.removeAttribute("aria-invalid");
      else field.setAttribute("aria-invalid", "true");
    }
  }

  #offerCopies() {
    if (!navigator.clipboard) return;
    for (const button of this.#dialog.querySelectorAll("[data-copy]")) {
      button.hidden = false;
      const said = button.textContent;
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(button.parentElement.querySelector("input").value);
        setText(button, words.copied());
        setTimeout(() => setText(button, said), COPIED_MS);
      });
    }
  }
}
