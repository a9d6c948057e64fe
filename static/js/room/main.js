/* The room's page: connects messages to the state, and the state to the parts that show it.
   Decides nothing by itself: what is true comes from the server, what is shown from pure functions. */

import { Money } from "../money.js";
import { browserStorage, rememberHead } from "../record.js";
import { words } from "../strings.js";
import { Announcer } from "./announcer.js";
import { BidDesk } from "./bids.js";
import { BidButton, QuickAmounts } from "./bidbutton.js";
import { Act, bidFace, quickAmounts } from "./bidface.js";
import { ChatPanel } from "./chat.js";
import { DOUBT_MS } from "./clock.js";
import { Cues } from "./cues.js";
import { make, setText, useIcons } from "./draw.js";
import { lotFacts } from "./facts.js";
import { Flash } from "./flash.js";
import { HistoryTable } from "./history.js";
import { Keyboard } from "./keyboard.js";
import { RoomLink } from "./link.js";
import { Receive } from "./messages.js";
import { missed } from "./missed.js";
import { ModerationSheet } from "./moderation.js";
import { ReportSheet } from "./report.js";
import { PaddleSheet } from "./paddlesheet.js";
import { PriceView } from "./price.js";
import { isLeading } from "./reducer.js";
import { RunOfShow } from "./runofshow.js";
import { AmountSheet } from "./sheets.js";
import { Banner, Stage } from "./stage.js";
import { TimerView, countdown, opensText } from "./timer.js";

const AWAY_WORTH_TELLING_MS = 1_500;
/** How long the room may take to tell a new paddle to this seat before it is asked. */
const TOLD_MS = 2_000;
const NO_FEES = [0, 0, true, true];

const icons = document.querySelector("script[data-icons]").dataset.icons;
useIcons(icons);
const config = JSON.parse(document.getElementById("room-config").textContent);
const language = document.documentElement.lang || "en";
const part = (name) => document.querySelector(`[data-room="${name}"]`);

const money = new Money(config.currency);
const lots = new Map(config.lots.map((lot) => [lot.id, lot]));

const link = new RoomLink(config.socket, { take, changed: heard, lost, final: finished });
const { clock } = link;
let { state } = link;
let connected = false;
/** Why there is no coming back, or null. */
let final = null;
let chosen = null;
let lostAt = null;
let beforeLoss = null;
let drawing = false;
let saidOver = false;

const desk = new BidDesk({ send: (message) => link.send(message), clock, changed: redraw });
const announcer = new Announcer(part("announcer"), money);
const banner = new Banner(part("banner"));
const stage = new Stage({
  frame: part("stage"),
  video: part("video"),
  note: part("stage-note"),
  verdict: part("verdict"),
  money,
  now: () => clock.now(),
  changed: redraw,
});
const price = new PriceView({ box: part("price"), money });
const flash = new Flash(part("flash"));
const timer = new TimerView({ timer: part("timer"), fuse: part("fuse") });
const table = new HistoryTable({ body: part("history"), money, language });
const run = new RunOfShow({ list: part("run"), won: part("won"), money, fees: (id) => lots.get(id)?.fees ?? NO_FEES });
const moderation = config.moderates ? new ModerationSheet(document.getElementById("moderation-sheet"), post) : null;
const reports = document.getElementById("report-sheet");
const report = reports ? new ReportSheet(reports, post) : null;
const chat = new ChatPanel({
  log: part("chat"),
  form: part("chat-form"),
  pinned: part("pinned"),
  language,
  send: (message) => link.send(message),
  choose: moderation ? (line) => moderation.open(line) : report && ((line) => report.open(line)),
  chosen: moderation ? words.moderate : words.report,
  mayChoose: (line) => Boolean(moderation) || (!line.role && line.paddle !== state.you?.paddle),
});
const cues = new Cues({ sound: part("sound"), vibration: part("vibration"), icons, changed: (on) => stage.sound(on) });
new Keyboard(document.getElementById("room"), window.visualViewport);
const amountSheet = new AmountSheet({ dialog: document.getElementById("amount-sheet"), money, offer });
const paddleSheet = new PaddleSheet({
  dialog: document.getElementById("paddle-sheet"),
  at: { person: () => config, urls: config.urls, post: send, arrived, registered, asked, left: keepChosen },
});
const button = new BidButton({ box: part("bidbox"), strip: part("strip"), money, press, cancel: () => desk.cancelJump() });
const quick = new QuickAmounts({
  box: part("steps"),
  money,
  other: openAmount,
  choose: (amount) => {
    chosen = amount;
    // Drawn at once: the change of the amount is the person's own, and must not count as one that came under their thumb.
    draw();
    button.chosen();
  },
});

// --- The connection -----------------------------------------------------------------------------------

function take(message) {
  if (message.type === Receive.LOG_HEAD) rememberHead(browserStorage(), config.auction, message);
  return desk.receive(message) || chat.receive(message);
}

function heard(before, message) {
  state = link.state;
  if (message.type === Receive.NOTICE) chat.notice(message.text);
  if (message.type === Receive.STATE || message.type === Receive.RESUMED) returned();
  if (before.v === null && state.v !== null) recallChosen();
  if (state.v !== null) desk.reached(state.v);
  if (message.v === state.v) stage.hear(message);
  changed(before, message);
  redraw();
}

function returned() {
  if (connected) return;
  connected = true;
  final = null;
  desk.back();
  if (lostAt === null) {
    banner.clear();
    return;
  }
  const awayMs = performance.now() - lostAt;
  lostAt = null;
  if (awayMs < AWAY_WORTH_TELLING_MS) {
    banner.clear();
    return;
  }
  // What became of a bid on its way is asked first; the sentence waits for the answer, but not for long.
  const before = beforeLoss;
  const tell = () => banner.tell(missed({ before, after: state, awayMs, counted: desk.counted, money, now: clock.now() }));
  if (desk.pending) setTimeout(tell, 600);
  else tell();
}

function lost() {
  if (connected) {
    lostAt = link.heardAt;
    beforeLoss = state;
  }
  connected = false;
  desk.lost();
  if (state.v !== null) banner.trouble(words.lostConnection());
  redraw();
}

function finished(why) {
  final = why;
  const links = {
    signed_out: [words.signedOut(), { href: config.urls.sign_in, text: words.signInAgain() }],
    forbidden: [words.removed(), null],
    not_found: [words.elsewhere(), null],
    too_many: [words.tooMany(), null],
  };
  banner.trouble(...links[why]);
  redraw();
}

// --- What people do -----------------------------------------------------------------------------------

function press(face) {
  if (face.act === Act.BID) offer({ amount: money.wire(face.amount), max: false });
  else if (face.act === Act.CONFIRM) desk.confirmJump();
  else if (face.act === Act.RAISE) openAmount();
  else if (face.act === Act.PADDLE) getPaddle();
}

function offer({ amount, max }) {
  const { lot } = state;
  if (!connected || !lot || lot.status !== "open") return false;
  chosen = null;
  return desk.place({ lot: lot.id, amount, max });
}

function openAmount() {
  if (state.you?.paddle == null) {
    getPaddle(openAmount);
    return;
  }
  if (state.lot?.status === "open") amountSheet.open(amountContext);
}

function amountContext() {
  const { lot, you } = state;
  const leading = isLeading(state);
  const own = money.minor(you?.max_amount);
  const minimum = money.minor(lot.minimum_amount);
  return {
    minimum: leading && own !== null ? Math.max(minimum, own + 1) : minimum,
    leading,
    maximum: leading ? own : null,
    fees: fees(),
    delivery: delivery(),
  };
}

/** Ask for what a bid takes; `then()` goes on with what was wanted, once the sheet is closed with a paddle. */
function getPaddle(then = null) {
  paddleSheet.open(() => {
    if (then && state.you?.paddle != null) then();
  });
}

/** Send a form for the sheet; resolves to {ok, answer}, rejects where there is no connection. */
async function send(url, values) {
  const response = await fetch(url, { method: "POST", headers: { "X-CSRFToken": csrfToken() }, body: new URLSearchParams(values) });
  return { ok: response.ok, answer: await response.json().catch(() => ({})) };
}

/** Somebody signed in: the page and its seat in the room become theirs, and stay where they were. */
async function arrived({ csrf_token: token }) {
  // The old token ended with being nobody.
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
  let person = null;
  try {
    const response = await fetch(config.urls.entrance);
    if (response.ok) person = await response.json();
  } catch { /* told below */ }
  if (person === null || person.barred) {
    // Who works here gets tools that only the server lays out.
    keepChosen();
    location.assign(config.urls.back);
    return null;
  }
  Object.assign(config, person);
  part("chat-form").hidden = false;
  link.renew();
  refresh();
  redraw();
  return person;
}

function registered(paddle) {
  Object.assign(config, { registered: true, waiting: false, paddle });
  // The room tells every seat of theirs; a seat that was just being taken may have missed it.
  setTimeout(() => {
    if (state.you?.paddle == null) link.renew();
  }, TOLD_MS);
  const { lot } = state;
  const amount = lot?.status === "open" ? chosen ?? money.minor(lot.minimum_amount) : null;
  paddleSheet.drop(paddle, amount === null ? words.bidWhenOpen() : words.waitsOnButton(money.text(amount)));
  redraw();
}

function asked() {
  Object.assign(config, { registered: true, waiting: true });
  redraw();
}

// Some steps have pages of their own; who comes back from one finds the lot and the amount that they had chosen.
const CHOSEN = `chosen/${config.auction}`;
function keepChosen() {
  try {
    if (chosen !== null) sessionStorage.setItem(CHOSEN, JSON.stringify({ lot: state.lot?.id, amount: chosen }));
  } catch { /* a browser that keeps nothing */ }
}

function recallChosen() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(CHOSEN));
    sessionStorage.removeItem(CHOSEN);
    if (kept && kept.lot === state.lot?.id) chosen = kept.amount;
  } catch { /* likewise */ }
}

function csrfToken() {
  return document.querySelector("[name=csrfmiddlewaretoken]").value;
}

/** Ask the API about this auction; resolves to its answer, or rejects with an error whose message is fit to show. */
async function post(path, body, method = "POST") {
  const response = await fetch(`${config.urls.api}${path}`, {
    method,
    headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
    body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.detail ?? words.tryAgain());
  return answer;
}

// --- What is shown ------------------------------------------------------------------------------------

function fees() {
  return lots.get(state.lot?.id)?.fees ?? NO_FEES;
}

function delivery() {
  return lots.get(state.lot?.id)?.delivery ?? false;
}

function duration(lot) {
  return lots.get(lot?.id)?.duration_ms ?? 60_000;
}

function changed(before, message) {
  announcer.observe(before, state);
  if (state.lot && before.lot?.id !== state.lot.id) {
    chosen = null;
    amountSheet.close();
  }
  if (toldOf(before) !== toldOf(state)) describe(toldOf(state));
  if (before.v !== null) {
    const [led, leads] = [isLeading(before), isLeading(state)];
    if (before.lot?.id === state.lot?.id && !led && leads) cues.play("leading");
    if (led && !leads && state.lot?.status === "open" && before.lot?.id === state.lot.id) cues.play("outbid");
    if (state.lot && before.lot?.id === state.lot.id && state.lot.current_amount !== before.lot.current_amount) price.moved(leads);
  }
  flash.observe(before, state, message.type === Receive.RESUMED);
  if (state.catalogueChangedAt !== before.catalogueChangedAt) reloadCatalogue();
}

/** The lot that a page tells about: the one that is or was open, and before the first the one that opens next. */
const toldOf = ({ lot, next }) => lot?.id ?? next?.lot;

function describe(lotId) {
  if (lotId === undefined) return;
  const template = document.querySelector(`template[data-about="${lotId}"]`);
  const body = part("about-body");
  if (template) {
    body.replaceChildren(template.content.cloneNode(true));
  } else {
    const link = make("a", "textlink", words.openLotPage());
    link.href = document.querySelector(`.run-row[data-lot="${lotId}"]`)?.href ?? "";
    body.replaceChildren(link);
  }
}

let reload = null;
function reloadCatalogue() {
  // Everybody hears of it at once, so everybody waits a little of their own.
  reload ??= setTimeout(() => {
    reload = null;
    refresh();
  }, 500 + Math.random() * 4_000);
}

/** Take from a fresh page what no message carries: the run of show, the lots' descriptions, the menu. */
async function refresh() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!response?.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("room-config");
  if (!fresh) {
    location.reload();
    return;
  }
  for (const lot of JSON.parse(fresh.textContent).lots) lots.set(lot.id, lot);
  run.replace(page.querySelector("[data-room=run]"));
  const ready = "template[data-about], template[data-shot]";
  for (const old of document.querySelectorAll(ready)) old.remove();
  document.body.append(...page.querySelectorAll(ready));
  const [menu, itsMenu] = [document, page].map((node) => node.querySelector("#room-menu nav"));
  if (menu.innerHTML !== itsMenu.innerHTML) menu.replaceWith(itsMenu);
  describe(toldOf(state));
  redraw();
}

function redraw() {
  if (drawing) return;
  drawing = true;
  queueMicrotask(() => {
    drawing = false;
    draw();
  });
}

function draw() {
  if (state.v === null) return;
  const { lot } = state;
  document.getElementById("room").classList.toggle("is-stale", !connected);
  drawHead();
  drawLot(lot);
  const minimum = lot ? money.minor(lot.minimum_amount) : null;
  if (chosen !== null && (minimum === null || chosen < minimum)) chosen = null;
  drawBidding();
  chat.draw(state);
  table.draw(state.bids, state.you?.paddle ?? null);
  run.draw(state);
  stage.draw(state);
}

function drawHead() {
  const over = state.auction.status === "ended" || state.auction.status === "cancelled";
  if (state.participants !== null) setText(part("count"), String(state.participants));
  if (over && !saidOver) {
    saidOver = true;
    const text = state.auction.status === "ended" ? words.showOver() : words.showCancelled();
    banner.stay(text, { href: config.urls.room, text: words.seeResults() });
  }
}

function drawLot(lot) {
  const { next } = state;
  price.draw(lot);
  if (!lot) {
    setText(part("number"), words.betweenLots());
    setText(part("title"), next ? words.nextLot(next.number, next.title) : "");
    setText(part("facts"), "");
    return;
  }
  setText(part("number"), words.lot(lot.number));
  setText(part("title"), lot.title);
  const facts = lotFacts(lot, state.you?.paddle ?? null);
  const upcoming = lot.result && next ? words.nextLot(next.number, next.title) : null;
  setText(part("facts"), upcoming ?? facts.join(" · "));
  part("facts").classList.toggle("you", isLeading(state) && !lot.result);
}

function drawBidding() {
  const { lot, you } = state;
  const at = countdown(lot, clock.now(), duration(lot));
  const face = bidFace({
    state, desk, chosen, connected, money, closing: at.closing, known: state.v !== null, fees: fees(), delivery: delivery(),
    barred: config.barred, waiting: config.waiting, final,
  });
  if (button.draw(face) && face.look === "refused") announcer.say(face.title);
  const isOpen = connected && lot?.status === "open" && !at.closing && !desk.pending;
  // Who has no paddle yet may choose as well: the amount waits for them.
  const mayChoose = isOpen && !config.barred && (you?.paddle != null || !config.registered);
  const leads = isLeading(state);
  quick.draw({
    amounts: lot && !lot.result ? quickAmounts(lot, lots.get(lot.id)?.increments ?? [[0, 1]], money) : [],
    chosen: leads ? null : chosen ?? (lot ? money.minor(lot.minimum_amount) : null),
    enabled: mayChoose && !leads && !desk.jump,
    other: mayChoose,
  });
}

let closingDrawn = false;
function tick() {
  const now = clock.now();
  const { lot } = state;
  const at = countdown(lot, now, duration(lot));
  const error = clock.error();
  const shown = !lot || lot.result ? { ...at, text: opensText(state.next, now), words: true } : at;
  timer.draw(shown, lot, error !== null && error > DOUBT_MS ? error : null);
  announcer.tick(lot, at.left);
  if (at.closing !== closingDrawn) {
    closingDrawn = at.closing;
    redraw();
  }
  flash.tick();
  for (const sheet of [paddleSheet, amountSheet]) if (sheet.isOpen) sheet.tell(meanwhile(lot, shown.text), at.last);
  desk.tick();
  button.tick();
  link.tick();
}

/** The lot, its price and the time in a line, for a sheet that lies over them. */
function meanwhile(lot, time) {
  if (!connected) return state.v === null ? "" : words.reconnecting();
  if (!lot) return words.betweenLots();
  const price = money.text(money.minor(lot.current_amount ?? lot.opening_amount));
  const sold = lot.result === "sold" ? words.soldAt(price) : words.notSold();
  return [words.lot(lot.number), ...(lot.result ? [sold, time] : [price, time])].filter(Boolean).join(" · ");
}

function frame() {
  tick();
  requestAnimationFrame(frame);
}

// --- Begin --------------------------------------------------------------------------------------------

// A hidden page gets no frames, and its bids must still be asked after.
setInterval(() => {
  if (document.visibilityState !== "visible") tick();
}, 500);

part("plain")?.remove();
part("chat-form").hidden = !config.signed_in;
link.start();
requestAnimationFrame(frame);
if (config.signed_in && !config.barred && !config.registered && new URLSearchParams(location.search).has("paddle")) {
  history.replaceState(null, "", config.urls.room);
  getPaddle();
}
