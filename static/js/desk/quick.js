/* A lot that nobody prepared: a title, an opening bid, a photo from the running picture or from a camera, and go. */

import { setText } from "../room/draw.js";
import { closable } from "../room/sheets.js";
import { words } from "../strings.js";

const WIDEST = 1_600;

/** Return the size in which a picture is sent: as it is, but no wider than the widest. Pure. */
export function sentSize(width, height, widest = WIDEST) {
  const scale = Math.min(1, widest / width);
  return [Math.round(width * scale), Math.round(height * scale)];
}

export class QuickSheet {
  #dialog;
  #form;
  #canvas;
  #video;
  #send;
  #shown = { v: 0 };
  #look;

  /** `video` plays the show's picture; `send(command, fields)` as elsewhere; `look()` returns {v, free} of the room. */
  constructor({ dialog, video, send, look }) {
    this.#dialog = dialog;
    this.#form = dialog.querySelector("form");
    this.#canvas = dialog.querySelector("canvas");
    this.#video = video;
    this.#send = send;
    this.#look = look;
    closable(dialog);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit(event.submitter.name === "go");
    });
    dialog.querySelector("[data-take]").addEventListener("click", () => this.#take());
    this.#form.elements.picture.addEventListener("change", () => {
      this.#canvas.hidden = true;
    });
  }

  /** Open it with an empty form. */
  open() {
    const { v, free } = this.#look();
    this.#shown = { v };
    this.#form.reset();
    this.#canvas.hidden = true;
    this.#refused(null);
    this.#dialog.querySelector("[data-take]").hidden = !this.#video.classList.contains("is-on");
    this.#form.querySelector("[name=go]").hidden = !free;
    this.#dialog.showModal();
    this.#form.elements.title.focus();
  }

  #take() {
    const [width, height] = sentSize(this.#video.videoWidth, this.#video.videoHeight);
    Object.assign(this.#canvas, { width, height });
    this.#canvas.getContext("2d").drawImage(this.#video, 0, 0, width, height);
    this.#canvas.hidden = false;
    this.#form.elements.picture.value = "";
  }

  async #submit(opens) {
    const buttons = this.#form.querySelectorAll("button[type=submit]");
    for (const button of buttons) button.disabled = true;
    this.#refused(null);
    try {
      const fields = new FormData(this.#form);
      fields.set("v", this.#shown.v);
      if (opens) fields.set("go", "on");
      if (!this.#canvas.hidden) fields.set("picture", await this.#photo(), "picture.jpg");
      if (!fields.get("picture")?.size) fields.delete("picture");
      await this.#send("quick", fields);
      this.#dialog.close();
    } catch (error) {
      this.#refused(error.message);
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }

  #photo() {
    return new Promise((resolve, reject) => {
      this.#canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error(words.notSent()))), "image/jpeg", 0.92);
    });
  }

  #refused(text) {
    const box = this.#dialog.querySelector("[data-refused]");
    box.hidden = text === null;
    setText(box.querySelector("span"), text ?? "");
  }
}
