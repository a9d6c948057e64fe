/* The bid button and the quick amounts on the page: draws a face, and turns presses into what they mean.
   It never moves or resizes; a press within 300 ms of a change of its amount does not bid. */

import { words } from "../strings.js";
import { Act } from "./bidface.js";
import { icon, setText } from "./draw.js";

export const SETTLED_MS = 300;
const SAYS_NOW_MS = 900;
/** How many characters stand on the button in its own size, alone and beside "Cancel". */
const FITS_ON_BUTTON = 24;
const FITS_BESIDE_CANCEL = 12;
/** How long an amount may be where three of them and "Max" share a phone's width. */
const FITS_IN_FOUR = 8;

export class BidButton {
  #box;
  #button;
  #cancel;
  #strip;
  #face = null;
  #changedAt = -Infinity;
  #down = null;
  #saysNowUntil = 0;
  #now;

  /** `press(face)` is called with the face that was pressed, `cancel()` with the second button of a jump. */
  constructor({ box, strip, press, cancel, money, now = () => performance.now() }) {
    this.#box = box;
    this.#strip = strip;
    this.#now = now;
    this.money = money;
    this.press = press;
    this.#button = this.#make("bidbutton");
    this.#cancel = this.#make("bidbutton cancel");
    this.#cancel.hidden = true;
    setText(this.#cancel.querySelector(".words"), words.cancel());
    box.replaceChildren(this.#button, this.#cancel);
    this.#button.type = "button";
    this.#button.addEventListener("pointerdown", () => { this.#down = this.#face; });
    this.#button.addEventListener("click", (event) => this.#pressed(event));
    this.#cancel.addEventListener("click", () => cancel());
    box.addEventListener("submit", (event) => event.preventDefault());
  }

  /** Show a face; true when it looks otherwise than before. */
  draw(face) {
    const before = this.#face;
    if (before && (before.act !== face.act || before.amount !== face.amount)) this.#changedAt = this.#now();
    this.#face = face;
    this.#show();
    return before !== null && before.look !== face.look;
  }

  /** The person chose the amount by hand, so a press right after it is meant. */
  chosen() {
    this.#changedAt = -Infinity;
    this.#down = null;
  }

  /** Look at the time. */
  tick() {
    if (this.#saysNowUntil && this.#now() >= this.#saysNowUntil) {
      this.#saysNowUntil = 0;
      this.#show();
    }
  }

  #pressed(event) {
    const face = this.#face;
    const down = event.detail > 0 ? this.#down : null;
    this.#down = null;
    if (!face || face.act === Act.NOTHING) return;
    const moved = this.#now() - this.#changedAt < SETTLED_MS || (down !== null && (down.act !== face.act || down.amount !== face.amount));
    if (moved && (face.act === Act.BID || face.act === Act.CONFIRM || face.act === Act.RAISE)) {
      if (face.act === Act.BID) {
        this.#saysNowUntil = this.#now() + SAYS_NOW_MS;
        this.#show();
      }
      return;
    }
    this.#saysNowUntil = 0;
    this.press(face);
  }

  #show() {
    const face = this.#saysNowUntil && this.#face.act === Act.BID
      ? { ...this.#face, look: "changed", icon: "alert", title: words.now(this.money.text(this.#face.amount)) }
      : this.#face;
    const button = this.#button;
    if (button.dataset.look !== face.look) button.dataset.look = face.look;
    button.classList.toggle("smaller", face.title.length > (face.cancel ? FITS_BESIDE_CANCEL : FITS_ON_BUTTON));
    button.setAttribute("aria-disabled", String(face.act === Act.NOTHING));
    setText(button.querySelector(".words"), face.title);
    setText(button.querySelector(".line2"), face.note);
    icon(button.querySelector(".line1"), face.icon);
    this.#cancel.hidden = !face.cancel;
    setText(this.#strip.querySelector("span"), face.strip.text);
    icon(this.#strip, face.strip.icon ?? null);
    this.#strip.className = `strip ${face.strip.look}`;
  }

  #make(className) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = className;
    const first = document.createElement("span");
    first.className = "line line1";
    const text = document.createElement("span");
    text.className = "words";
    first.append(text);
    const second = document.createElement("span");
    second.className = "line line2";
    const edge = document.createElement("span");
    edge.className = "edge";
    button.append(first, second, edge);
    return button;
  }
}

/** The quick amounts: they choose what the button bids, and never bid themselves. */
export class QuickAmounts {
  #box;
  #buttons;
  #amounts = [];
  #key = "";

  /** `choose(minor)` chooses an amount, `other()` opens the sheet. */
  constructor({ box, choose, other, money }) {
    this.#box = box;
    this.#buttons = [...box.querySelectorAll("button")];
    this.money = money;
    this.#buttons.forEach((button, index) => {
      button.addEventListener("click", () => {
        if (index === this.#buttons.length - 1) other();
        else if (this.#amounts[index] !== undefined) choose(this.#amounts[index]);
      });
    });
    setText(this.#buttons.at(-1), words.max());
  }

  /** Show amounts; `chosen` is marked, and nothing can be pressed unless `enabled`. */
  draw({ amounts, chosen, enabled, other }) {
    const key = `${amounts}|${chosen}|${enabled}|${other}`;
    if (key === this.#key) return;
    this.#key = key;
    this.#amounts = amounts;
    const texts = amounts.map((amount) => this.money.text(amount));
    this.#box.classList.toggle("is-empty", !amounts.length);
    this.#box.classList.toggle("is-long", texts.some((text) => text.length > FITS_IN_FOUR));
    this.#buttons.forEach((button, index) => {
      if (index === this.#buttons.length - 1) {
        button.disabled = !other;
        return;
      }
      const amount = amounts[index];
      setText(button, texts[index] ?? "–");
      button.disabled = !enabled || amount === undefined;
      button.setAttribute("aria-pressed", String(enabled && amount === chosen));
    });
  }
}
