/* The Live desk: connects the room, and what only the desk is told, to the parts that show it. Every command names the
   lot and the version that were shown; what comes of it the room says. Decides nothing. */

import { Money, normalTyped } from "../money.js";
import { newId } from "../room/bids.js";
import { ChatPanel } from "../room/chat.js";
import { DOUBT_MS } from "../room/clock.js";
import { icon, setText, useIcons } from "../room/draw.js";
import { Flash } from "../room/flash.js";
import { HistoryTable } from "../room/history.js";
import { RoomLink } from "../room/link.js";
import { Event, Receive } from "../room/messages.js";
import { ModerationSheet } from "../room/moderation.js";
import { PriceView } from "../room/price.js";
import { closable } from "../room/sheets.js";
import { TimerView, countdown } from "../room/timer.js";
import { words } from "../strings.js";
import { saidSeconds } from "../video/pace.js";
import { Screen } from "../video/screen.js";
import { Asking } from "./asking.js";
import { deskFace, hammerAfter, nextLot } from "./face.js";
import { MoreSheet } from "./more.js";
import { OverList, QueueList, overNow } from "./queue.js";
import { QuickSheet } from "./quick.js";

/** How soon after an event the facts are asked for, and how often anyway: nobody announces a picture's health. */
const FACTS_SOON_MS = 300;
/** The ledger stores what was decided a moment later. */
const FACTS_STORED_MS = 1_500;
const FACTS_EVERY_MS = 5_000;
/** A press so soon after the large button changed was meant for what it said before. */
const GUARD_MS = 300;
const SAID_MS = 8_000;

useIcons(document.querySelector("script[data-icons]").dataset.icons);
const config = JSON.parse(document.getElementById("desk-config").textContent);
const { may } = config;
const NO_FACTS = {
  lot: null, queue: [], waiting: 0, count: config.lots.length, over: [], sold: 0, unsold: 0, hammer: null, rest_ms: 0, rostrum: null, v: null,
  autopilot: null, stream: { state: "unknown", health: null, viewers: null },
};
const language = document.documentElement.lang || "en";
const part = (name) => document.querySelector(`[data-desk="${name}"]`);
const money = new Money(config.currency);
const lots = new Map(config.lots.map((lot) => [lot.id, lot]));
const asking = new Asking(config.urls);
const timeOfDay = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

let facts = NO_FACTS;
let state = null;
let hammer = { v: 0, at: null };
let connected = false;
let final = null;
let face = null;
let faceAt = 0;
let sending = null;
let mustPause = false;
let drawing = false;

const link = new RoomLink(config.socket, { take, changed, lost, final: ended });
const { clock } = link;
({ state } = link);

const price = new PriceView({ box: part("price"), money });
const timer = new TimerView({ timer: part("timer"), fuse: part("fuse") });
const flash = new Flash(part("flash"));
const table = new HistoryTable({ body: part("history"), money, language });
const screen = new Screen({ video: part("video"), now: () => clock.now(), changed: redraw });
const queue = new QueueList({ list: part("queue"), money, move: may.run ? move : null });
const over = new OverList({ list: part("over"), totals: part("totals"), money });
const primary = part("primary");
const moderation = may.moderate
  ? new ModerationSheet(document.getElementById("moderation-sheet"), (...request) => asking.api(...request))
  : null;
const more = may.run
  ? new MoreSheet({
    dialog: document.getElementById("more-sheet"), send: carry, ask: (paddle) => asking.person(paddle), state: () => state, money,
  })
  : null;
const quick = may.run
  ? new QuickSheet({
    dialog: document.getElementById("quick-sheet"), video: part("video"), send: carry,
    look: () => ({ v: state.v ?? 0, free: state.auction?.status === "live" && (!state.lot || Boolean(state.lot.result)) }),
  })
  : null;
const chat = new ChatPanel({
  log: part("chat"), form: part("chat-form"), pinned: part("pinned"), language, send: (message) => link.send(message),
  choose: moderation && chosen,
});

// --- The room -------------------------------------------------------------------------------------------

function take(message) {
  return chat.receive(message);
}

function changed(before, message) {
  state = link.state;
  if (message.type === Receive.NOTICE) chat.notice(message.text);
  if (message.type === Receive.STATE || message.type === Receive.RESUMED) {
    connected = true;
    final = null;
  }
  hammer = hammerAfter(hammer, message);
  screen.hear(message);
  flash.observe(before, state, message.type === Receive.RESUMED);
  if (before.lot && state.lot?.id === before.lot.id && state.lot.current_amount !== before.lot.current_amount) {
    price.moved(false);
    if (more?.isOpen) more.refresh();
  }
  if (Object.hasOwn(Event, message.type) || message.type === Receive.STATE || message.type === Receive.STREAM) ask();
  redraw();
}

function lost() {
  connected = false;
  redraw();
}

function ended(why) {
  connected = false;
  final = why;
  redraw();
}

// --- What only the desk is told ---------------------------------------------------------------------------

let soon = null;
let stored = null;
function ask() {
  soon ??= setTimeout(() => {
    soon = null;
    refresh();
  }, FACTS_SOON_MS);
  clearTimeout(stored);
  stored = setTimeout(refresh, FACTS_STORED_MS);
}

let refreshes = 0;
async function refresh() {
  const mine = (refreshes += 1);
  const told = await asking.facts().catch(() => null);
  // A later question has the later answer.
  if (told === null || mine !== refreshes) return;
  facts = told;
  if (told.lot && !lots.has(told.lot.id)) lots.set(told.lot.id, told.lot);
  if (told.lot && told.v !== null && told.v >= hammer.v && told.lot.id === state.lot?.id) hammer = { v: told.v, at: told.lot.hammer_at_ms };
  redraw();
}

// --- What people do -----------------------------------------------------------------------------------------

/** Carry a command out; resolves to what the site said of it. */
async function carry(command, fields) {
  const { detail } = await asking.command(command, fields);
  say(detail);
  ask();
}

async function press(command, fields) {
  if (sending) {
    // Who stops a lot does not wait for the answer to something else.
    mustPause ||= command === "pause" && sending !== "pause";
    return;
  }
  sending = command;
  redraw();
  try {
    await carry(command, { lot: state.lot?.id ?? 0, v: state.v ?? 0, ...fields });
  } catch (error) {
    say(error.message, true);
    ask();
  }
  sending = null;
  redraw();
  if (!mustPause) return;
  mustPause = false;
  press("pause", {});
}

function pressFace(shown) {
  if (shown?.look !== "ready") return;
  if (shown.confirm) confirmFace(shown);
  else press(shown.command, { lot: shown.lot, offered: shown.amount });
}

const sure = document.getElementById("sure-sheet");
/** Ask first; what is confirmed is what was shown, at its version. */
function confirmFace({ command, title, lot, amount, confirm }) {
  const { v } = state;
  setText(sure.querySelector("h2"), title);
  setText(sure.querySelector("p"), confirm);
  const button = sure.querySelector("button[type=submit]");
  setText(button, title);
  sure.querySelector("form").onsubmit = () => press(command, { lot, offered: amount, v });
  sure.showModal();
}

function move(lot, before) {
  press("move", { lot, before });
}

function chosen(line) {
  moderation.open(line);
  const ban = document.querySelector("[data-ban]");
  if (!ban) return;
  ban.hidden = line.paddle === null;
  ban.onclick = () => {
    document.getElementById("moderation-sheet").close();
    more.open("ban", line.paddle);
  };
}

let silence = null;
function say(text, isError = false) {
  const box = part("said");
  if (!box) return;
  setText(box, text);
  box.classList.toggle("out", isError);
  icon(box, isError ? "alert" : "check");
  clearTimeout(silence);
  silence = setTimeout(() => {
    setText(box, "");
  }, SAID_MS);
}

if (may.run) {
  primary.addEventListener("submit", (event) => {
    event.preventDefault();
    // It changed under the thumb: what it says now was not read yet.
    if (performance.now() - faceAt > GUARD_MS) pressFace(face);
  });
  for (const form of document.querySelectorAll(".desk-row form")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const { seconds } = Object.fromEntries(new FormData(form));
      press(form.dataset.command, seconds ? { seconds } : {});
    });
  }
  part("second").addEventListener("click", () => pressFace(face?.second));
  for (const button of document.querySelectorAll("[data-notice]")) {
    button.addEventListener("click", () =>
      asking.api("notices/", { text: button.dataset.notice }).then(() => say(words.noticeSent()), (error) => say(error.message, true)));
  }
}

if (may.moderate) {
  part("slow").addEventListener("change", ({ target }) =>
    asking.api("chat/", { slow_mode_s: Number(target.value) }, "PATCH").catch((error) => say(error.message, true)));
  part("unpin").addEventListener("click", () =>
    asking.api("chat/pin/", { entry: null }, "PUT").catch((error) => say(error.message, true)));
}

if (may.enter) {
  const form = part("clerk");
  const said = form.querySelector("[data-said]");
  form.hidden = false;
  let confirm = null;
  // What was not answered is repeated under the same id, and so never counts twice.
  let id = null;
  form.addEventListener("input", () => {
    confirm = id = null;
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { paddle, amount } = form.elements;
    const body = { paddle: Number(paddle.value), amount: normalTyped(amount.value, money.exponent, money.point), id: (id ??= newId()) };
    if (state.lot) body.lot = state.lot.id;
    if (confirm) body.confirm = confirm;
    confirm = null;
    try {
      const answer = await asking.api("house/bids/", body);
      id = null;
      const text = money.text(money.minor(answer.amount));
      setText(said, answer.standing === "leading" ? words.bidEntered(body.paddle, text) : words.bidEnteredOutbid(body.paddle));
      amount.value = "";
      paddle.select();
      paddle.focus();
    } catch (error) {
      confirm = error.answer?.confirm ?? null;
      // Whatever was decided has a code; what is unknown has none.
      if (error.code) id = null;
      const text = error.answer?.message ?? error.message;
      setText(said, confirm ? `${text} ${words.enterAgain()}` : text);
    }
  });
}

const keysSheet = document.getElementById("keys-sheet");
closable(keysSheet);
if (sure) closable(sure);
const SHEETS = { "more-sheet": () => more.open(), "quick-sheet": () => quick.open(), "keys-sheet": () => keysSheet.showModal() };
for (const button of document.querySelectorAll("[data-open]")) button.addEventListener("click", SHEETS[button.dataset.open]);

// A button that was clicked keeps the focus, and gets it back from the sheet that it opened: Space would press it again
// in place of the large one. So it lets go before it does anything.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button");
  if (button && event.detail > 0 && !button.closest("dialog")) button.blur();
}, true);

const KEYS = {
  " ": () => primary?.requestSubmit(),
  p: () => (state.lot?.status === "paused" ? primary : part("pause"))?.requestSubmit(),
  e: () => part("extend")?.requestSubmit(),
  n: () => pressFace(face?.second),
  m: () => more?.open(),
  q: () => quick?.open(),
  b: () => document.getElementById("clerk-paddle")?.focus(),
  c: () => document.getElementById("say").focus(),
  "?": SHEETS["keys-sheet"],
};

addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.activeElement?.blur();
  const key = KEYS[event.key.toLowerCase()];
  const isBusy = event.ctrlKey || event.metaKey || event.altKey || event.repeat || document.querySelector("dialog[open]");
  // Whoever writes, or stands on a control that knows the key, means that.
  const at = document.activeElement;
  const isWriting = at?.matches("input, select, textarea") || (event.key === " " && at?.matches("button, a, summary, [draggable]"));
  if (!key || isBusy || isWriting) return;
  event.preventDefault();
  key();
});

// Which panel a phone shows: it is swiped, so the page asks where it is.
const tabs = new Map([...document.querySelectorAll(".desk-tabs a")].map((tab) => [tab.hash.slice(1), tab]));
const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) tabs.get(target.id).setAttribute("aria-current", "true");
    else tabs.get(target.id).removeAttribute("aria-current");
  }
}, { root: part("panels"), threshold: 0.6 });
for (const id of tabs.keys()) seen.observe(document.getElementById(id));

// --- What is shown --------------------------------------------------------------------------------------------

function redraw() {
  if (drawing) return;
  drawing = true;
  queueMicrotask(() => {
    drawing = false;
    draw();
  });
}

function draw() {
  if (state.v === null && !final) return;
  const { lot } = state;
  document.getElementById("desk").classList.toggle("is-stale", !connected);
  drawHead();
  drawLot(lot);
  drawFace();
  table.draw(state.bids, null);
  chat.draw(state);
  drawChat();
  const running = lot && !lot.result ? lot.id : null;
  queue.draw(facts.queue, running, facts.waiting - facts.queue.length);
  const names = new Map(lot ? [[lot.id, lot]] : []);
  over.draw(overNow(facts.over, state, names), facts);
  more?.draw();
}

function drawHead() {
  const status = state.auction?.status;
  setText(part("count"), state.participants === null ? "–" : String(state.participants));
  const { state: picture, health } = facts.stream;
  const box = part("health");
  box.dataset.state = picture === "live" && health !== "good" && health !== null ? "poor" : picture;
  setText(box.querySelector("span"), words.pictureState(picture, health));
  if (state.auction) screen.follow(state.auction.stream);
  const { pictures, behindMs, stills } = screen.view;
  part("video").classList.toggle("is-on", pictures && !stills);
  part("dark").hidden = pictures && !stills;
  part("delay-row").hidden = !pictures || behindMs === null;
  if (behindMs !== null) setText(part("delay"), words.secondsBehind(saidSeconds(behindMs)));
  const trouble = final ? words.noWayBack(final) : connected ? null : words.lostConnection();
  part("trouble").hidden = trouble === null;
  setText(part("trouble").querySelector("span"), trouble ?? "");
  const taken = facts.rostrum !== null && !facts.rostrum.mine;
  part("rostrum").hidden = !taken;
  if (taken) setText(part("rostrum").querySelector("span"), words.onRostrum(facts.rostrum.name || words.somebody()));
  part("status").classList.toggle("live", status === "live");
  if (status) setText(part("status"), words.showStatus(status));
}

function drawLot(lot) {
  price.draw(lot);
  setText(part("number"), lot ? words.lotOf(lot.number, facts.count) : words.betweenLots());
  setText(part("title"), lot?.title ?? "");
  setText(part("leader"), lot ? (lot.leader ? words.paddle(lot.leader.paddle) : words.noBidsYet()) : "");
  setText(part("bids"), lot?.bid_count ? words.bids(lot.bid_count) : "");
  const own = facts.lot?.id === lot?.id ? facts.lot : null;
  const reserve = own?.reserve && lot.has_reserve ? words.reserveOf(money.text(money.minor(own.reserve)), lot.reserve_met) : "";
  setText(part("reserve"), reserve);
  part("reserve").classList.toggle("met", Boolean(reserve) && lot.reserve_met);
  const line = own?.next_in_line;
  const isKnown = own && lot.leader && "next_in_line" in own;
  // What was asked a moment ago may name the one who leads meanwhile.
  const isOld = line && line.paddle === lot.leader?.paddle;
  setText(part("line"), isKnown && !isOld ? (line ? words.nextInLine(line.paddle, money.text(money.minor(line.amount))) : words.nobodyInLine()) : "");
}

function drawFace() {
  const { lot } = state;
  const now = clock.now();
  const at = countdown(lot, now, lots.get(lot?.id)?.duration_ms ?? 60_000);
  const next = may.run
    ? deskFace({ state, queue: facts.queue, connected, final, now, hammer, lots, money, closing: at.closing })
    : null;
  drawFinish(at, now);
  if (!next) return;
  const isNew = next.command !== face?.command || next.lot !== face?.lot || next.amount !== face?.amount || next.look !== face?.look;
  // What one pressed oneself comes as one expects it; the guard is for what others and the clock change.
  if (isNew && !sending) faceAt = performance.now();
  face = next;
  const button = primary.querySelector("button");
  button.dataset.look = sending ? "sending" : face.look;
  button.setAttribute("aria-disabled", String(Boolean(sending) || face.look !== "ready"));
  button.disabled = false;
  setText(button.querySelector(".line1"), sending && sending !== "move" ? words.deskSending() : face.title);
  setText(button.querySelector(".line2"), face.note);
  const second = part("second");
  second.hidden = !face.second;
  if (face.second) setText(second, face.second.title);
  const running = connected && lot?.status === "open" && !at.closing;
  for (const name of ["pause", "extend"]) {
    // What may be done instead takes their place, so that nothing else moves.
    part(name).hidden = Boolean(face.second);
    part(name).querySelector("button").disabled = !running;
  }
}

function drawFinish(at, now) {
  if (facts.v !== null) setText(part("pilot"), facts.autopilot === null ? "" : `${words.autopilot(facts.autopilot / 1_000)} · `);
  const live = state.auction?.status === "live";
  setText(part("finish"), live && now !== null ? words.endsAbout(timeOfDay.format(now + facts.rest_ms + (at.left ?? 0))) : "");
}

function drawChat() {
  if (!may.moderate) return;
  const { pinned, slow_mode_ms: pace } = state.chatSettings;
  part("unpin").hidden = pinned === null;
  const slow = part("slow");
  const value = String(pace / 1_000);
  if (![...slow.options].some((option) => option.value === value)) slow.append(new Option(words.slowMode(pace / 1_000), value));
  if (document.activeElement !== slow) slow.value = value;
}

let second = null;
function tick() {
  const now = clock.now();
  const { lot } = state;
  const at = countdown(lot, now, lots.get(lot?.id)?.duration_ms ?? 60_000);
  const error = clock.error();
  const next = lot && !lot.result ? null : nextLot(state, facts.queue);
  const opens = next?.opensAt && now !== null ? Math.ceil((next.opensAt - now) / 1_000) : 0;
  const shown = next ? { ...at, text: opens > 0 ? words.opensIn(opens) : "", words: true } : at;
  timer.draw(shown, lot, error !== null && error > DOUBT_MS ? error : null);
  flash.tick();
  link.tick();
  // The large button counts seconds; nothing else changes with the time.
  const count = now === null ? null : Math.floor(now / 250);
  if (count !== second) {
    second = count;
    if (state.v !== null) drawFace();
  }
}

function frame() {
  tick();
  requestAnimationFrame(frame);
}

// --- Begin ------------------------------------------------------------------------------------------------------

if (config.status !== "draft") {
  setInterval(() => {
    if (document.visibilityState !== "visible") tick();
  }, 500);
  setInterval(() => {
    if (document.visibilityState === "visible") refresh();
  }, FACTS_EVERY_MS);
  link.start();
  refresh();
  requestAnimationFrame(frame);
}
