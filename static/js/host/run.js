/* The run of show: each row saves itself as it is typed, moves by buttons, by Alt and an arrow, or by dragging. Says of
   every row whether it is saved. The server decides; without this script the same forms and buttons are sent. */

import { words } from "../strings.js";

const SAVE_AFTER_MS = 700;
const AGAIN_AFTER_MS = 3_000;
const FIELDS = ["number", "title", "opening_amount", "reserve_amount", "preset", "duration"];

const list = document.querySelector("[data-rows]");
const all = document.querySelector("[data-all]");
const rows = new Map();

/** The connection failed, or somebody else is signed in now: what was typed waits. */
class Unsent extends Error {}

/** Send a form's fields and return the answer with its status. */
async function send(address, body) {
  let response;
  try {
    response = await fetch(address, { method: "POST", body, headers: { Accept: "application/json, text/html;q=0.5" } });
  } catch {
    throw new Unsent(words.noConnection());
  }
  if (!response.headers.get("Content-Type")?.startsWith("application/json")) {
    if (response.redirected) throw new Unsent(words.signedOut());
    if (response.status === 403) await renewTokens();
    throw new Unsent(words.noConnection());
  }
  return { status: response.status, answer: await response.json() };
}

/** Whoever signed in again has another token than the page. */
async function renewTokens() {
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
  const fresh = page.querySelector("[name=csrfmiddlewaretoken]")?.value;
  if (fresh) for (const field of document.getElementsByName("csrfmiddlewaretoken")) field.value = fresh;
}

class Row {
  constructor(node) {
    this.timer = null;
    this.sending = false;
    this.again = false;
    this.state = "saved";
    this.take(node);
  }

  /** Stand for a node of the page, whose fields show what is stored. */
  take(node) {
    this.node = node;
    this.form = node.querySelector("form");
    // What is typed is compared with what was sent, what others did with what was stored: 40 is stored as 40.00.
    this.base = this.form && this.typed();
    this.stored = { ...this.base };
    if (this.form) node.querySelector("[data-grip]").hidden = false;
  }

  typed() {
    return Object.fromEntries(FIELDS.map((name) => [name, this.form.elements[name].value]));
  }

  get isDirty() {
    return FIELDS.some((name) => this.form.elements[name].value !== this.base[name]);
  }

  /** Save soon; what is typed meanwhile comes along. */
  later(ms = SAVE_AFTER_MS) {
    clearTimeout(this.timer);
    if (!this.isDirty && this.state === "saved") return;
    this.timer = setTimeout(() => this.save(), ms);
    if (this.state === "saved") this.say("typing", words.notSavedYet());
  }

  async save() {
    clearTimeout(this.timer);
    if (["conflict", "frozen"].includes(this.state)) return;
    if (!this.isDirty) {
      this.refuse({});
      this.say("saved", "");
      return;
    }
    if (this.sending) {
      this.again = true;
      return;
    }
    this.sending = true;
    const sent = this.typed();
    this.say("sending", words.saving());
    try {
      const { status, answer } = await send(this.form.action, new FormData(this.form));
      if (status === 200) this.saved(sent, answer);
      else if (status === 409) this.changedMeanwhile(sent, answer);
      else if (answer.errors) {
        this.refuse(answer.errors);
        this.say("refused", words.notSaved());
      } else throw new Unsent(words.noConnection());
    } catch (error) {
      if (!(error instanceof Unsent)) throw error;
      this.say("waiting", error.message);
      this.timer = setTimeout(() => this.save(), AGAIN_AFTER_MS);
    } finally {
      this.sending = false;
    }
    if (this.again) {
      this.again = false;
      this.later(0);
    }
  }

  saved(sent, answer) {
    this.refuse({});
    this.base = sent;
    this.stored = answer.stored;
    for (const name of FIELDS) if (this.form.elements[name] !== document.activeElement) this.settleText(name);
    this.form.elements.version.value = answer.version;
    document.querySelector("[data-span]").innerHTML = answer.span;
    this.say("saved", words.saved());
    if (this.isDirty) this.later();
  }

  /** Write a field as it is stored, unless something else was typed into it. */
  settleText(name) {
    const field = this.form.elements[name];
    if (field.value !== this.base[name] || this.state === "conflict") return;
    field.value = this.stored[name];
    this.base[name] = this.stored[name];
  }

  /** Somebody else changed the lot: what only they touched is taken over; what both touched is asked. */
  changedMeanwhile(sent, answer) {
    if (!answer.is_pending) {
      // It was opened: what was typed cannot count any more, and is still there to read.
      this.refuse(answer.errors);
      for (const field of this.form.elements) field.disabled = true;
      this.say("frozen", words.notSaved());
      return;
    }
    const both = FIELDS.filter((name) => sent[name] !== this.base[name] && answer.stored[name] !== this.stored[name] && answer.stored[name] !== sent[name]);
    for (const name of FIELDS) {
      if (sent[name] === this.base[name]) this.form.elements[name].value = answer.stored[name];
    }
    this.base = { ...answer.stored };
    this.stored = answer.stored;
    this.form.elements.version.value = answer.version;
    if (!both.length) {
      this.later(0);
      return;
    }
    this.theirs = both;
    this.refuse({ ...Object.fromEntries(both.map((name) => [name, words.changedTo(this.written(name))])), "": answer.errors[""] });
    this.node.querySelector("[data-choice]").hidden = false;
    this.say("conflict", words.notSaved());
  }

  /** What is stored in a field, as people read it. */
  written(name) {
    const field = this.form.elements[name];
    const option = [...(field.options ?? [])].find(({ value }) => value === this.base[name]);
    return option?.text ?? this.base[name];
  }

  settle(keep) {
    if (keep === "theirs") for (const name of this.theirs) this.form.elements[name].value = this.base[name];
    this.node.querySelector("[data-choice]").hidden = true;
    this.state = "typing";
    this.save();
  }

  refuse(errors) {
    for (const node of this.node.querySelectorAll("[data-error]")) {
      const name = node.dataset.error;
      node.textContent = errors[name] ?? "";
      if (name) this.form.elements[name].toggleAttribute("aria-invalid", false);
      if (name && errors[name]) this.form.elements[name].setAttribute("aria-invalid", "true");
    }
  }

  say(state, text) {
    this.state = state;
    this.node.querySelector("[data-state]").textContent = text;
    summarize();
  }
}

/** Say of the whole list whether it is saved. */
function summarize() {
  const states = [...rows.values()].filter((row) => row.form).map((row) => row.state);
  const wrong = states.filter((state) => ["refused", "conflict", "waiting"].includes(state)).length;
  const busy = states.some((state) => ["typing", "sending"].includes(state));
  const text = wrong ? words.lotsNeedYou(wrong) : busy ? words.saving() : words.allSaved();
  all.classList.toggle("is-wrong", wrong > 0);
  if (all.textContent !== text) all.textContent = text;
}

function isUnsaved() {
  return [...rows.values()].some((row) => row.form && !["saved", "frozen"].includes(row.state));
}

function rowOf(node) {
  return rows.get(Number(node.closest("[data-lot]")?.dataset.lot));
}

/** Put the rows in the order of sale, without moving what stands right: the focus would be lost with it. */
function arrange(order) {
  for (const [id, row] of rows) {
    if (!order.includes(id)) {
      row.node.remove();
      rows.delete(id);
    }
  }
  const focused = document.activeElement;
  const wanted = order.map((id) => rows.get(id)?.node).filter(Boolean);
  wanted.forEach((node, index) => {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
  if (focused !== document.activeElement) focused?.focus();
}

/** Show what an act did: the order of all, a row that is new, and the length of the show. */
function show(answer) {
  if (answer.row && !rows.has(answer.lot)) {
    const holder = document.createElement("template");
    holder.innerHTML = answer.row.trim();
    rows.set(answer.lot, new Row(holder.content.firstElementChild));
  }
  if (answer.order) arrange(answer.order);
  if (answer.span) document.querySelector("[data-span]").innerHTML = answer.span;
  all.textContent = answer.said ?? all.textContent;
}

/** Do what a button of a row says. What was typed into it is saved first, so that a copy is a copy of that. */
async function act(row, address, fields = {}) {
  if (row.isDirty) await row.save();
  const body = new FormData();
  body.set("csrfmiddlewaretoken", row.form.elements.csrfmiddlewaretoken.value);
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  const id = Number(row.node.dataset.lot);
  try {
    const { status, answer } = await send(address, body);
    show(answer);
    if (status === 200) row.refuse({});
    else row.refuse(answer.errors);
    if (status === 200 && answer.lot && answer.lot !== id) rows.get(answer.lot).form.elements.title.select();
  } catch (error) {
    if (!(error instanceof Unsent)) throw error;
    row.refuse({ "": error.message });
  }
}

for (const node of list.children) rows.set(Number(node.dataset.lot), new Row(node));
document.documentElement.dataset.autosaves = "";
document.querySelector("[data-bar]").hidden = false;
summarize();

list.addEventListener("input", (event) => rowOf(event.target)?.later());
list.addEventListener("change", (event) => rowOf(event.target)?.later(0));

list.addEventListener("focusout", (event) => {
  const row = rowOf(event.target);
  if (row?.form && FIELDS.includes(event.target.name)) row.settleText(event.target.name);
});

list.addEventListener("submit", (event) => {
  event.preventDefault();
  const row = rowOf(event.target);
  const button = event.submitter;
  if (!button?.dataset.act) {
    row.save();
    return;
  }
  button.closest("details")?.removeAttribute("open");
  // The row that goes takes the focus along.
  if (button.dataset.act === "remove") (row.node.nextElementSibling ?? row.node.previousElementSibling)?.querySelector("[name=title]")?.focus();
  act(row, button.formAction);
});

list.addEventListener("click", (event) => {
  const { keep } = event.target.dataset;
  if (keep) rowOf(event.target).settle(keep);
});

list.addEventListener("keydown", (event) => {
  const name = { ArrowUp: "earlier", ArrowDown: "later" }[event.key];
  if (event.altKey && name) {
    event.preventDefault();
    rowOf(event.target)?.node.querySelector(`[data-act=${name}]`)?.click();
  } else if (event.key === "Escape") {
    const menu = event.target.closest("details[open]");
    menu?.removeAttribute("open");
    menu?.querySelector("summary").focus();
  }
});

// One menu at a time, and none once the eye is elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of list.querySelectorAll("details[open]")) if (!menu.contains(event.target)) menu.removeAttribute("open");
});

let held = null;

list.addEventListener("dragstart", (event) => {
  held = rowOf(event.target);
  if (!held || !event.target.matches?.("[data-grip]")) {
    held = null;
    return;
  }
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setDragImage(held.node, 12, 24);
  held.node.classList.add("is-held");
});

function target(event) {
  return event.target.closest?.("[data-lot]");
}

function unmark() {
  for (const node of list.querySelectorAll(".is-target")) node.classList.remove("is-target");
}

list.addEventListener("dragover", (event) => {
  if (!held) return;
  event.preventDefault();
  unmark();
  target(event)?.classList.add("is-target");
});

list.addEventListener("drop", (event) => {
  const before = target(event);
  if (!held || !before) return;
  event.preventDefault();
  if (before !== held.node) act(held, list.dataset.place.replace("/0/", `/${held.node.dataset.lot}/`), { before: before.dataset.lot });
});

list.addEventListener("dragend", () => {
  unmark();
  held?.node.classList.remove("is-held");
  held = null;
});

document.querySelector("form[data-add]")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button");
  if (button.disabled) return;
  button.disabled = true;
  for (const node of form.querySelectorAll(".error")) node.remove();
  try {
    const { status, answer } = await send(form.action, new FormData(form));
    if (status === 200) {
      show(answer);
      form.reset();
    }
    for (const [name, text] of Object.entries(answer.errors ?? {})) refuseField(form.elements[name || "title"], text);
  } catch (error) {
    if (!(error instanceof Unsent)) throw error;
    refuseField(form.elements.title, error.message);
  } finally {
    button.disabled = false;
    form.elements.title.focus();
  }
});

function refuseField(field, text) {
  const said = document.createElement("p");
  said.className = "error";
  said.setAttribute("role", "alert");
  said.textContent = text;
  field.after(said);
}

addEventListener("beforeunload", (event) => {
  if (isUnsaved()) event.preventDefault();
});
