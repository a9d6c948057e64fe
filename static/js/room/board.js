/* The board of a hall, or over a video: the lot on the block, its price, its clock and its result.
   Only watches. It stays up for a whole evening: it comes back by itself and keeps nothing of what is over. */

import { Money } from "../money.js";
import { words } from "../strings.js";
import { make, setText, useIcons } from "./draw.js";
import { lotFacts } from "./facts.js";
import { Flash } from "./flash.js";
import { RoomLink } from "./link.js";
import { Receive } from "./messages.js";
import { PriceView } from "./price.js";
import { TimerView, countdown, opensText, untilText } from "./timer.js";
import { Verdict } from "./verdict.js";

const TRY_AGAIN_MS = 60_000;
/** Boards hear at once that the catalogue changed, so each waits a little of its own. */
const RELOAD_MS = [500, 4_500];
const LOST_SHOWN_MS = 2_000;

useIcons(document.querySelector("script[data-icons]").dataset.icons);
let config = JSON.parse(document.getElementById("board-config").textContent);
const board = document.getElementById("board");
const part = (name) => document.querySelector(`[data-board="${name}"]`);
const money = new Money(config.currency);

const link = new RoomLink(config.socket, { changed, lost, final: finished });
const price = new PriceView({ box: part("price"), money });
const timer = new TimerView({ timer: part("timer"), fuse: part("fuse") });
const flash = new Flash(part("flash"));
const verdict = new Verdict({ box: part("verdict"), money });
let connected = false;
let lostAt = performance.now();
let reload = null;
let pictured = null;

function changed(before, message) {
  const { state } = link;
  connected ||= message.type === Receive.STATE || message.type === Receive.RESUMED;
  flash.observe(before, state, message.type === Receive.RESUMED);
  if (before.lot && state.lot?.id === before.lot.id && state.lot.current_amount !== before.lot.current_amount) price.moved(false);
  if (state.catalogueChangedAt !== before.catalogueChangedAt) readAgain();
  draw(state);
}

function lost() {
  if (connected) lostAt = performance.now();
  connected = false;
}

function finished(why) {
  if (why === "too_many") setTimeout(() => location.reload(), TRY_AGAIN_MS);
  setText(part("trouble"), why === "too_many" ? words.tooMany() : words.boardOver());
  part("trouble").hidden = false;
  lostAt = Infinity;
}

function draw(state) {
  const { auction, lot, next } = state;
  if (!auction) return;
  board.dataset.show = auction.status;
  board.dataset.lot = lot ? lot.result ?? lot.status : "";
  setText(part("number"), lot ? words.lot(lot.number) : "");
  setText(part("title"), lot ? lot.title : between(state));
  price.draw(lot);
  setText(part("facts"), lot ? lotFacts(lot, null).join(" · ") : "");
  setText(part("next"), next && (!lot || lot.result || lot.status === "open") ? words.nextLot(next.number, next.title) : "");
  picture(lot);
  verdict.draw(state);
}

function between({ auction, interval }) {
  if (auction.status === "ended") return words.showOver();
  if (auction.status === "cancelled") return words.showCancelled();
  if (auction.status !== "live") return words.opensSoon();
  return interval ? words.interval() : words.betweenLots();
}

function picture(lot) {
  const key = lot ? `${lot.id}/${lot.image_url}` : "";
  if (key === pictured) return;
  pictured = key;
  const frame = part("picture");
  if (!lot) {
    frame.replaceChildren();
  } else if (lot.image_url) {
    const image = document.createElement("img");
    image.src = lot.image_url;
    image.alt = "";
    frame.replaceChildren(image);
  } else {
    frame.replaceChildren(make("span", "chalk", lot.number));
  }
}

/** Read the page again for what no message carries: how long the lots run. */
function readAgain() {
  reload ??= setTimeout(async () => {
    reload = null;
    const response = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!response?.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    config = JSON.parse(page.getElementById("board-config").textContent);
  }, RELOAD_MS[0] + Math.random() * (RELOAD_MS[1] - RELOAD_MS[0]));
}

function tick() {
  const { state, clock } = link;
  const now = clock.now();
  const { lot, auction } = state;
  const at = countdown(lot, now, config.durations[lot?.id] ?? 60_000);
  timer.draw(lot && !lot.result ? at : { ...at, text: wait(state, now), words: auction?.status === "live" }, lot, null);
  flash.tick();
  link.tick();
  const isLost = !connected && performance.now() - lostAt > LOST_SHOWN_MS;
  board.classList.toggle("is-stale", isLost);
  if (connected || isLost) part("trouble").hidden = connected;
  if (isLost) setText(part("trouble"), words.lostConnection());
}

/** Say when the next lot opens, or the show. */
function wait({ auction, next }, now) {
  if (auction?.status === "live") return opensText(next, now);
  if (auction?.status !== "scheduled" || auction.starts_at_ms === null || now === null) return "";
  return untilText(auction.starts_at_ms - now);
}

function frame() {
  tick();
  requestAnimationFrame(frame);
}

link.start();
requestAnimationFrame(frame);
