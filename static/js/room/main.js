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
import { DOUBT_MS, ServerClock } from "./clock.js";
import { Cues } from "./cues.js";
import { make, setText, useIcons } from "./draw.js";
import { HistoryTable } from "./history.js";
import { Receive, Send } from "./messages.js";
import { missed } from "./missed.js";
import { ModerationSheet } from "./moderation.js";
import { initialState, isLeading, reduce } from "./reducer.js";
import { RunOfShow } from "./runofshow.js";
import { AmountSheet, PaddleSheet } from "./sheets.js";
import { RoomSocket } from "./socket.js";
import { Banner, Stage } from "./stage.js";
import { TimerView, countdown } from "./timer.js";

const PINGS_AT_ONCE = 5;
const PING_GAP_MS = 250;
const PING_EVERY_MS = 30_000;
/** How long what is missing may still be on its way before it is asked for. */
const PATIENCE_MS = 300;
const RESUME_AGAIN_MS = 2_000;
const AWAY_WORTH_TELLING_MS = 1_500;
const FLASH_MS = 2_000;
const NO_FEES = [0, 0, true, true];

const icons = document.querySelector("script[data-icons]").dataset.icons;
useIcons(icons);
const config = JSON.parse(document.getElementById("room-config").textContent);
const language = document.documentElement.lang || "en";
const part = (name) => document.querySelector(`[data-room="${name}"]`);

const money = new Money(config.currency, language);
const clock = new ServerClock();
const lots = new Map(config.lots.map((lot) => [lot.id, lot]));

let state = initialState;
let connected = false;
let chosen = null;
let lostAt = null;
let beforeLoss = null;
let behindAt = null;
let resumedAt = -Infinity;
let pingsLeft = 0;
let waiting = config.waiting;
let flashUntil = 0;
let drawing = false;
let saidOver = false;

const socket = new RoomSocket(
  `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${config.socket}`,
  {
    position: () => (state.v === null ? null : { since: state.v, epoch: state.epoch }),
    message: receive,
    open: opened,
    lost,
    final: finished,
  },
);

const desk = new BidDesk({ send: (message) => socket.send(message), clock, changed: redraw });
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
const timer = new TimerView({ timer: part("timer"), fuse: part("fuse") });
const table = new HistoryTable({ body: part("history"), money, language });
const run = new RunOfShow({ list: part("run"), won: part("won"), money, fees: (id) => lots.get(id)?.fees ?? NO_FEES });
const moderation = config.moderates ? new ModerationSheet(document.getElementById("moderation-sheet"), post) : null;
const chat = new ChatPanel({
  log: part("chat"),
  form: part("chat-form"),
  pinned: part("pinned"),
  language,
  send: (message) => socket.send(message),
  choose: moderation && ((line) => moderation.open(line)),
});
const cues = new Cues(part("sound"), icons, (on) => stage.sound(on));
const amountSheet = new AmountSheet({ dialog: document.getElementById("amount-sheet"), money, offer });
const paddleSheet = new PaddleSheet({ dialog: document.getElementById("paddle-sheet"), register });
const button = new BidButton({ box: part("bidbox"), strip: part("strip"), money, press, cancel: () => desk.cancelJump() });
const quick = new QuickAmounts({
  box: part("steps"),
  money,
  other: openAmount,
  choose: (amount) => {
    chosen = amount;
    button.chosen();
    redraw();
    button.chosen();
  },
});

// --- The connection -----------------------------------------------------------------------------------

function receive(message) {
  if (message.server_time_ms !== undefined && message.type !== Receive.PONG) heard(message.server_time_ms);
  if (message.type === Receive.PONG) {
    clock.sample(message.t, performance.now(), message.server_time_ms);
    return;
  }
  if (message.type === Receive.LOG_HEAD) rememberHead(browserStorage(), config.auction, message);
  if (desk.receive(message) || chat.receive(message)) return;
  const before = state;
  state = reduce(state, message);
  if (message.type === Receive.NOTICE) chat.notice(message.text);
  if (message.type === Receive.STATE || message.type === Receive.RESUMED) returned();
  behindAt = state.behind ? behindAt ?? performance.now() : null;
  if (state.behind) resume();
  if (state.v !== null) desk.reached(state.v);
  changed(before, message);
  redraw();
}

function heard(serverMs) {
  // A heartbeat may be late but never early: far from it, by more than the way explains, our clock must ask again.
  const off = clock.atLeast(serverMs);
  const error = clock.error();
  if (error === null || Math.abs(off) > DOUBT_MS + error) pings(PINGS_AT_ONCE);
}

/** Ask for the time so often. What is asked for meanwhile is part of it: a page that slept hears much at once. */
function pings(count) {
  const asking = pingsLeft > 0;
  pingsLeft = Math.max(pingsLeft, count);
  if (!asking) ping();
}

function ping() {
  pingsLeft -= 1;
  socket.send({ type: Send.PING, t: performance.now() });
  if (pingsLeft > 0) setTimeout(ping, PING_GAP_MS);
}

function resume() {
  const now = performance.now();
  if (state.v === null || now - behindAt < PATIENCE_MS || now - resumedAt < RESUME_AGAIN_MS) return;
  if (socket.send({ type: Send.RESUME, since: state.v, epoch: state.epoch })) resumedAt = now;
}

function opened() {
  resumedAt = -Infinity;
  pings(PINGS_AT_ONCE);
}

function returned() {
  if (connected) return;
  connected = true;
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
    lostAt = socket.heardAt;
    beforeLoss = state;
  }
  connected = false;
  desk.lost();
  if (state.v !== null) banner.trouble(words.lostConnection());
  redraw();
}

function finished(why) {
  const links = {
    signed_out: [words.signedOut(), { href: config.urls.sign_in, text: words.signInAgain() }],
    forbidden: [words.removed(), null],
    not_found: [words.elsewhere(), null],
    too_many: [words.tooMany(), null],
  };
  banner.trouble(...links[why]);
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
    getPaddle();
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

function getPaddle() {
  if (!config.signed_in) location.assign(config.urls.sign_in);
  else paddleSheet.open();
}

/** Ask the API about this auction; resolves to its answer, or rejects with an error whose message is fit to show. */
async function post(path, body, method = "POST") {
  const response = await fetch(`${config.urls.api}${path}`, {
    method,
    headers: { "Content-Type": "application/json", "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value },
    body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.detail ?? words.tryAgain());
  return answer;
}

async function register() {
  const answer = await post("registrations/", { accept_terms: true });
  if (answer.status !== "approved") waiting = true;
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
    describe(state.lot.id);
  }
  if (before.v !== null) {
    const [led, leads] = [isLeading(before), isLeading(state)];
    if (before.lot?.id === state.lot?.id && !led && leads) cues.play("leading");
    if (led && !leads && state.lot?.status === "open" && before.lot?.id === state.lot.id) cues.play("outbid");
    if (state.lot && before.lot?.id === state.lot.id && state.lot.current_amount !== before.lot.current_amount) underline(leads);
  }
  if (state.extension && state.extension !== before.extension && message.type !== Receive.RESUMED) flash(state.extension);
  if (state.warnedAt !== null && state.warnedAt !== before.warnedAt) flashText(words.fairWarning());
  if (state.catalogueChangedAt !== before.catalogueChangedAt) reloadCatalogue();
}

function underline(mine) {
  const price = part("price");
  price.classList.remove("moved", "mine");
  // Read once, so that the animation begins anew.
  void price.offsetWidth;
  price.classList.add("moved");
  price.classList.toggle("mine", mine);
}

function flash({ addedMs, used, allowed, reason }) {
  const seconds = Math.round(addedMs / 1_000);
  if (reason !== "bid") flashText(words.extendedBy(seconds));
  // A clock that is reset twice within a second gains nothing that could be named.
  else flashText(seconds ? words.extended(seconds, used, allowed) : words.extendedAgain(used, allowed));
}

function flashText(text) {
  setText(part("flash"), text);
  part("flash").classList.add("on");
  flashUntil = performance.now() + FLASH_MS;
}

function describe(lotId) {
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
  reload ??= setTimeout(async () => {
    reload = null;
    const response = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.getElementById("room-config");
    if (!fresh) {
      location.reload();
      return;
    }
    for (const lot of JSON.parse(fresh.textContent).lots) lots.set(lot.id, lot);
    run.replace(page.querySelector("[data-room=run]"));
    for (const old of document.querySelectorAll("template[data-about]")) old.remove();
    document.body.append(...page.querySelectorAll("template[data-about]"));
    if (state.lot) describe(state.lot.id);
    redraw();
  }, 500 + Math.random() * 4_000);
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
  if (state.participants !== null) {
    part("here").hidden = false;
    setText(part("count"), String(state.participants));
  }
  if (over && !saidOver) {
    saidOver = true;
    const text = state.auction.status === "ended" ? words.showOver() : words.showCancelled();
    banner.stay(text, { href: config.urls.room, text: words.seeResults() });
  }
}

function drawLot(lot) {
  const { next } = state;
  if (!lot) {
    setText(part("number"), words.betweenLots());
    setText(part("title"), next ? words.nextLot(next.number, next.title) : "");
    setText(part("price"), "–");
    setText(part("facts"), "");
    return;
  }
  setText(part("number"), words.lot(lot.number));
  setText(part("title"), lot.title);
  const amount = money.minor(lot.current_amount ?? lot.opening_amount);
  drawPrice(amount, lot.current_amount === null);
  const you = state.you?.paddle ?? null;
  const facts = [];
  if (lot.leader) facts.push(lot.leader.paddle === you ? words.you() : words.paddle(lot.leader.paddle));
  facts.push(lot.bid_count ? words.bids(lot.bid_count) : words.noBidsYet());
  if (lot.has_reserve && lot.bid_count) facts.push(lot.reserve_met ? words.reserveMet() : words.reserveNotMet());
  const upcoming = lot.result && next ? words.nextLot(next.number, next.title) : null;
  setText(part("facts"), upcoming ?? facts.join(" · "));
  part("facts").classList.toggle("you", isLeading(state) && !lot.result);
}

function drawPrice(amount, isOpening) {
  const price = part("price");
  const [sign, digits] = money.parts(amount);
  const key = `${sign}${digits}${isOpening}`;
  if (price.dataset.shown === key) return;
  price.dataset.shown = key;
  price.dataset.length = String(Math.min(16, Math.max(2, digits.length + Math.ceil(sign.length / 2) + (isOpening ? 2 : 0))));
  price.replaceChildren(make("span", "sign", sign), digits);
  if (isOpening) price.append(make("span", "caption", words.openingBid()));
}

function drawBidding() {
  const { lot, you } = state;
  const at = countdown(lot, clock.now(), duration(lot));
  const face = bidFace({
    state, desk, chosen, connected, money, closing: at.closing, known: state.v !== null, fees: fees(), delivery: delivery(),
    barred: config.barred, waiting,
  });
  if (button.draw(face) && face.look === "refused") announcer.say(face.title);
  const mayBid = you?.paddle != null && connected && lot?.status === "open" && !at.closing && !desk.pending;
  const leads = isLeading(state);
  quick.draw({
    amounts: lot && !lot.result ? quickAmounts(lot, lots.get(lot.id)?.increments ?? [[0, 1]], money) : [],
    chosen: leads ? null : chosen ?? (lot ? money.minor(lot.minimum_amount) : null),
    enabled: mayBid && !leads && !desk.jump,
    other: mayBid,
  });
}

let closingDrawn = false;
function tick() {
  const now = clock.now();
  const { lot } = state;
  const at = countdown(lot, now, duration(lot));
  const error = clock.error();
  const shown = !lot || lot.result ? { ...at, text: nextText(now), words: true } : at;
  timer.draw(shown, lot, error !== null && error > DOUBT_MS ? error : null);
  announcer.tick(lot, at.left);
  if (at.closing !== closingDrawn) {
    closingDrawn = at.closing;
    redraw();
  }
  if (flashUntil && performance.now() > flashUntil) {
    flashUntil = 0;
    part("flash").classList.remove("on");
  }
  desk.tick();
  button.tick();
  if (state.behind) resume();
}

function nextText(now) {
  const opens = state.next?.opens_at_ms;
  if (!opens || now === null) return "";
  const seconds = Math.ceil((opens - now) / 1_000);
  return seconds > 0 ? words.opensIn(seconds) : "";
}

function frame() {
  tick();
  requestAnimationFrame(frame);
}

// --- Begin --------------------------------------------------------------------------------------------

addEventListener("online", () => socket.hurry());
addEventListener("pageshow", (event) => {
  if (event.persisted) socket.hurry();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") socket.hurry();
});
setInterval(() => pings(1), PING_EVERY_MS);
// A hidden page gets no frames, and its bids must still be asked after.
setInterval(() => {
  if (document.visibilityState !== "visible") tick();
}, 500);

part("chat-form").hidden = !config.signed_in;
socket.start();
requestAnimationFrame(frame);
if (config.signed_in && !config.barred && !config.registered && new URLSearchParams(location.search).has("paddle")) {
  history.replaceState(null, "", config.urls.room);
  paddleSheet.open();
}
