/* What a host reads of a lot that is paused, on a page that must not be left: the camera's. Owns its socket to the room,
   one sentence, and one button that lets the lot go on. */

import { setText } from "../room/draw.js";
import { RoomLink } from "../room/link.js";
import { words } from "../strings.js";

const TICK_MS = 1_000;

/** Return {text, button, back} for a state of the room, or null where nothing is paused. Pure. */
export function pausedFace({ auction, lot }) {
  if (lot?.status !== "paused") return null;
  const back = auction?.stream.state === "live";
  return {
    text: words.lotPaused(lot.number, words.paused(lot.pause_reason)),
    button: back ? words.resume() : words.resumeWithoutPicture(),
    back,
  };
}

export class PausedLot {
  #box;
  #text;
  #button;
  #resume;
  #csrf;
  #link;
  #refusal = null;

  /** `socket` is the room's address, `resume` where to ask for the lot to go on, `csrf` the page's token. */
  constructor({ box, socket, resume, csrf }) {
    this.#box = box;
    this.#text = box.querySelector("span");
    this.#button = box.querySelector("button");
    this.#resume = resume;
    this.#csrf = csrf;
    this.#button.addEventListener("click", () => this.#press());
    this.#link = new RoomLink(socket, {
      changed: (before) => this.#changed(before),
      lost: () => {},
      final: () => {},
    });
    this.#link.start();
    setInterval(() => this.#link.tick(), TICK_MS);
  }

  #changed(before) {
    if (this.#link.state.lot?.status !== before.lot?.status) this.#refusal = null;
    this.#draw();
  }

  async #press() {
    const { lot, v } = this.#link.state;
    this.#button.disabled = true;
    try {
      const answer = await fetch(this.#resume, {
        method: "POST",
        headers: { Accept: "application/json", "X-CSRFToken": this.#csrf },
        body: new URLSearchParams({ lot: lot.id, v }),
      });
      // What came of it the room says.
      this.#refusal = answer.ok ? null : ((await answer.json().catch(() => ({}))).detail ?? words.tryAgain());
    } catch {
      this.#refusal = words.tryAgain();
    }
    this.#button.disabled = false;
    this.#draw();
  }

  #draw() {
    const face = pausedFace(this.#link.state);
    this.#box.hidden = face === null;
    if (face === null) return;
    setText(this.#text, this.#refusal ? `${face.text} ${this.#refusal}` : face.text);
    setText(this.#button, face.button);
    // The move is the host's once the picture is back; before, it is a choice.
    this.#button.classList.toggle("move", face.back);
    this.#button.classList.toggle("plain", !face.back);
  }
}

const box = globalThis.document?.querySelector("[data-paused]");
if (box) {
  const { socket, resume } = JSON.parse(document.getElementById("paused-config").textContent);
  new PausedLot({ box, socket, resume, csrf: document.querySelector("[name=csrfmiddlewaretoken]").value });
}
