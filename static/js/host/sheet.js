/* Sends the sheet of an auction with the progress of its pictures, each at its place. What was chosen stays chosen
   where something else needs attention. Without this script, and without pictures, the browser sends the form. */

import { words } from "../strings.js";
import { showErrors } from "./lots.js";

const SHEET = "form[data-most-bytes]";
let sending = false;

class Place {
  constructor(input, before) {
    this.input = input;
    this.before = before;
    [this.file] = input.files;
    const row = document.querySelector("template[data-row]").content.firstElementChild.cloneNode(true);
    row.querySelector("[data-name]").textContent = this.file.name;
    this.said = row.querySelector("[data-said]");
    this.bar = row.querySelector("progress");
    this.bar.setAttribute("aria-label", this.file.name);
    const list = document.createElement("ul");
    list.className = "sending";
    list.append(row);
    this.node = list;
    // What was said of it before.
    input.parentNode.querySelector(":scope > .sending")?.remove();
    input.after(list);
  }

  /** Files go one after another: show how much of this one is among so many bytes of them all. */
  progress(bytes) {
    const sent = Math.min(this.file.size, Math.max(0, bytes - this.before));
    if (sent < this.file.size) {
      this.bar.value = Math.floor((100 * sent) / this.file.size);
      this.say(sent ? words.fileSending() : "");
    } else this.waiting();
  }

  /** Sent: nobody knows how long the rest takes. */
  waiting() {
    this.bar.removeAttribute("value");
    this.say(words.lookedAt());
  }

  refused(text) {
    this.bar.remove();
    this.said.className = "error";
    this.said.replaceChildren(document.querySelector("template[data-alert]").content.cloneNode(true), text);
  }

  say(text) {
    if (this.said.textContent !== text) this.said.textContent = text;
  }
}

/** Return where each chosen picture stands, in the order in which they are sent. */
function places(form) {
  let before = 0;
  return [...form.querySelectorAll("input[type=file]")].filter((input) => input.files.length).map((input) => {
    const place = new Place(input, before);
    before += place.file.size;
    return place;
  });
}

function send(form, body, all) {
  const bytes = all.reduce((sum, { file }) => sum + file.size, 0);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      for (const place of all) place.progress((bytes * loaded) / total);
    });
    request.upload.addEventListener("load", () => all.forEach((place) => place.waiting()));
    request.addEventListener("error", () => reject(new Error("network")));
    request.addEventListener("load", () => resolve(request));
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json, text/html;q=0.9");
    request.send(body);
  });
}

/** Show what the site answered in the place of what was sent, with the pictures that were chosen. */
function replace(form, fresh) {
  for (const input of fresh.querySelectorAll("input[type=file]")) {
    const same = form.querySelector(`[name="${input.name}"]`);
    if (same?.files.length) input.files = same.files;
  }
  fresh.querySelector("[data-unsent]")?.remove();
  form.replaceWith(document.adoptNode(fresh));
  showErrors();
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches(SHEET)) return;
  if (sending) {
    event.preventDefault();
    return;
  }
  const all = places(form);
  if (!all.length) return;
  event.preventDefault();
  const most = Number(form.dataset.mostBytes);
  const large = all.filter(({ file }) => file.size > most);
  for (const place of large) place.refused(words.fileTooLarge(most / 1024 / 1024));
  if (large.length) {
    for (const place of all) if (!large.includes(place)) place.node.remove();
    large[0].input.focus();
    return;
  }
  sending = true;
  try {
    const request = await send(form, new FormData(form, event.submitter), all);
    const isJson = request.getResponseHeader("Content-Type")?.startsWith("application/json");
    if (request.status === 422) replace(form, new DOMParser().parseFromString(request.responseText, "text/html").querySelector(SHEET));
    // Whoever is not signed in any more was led elsewhere.
    else if (request.status === 200) location.assign(isJson ? JSON.parse(request.responseText).next : request.responseURL);
    else throw new Error(String(request.status));
  } catch {
    for (const place of all) place.refused(words.notSent());
  } finally {
    sending = false;
  }
});
