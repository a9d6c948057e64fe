/* Sends a lot's pictures straight to where files are kept, each with its progress, and shows what became of it.
   Without this script the same form sends them to the page. */

import { words } from "../strings.js";

const ASKED_EVERY_MS = 700;
const ASKED_FOR_MS = 90_000;
const REFUSALS = { EntityTooSmall: words.fileEmpty, ExpiredToken: words.formTooOld, AccessDenied: words.formTooOld };

/** What the host is told; anything else that goes wrong is the connection. */
class Told extends Error {}

class Row {
  constructor(name) {
    this.node = document.querySelector("template[data-row]").content.firstElementChild.cloneNode(true);
    this.node.querySelector("[data-name]").textContent = name;
    this.said = this.node.querySelector("[data-said]");
    this.bar = this.node.querySelector("progress");
    this.bar.setAttribute("aria-label", name);
  }

  progress(percent) {
    this.bar.value = percent;
    // The bar tells the rest; a reader that spoke every percent would speak of nothing else.
    this.say(words.fileSending());
  }

  /** Sent: nobody knows how long the rest takes. */
  waiting() {
    this.bar.removeAttribute("value");
    this.say(words.lookedAt());
  }

  done() {
    this.#end("check", "tag lead", words.added());
  }

  refused(text) {
    this.#end("alert", "error", text);
  }

  say(text) {
    if (this.said.textContent !== text) this.said.textContent = text;
  }

  #end(icon, look, text) {
    this.bar.remove();
    this.said.className = look;
    this.said.replaceChildren(document.querySelector(`template[data-${icon}]`).content.cloneNode(true), text);
  }
}

/** Ask one of our own addresses, which answers in JSON; a refusal is told as it says. */
async function ask(address, fields) {
  const options = fields && { method: "POST", body: new URLSearchParams(fields) };
  const response = await fetch(address, { ...options, headers: { Accept: "application/json" } });
  const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
  const answer = isJson ? await response.json() : {};
  if (isJson && response.status === 422) throw new Told(answer.message);
  if (!isJson || !response.ok) throw new Error(String(response.status));
  return answer;
}

function send(form, file, onProgress) {
  const body = new FormData();
  for (const [name, value] of Object.entries(form.fields)) body.append(name, value);
  body.append("file", file);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", (event) => onProgress(Math.floor((100 * event.loaded) / event.total)));
    request.addEventListener("error", () => reject(new Error("network")));
    request.addEventListener("load", () => {
      if (request.status === 201) return resolve();
      const code = /<Code>(\w+)<\/Code>/.exec(request.responseText)?.[1];
      return reject(REFUSALS[code] ? new Told(REFUSALS[code]()) : new Error(code));
    });
    request.open("POST", form.url);
    request.send(body);
  });
}

async function untilLookedAt(address, token) {
  const until = performance.now() + ASKED_FOR_MS;
  let answer = await ask(address, { csrfmiddlewaretoken: token });
  while (answer.status === "working") {
    if (performance.now() > until) throw new Told(words.takesLonger());
    await new Promise((resolve) => setTimeout(resolve, ASKED_EVERY_MS));
    answer = await ask(address);
  }
  if (answer.status !== "done") throw new Told(answer.message);
}

async function add(form, file, row) {
  const token = form.elements.csrfmiddlewaretoken.value;
  const mostBytes = Number(form.dataset.mostBytes);
  try {
    if (file.size > mostBytes) throw new Told(words.fileTooLarge(mostBytes / 1024 / 1024));
    const fields = { csrfmiddlewaretoken: token, content_type: file.type, alt: form.elements.alt.value };
    const room = await ask(form.dataset.upload, fields);
    row.progress(0);
    await send(room, file, (percent) => row.progress(percent));
    row.waiting();
    await untilLookedAt(room.upload, token);
    row.done();
    return true;
  } catch (error) {
    row.refused(error instanceof Told ? error.message : words.notSent());
    return false;
  }
}

/** Take the list from the page as it is now, and keep what was being written in it. */
async function showList() {
  const list = document.querySelector("[data-pictures]");
  const response = await fetch(location.href);
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-pictures]");
  for (const field of list.querySelectorAll("input[type=text]")) {
    const same = fresh.querySelector(`[name="${field.name}"]`);
    if (same && field.value !== field.defaultValue) same.value = field.value;
  }
  list.replaceWith(document.adoptNode(fresh));
}

async function addAll(form) {
  const files = [...form.elements.file.files];
  const rows = files.map((file) => new Row(file.name));
  form.querySelector("[data-sending]").replaceChildren(...rows.map((row) => row.node));
  const button = form.querySelector("[name=add]");
  button.disabled = true;
  // One after another: their order is that in which they were chosen.
  let added = 0;
  for (const [index, file] of files.entries()) added += await add(form, file, rows[index]);
  button.disabled = false;
  form.elements.file.value = "";
  if (added) {
    form.elements.alt.value = "";
    await showList().catch(() => {});
  }
}

const form = document.querySelector("form[data-upload]");
form?.addEventListener("submit", (event) => {
  if (!form.elements.file.files.length) return;
  event.preventDefault();
  addAll(form);
});
