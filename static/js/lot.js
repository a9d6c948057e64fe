/* A lot's page: follows the lot while it is to come or open, leaves a maximum through the socket, turns the pictures.
   All of it works without this script too: by the form, by loading the page again, by scrolling the strip. */

import { Money } from "./money.js";
import { words } from "./strings.js";
import { BidDesk } from "./room/bids.js";
import { setText, useIcons } from "./room/draw.js";
import { lotFacts } from "./room/facts.js";
import { RoomLink } from "./room/link.js";
import { Receive } from "./room/messages.js";
import { PriceView } from "./room/price.js";
import { TimerView, countdown } from "./room/timer.js";

/** The record learns of a change a moment after the room; and everybody hears of it at once. */
const RELOAD_MS = [1_000, 3_000];

function gallery(box) {
  const strip = box.querySelector("[data-strip]");
  if (!strip) return;
  const thumbs = [...box.querySelectorAll("[data-thumb]")];
  const shown = () => Math.round(strip.scrollLeft / strip.clientWidth);
  const show = (index) => strip.scrollTo({ left: Math.max(0, Math.min(thumbs.length - 1, index)) * strip.clientWidth });
  thumbs.forEach((thumb, index) => {
    thumb.addEventListener("click", (event) => {
      event.preventDefault();
      show(index);
    });
  });
  strip.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: shown() - 1, ArrowRight: shown() + 1, Home: 0, End: thumbs.length - 1 }[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    show(to);
  });
  strip.addEventListener("scroll", () => {
    thumbs.forEach((thumb, index) => {
      if (index === shown()) thumb.setAttribute("aria-current", "true");
      else thumb.removeAttribute("aria-current");
    });
  });
}

/** Shows the price and the clock of a lot that is open. */
class Live {
  #part = (name) => document.querySelector(`[data-live="${name}"]`);
  #price;
  #timer;
  #lot;

  constructor(lot, money) {
    this.#lot = lot;
    this.#price = new PriceView({ box: this.#part("price"), money });
    this.#timer = new TimerView({ timer: this.#part("timer"), fuse: this.#part("fuse") });
  }

  draw({ lot }) {
    this.#price.draw(lot);
    setText(this.#part("facts"), lotFacts(lot, null).join(" · "));
  }

  tick({ lot }, now) {
    this.#timer.draw(countdown(lot, now, this.#lot.duration_ms), lot, null);
  }
}

/** The form that leaves a maximum: through the socket where there is one, by itself where there is none. */
class PreBid {
  #form;
  #lot;
  #money;
  #desk;
  #confirm = null;
  #refused = null;

  constructor({ form, lot, money, link, connected }) {
    this.#form = form;
    this.#lot = lot;
    this.#money = money;
    this.#desk = new BidDesk({ send: (message) => link.send(message), clock: link.clock, changed: () => this.#draw() });
    form.addEventListener("submit", (event) => {
      if (!connected()) return;
      event.preventDefault();
      this.#submit();
    });
    form.addEventListener("input", () => {
      this.#confirm = this.#refused = null;
      this.#draw();
    });
  }

  /** Take a reply; true when it was one to this form. */
  take(message) {
    if (!this.#desk.receive(message)) return false;
    if (message.type === Receive.BID_ACCEPTED) this.#accepted(this.#money.minor(message.max_amount ?? message.amount));
    if (this.#desk.jump) [this.#confirm, this.#refused] = [this.#desk.jump, this.#words(message.code, message)];
    else if (this.#desk.refusal) this.#refused = this.#words(this.#desk.refusal.code, message);
    this.#draw();
    return true;
  }

  lost() {
    this.#desk.lost();
  }

  /** The connection is back, or the log went on. */
  reached(v, isBack) {
    if (isBack) this.#desk.back();
    this.#desk.reached(v);
  }

  tick() {
    this.#desk.tick();
    if (this.#desk.refusal?.code === "unconfirmed") this.#refused = this.#words("unconfirmed");
  }

  #words(code, { minimum_amount: minimum, message = "" } = {}) {
    return words.refused(code, minimum === undefined ? null : this.#money.text(this.#money.minor(minimum)), message);
  }

  #submit() {
    const minor = this.#money.typed(this.#form.elements.amount.value);
    if (minor === null) {
      this.#refused = words.amountWanted(this.#money.field(this.#lot.opening));
    } else {
      const amount = this.#money.wire(minor);
      const confirm = this.#confirm?.amount === amount ? this.#confirm.token : null;
      this.#refused = this.#confirm = null;
      this.#desk.place({ lot: this.#lot.id, amount, max: true, confirm });
    }
    this.#draw();
  }

  #accepted(minor) {
    const own = part("own");
    own.hidden = false;
    setText(own.querySelector("span"), words.yourMaximum(this.#money.text(minor)));
    setText(part("least"), words.leastMaximum(this.#money.text(minor + 1)));
    this.#form.reset();
    this.#form.elements.amount.value = "";
  }

  #draw() {
    const button = this.#form.querySelector("button");
    const text = this.#money.text(this.#money.minor(this.#desk.pending?.amount ?? this.#confirm?.amount) ?? 0);
    if (this.#desk.pending) setText(button, words.sending(text));
    else setText(button, this.#confirm ? words.confirm(text) : words.leaveMaximum());
    button.disabled = this.#desk.pending !== null;
    const error = part("error");
    error.hidden = this.#refused === null;
    setText(error.querySelector("span"), this.#refused ?? "");
    this.#form.elements.amount.setAttribute("aria-invalid", String(this.#refused !== null));
  }
}

const part = (name) => document.querySelector(`[data-pre-bid="${name}"]`);

function follow(config) {
  const money = new Money(config.currency);
  const live = document.querySelector("[data-live]") ? new Live(config.lot, money) : null;
  let connected = false;
  let leaving = false;
  const link = new RoomLink(config.socket, {
    take: (message) => preBid?.take(message) ?? false,
    changed: (_before, message) => {
      const isBack = !connected && (message.type === Receive.STATE || message.type === Receive.RESUMED);
      connected ||= isBack;
      const { lot, v } = link.state;
      if (v !== null) preBid?.reached(v, isBack);
      const isUp = lot?.id === config.lot.id;
      if (live && isUp) live.draw(link.state);
      if (isUp ? lot.result !== null || !live : live !== null && connected) readAgain();
    },
    lost: () => {
      connected = false;
      preBid?.lost();
    },
    final: () => {},
  });
  const form = part("form");
  const preBid = form ? new PreBid({ form, lot: config.lot, money, link, connected: () => connected }) : null;

  // The page has another shape then: it is made anew, though not under somebody's fingers.
  function readAgain() {
    if (leaving) return;
    leaving = true;
    setTimeout(() => location.reload(), RELOAD_MS[0] + Math.random() * (RELOAD_MS[1] - RELOAD_MS[0]));
  }

  function frame() {
    live?.tick(link.state, link.clock.now());
    preBid?.tick();
    link.tick();
    requestAnimationFrame(frame);
  }

  link.start();
  requestAnimationFrame(frame);
}

useIcons(document.querySelector("script[data-icons]").dataset.icons);
const box = document.querySelector("[data-gallery]");
if (box) gallery(box);
const config = document.getElementById("lot-config");
if (config) follow(JSON.parse(config.textContent));
