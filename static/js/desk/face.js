/* What the desk's large button says and does: one move at a time, from the state of the room alone. Pure.
   It decides nothing: the server refuses what is not possible. `bidding/pages_desk.py` has the twin for pages without scripts. */

import { Event, Receive } from "../room/messages.js";
import { leftText } from "../room/timer.js";
import { words } from "../strings.js";

/** After these no fair warning stands. */
const ENDS_WARNING = new Set([
  Event.LOT_OPENED, Event.HIGHEST_BID, Event.LOT_EXTENDED, Event.LOT_PAUSED, Event.BID_VOIDED, Event.LOT_CLOSED, Event.LOT_REOPENED,
]);

/** Return from when the hammer may fall, {v, at}, after a message; `at` is null where no warning stands. */
export function hammerAfter(hammer, message) {
  if (message.type === Receive.RESUMED) return message.events.reduce(hammerAfter, hammer);
  if (message.type === Event.FAIR_WARNING) return { v: message.v, at: message.hammer_at_ms };
  return ENDS_WARNING.has(message.type) ? { v: message.v, at: null } : hammer;
}

/** Return at what a lot that nobody wanted is offered again, in minor units: half, in whole steps. */
export function againAmount(opening, increments) {
  const step = increments[0][1];
  return Math.max(Math.min(step, opening), Math.floor(Math.floor(opening / 2) / step) * step);
}

/** Return what would become of the open lot if the hammer fell now. */
export function hammerMeans(lot, money) {
  if (!lot.leader) return words.hammerNoBids();
  if (lot.has_reserve && !lot.reserve_met) return words.hammerReserve();
  return words.hammerSells(lot.leader.paddle, money.text(money.minor(lot.current_amount)));
}

/** Return the lot that comes next as {id, number, title, opensAt}, or null. */
export function nextLot({ next, lot }, queue) {
  const running = lot && !lot.result ? lot.id : null;
  if (next) return { id: next.lot, number: next.number, title: next.title, opensAt: next.opens_at_ms ?? null };
  const waiting = queue.find((each) => each.id !== running);
  return waiting ? { ...waiting, opensAt: null } : null;
}

/**
 * Return {command, title, note, look, lot, amount, confirm, second}; `look` is ready, sunk or offline, and nothing is
 * done but from "ready". What cannot be taken back has a sentence to `confirm`; `second` may be done instead.
 */
export function deskFace({ state, queue, connected, final, now, hammer, lots, money, closing }) {
  const idle = (title, note = "", look = "sunk") => ({ command: null, title, note, look, lot: 0, amount: "", confirm: null, second: null });
  if (final) return idle(words.noWayBack(final), "", "offline");
  if (state.v === null) return idle(words.connecting(), "", "offline");
  const status = state.auction.status;
  if (status === "ended") return idle(words.showOver());
  if (status === "cancelled") return idle(words.showCancelled());
  if (!connected) return idle(words.reconnecting(), "", "offline");
  const act = (command, title, { note = "", lot = 0, amount = "", confirm = null, second = null } = {}) =>
    ({ command, title, note, look: "ready", lot, amount, confirm, second });
  if (status === "scheduled") return act("live", words.deskGoLive());
  const { lot } = state;
  if (lot?.status === "paused") {
    return act("resume", words.resume(), { lot: lot.id, note: `${words.paused(lot.pause_reason)} · ${words.leftWhenPaused(leftText(lot.remaining_ms ?? 0))}` });
  }
  if (lot?.status === "open") return openFace({ lot, closing, now, hammer, money, act, idle });
  return betweenFace({ state, queue, now, lots, money, act });
}

function openFace({ lot, closing, now, hammer, money, act, idle }) {
  if (closing) return idle(words.closing());
  if (hammer.at === null) return act("warn", words.deskWarn(), { lot: lot.id, note: words.deskWarnNote() });
  const left = hammer.at - (now ?? 0);
  if (left > 0) return idle(words.hammerIn(Math.ceil(left / 1_000)), words.hammerWait());
  return act("hammer", words.deskHammer(), { lot: lot.id, note: hammerMeans(lot, money) });
}

function betweenFace({ state, queue, now, lots, money, act }) {
  const { lot } = state;
  const next = nextLot(state, queue);
  const opening = next && act("open", words.deskOpen(next.number), { lot: next.id, note: nextNote(next, now) });
  const isAgain = lot?.result === "passed" && next?.id !== lot.id && !queue.some(({ id }) => id === lot.id);
  const rules = lot && lots.get(lot.id);
  if (isAgain && lot.reason === "no_bids" && rules) {
    const amount = againAmount(money.minor(lot.opening_amount), rules.increments);
    return act("again", words.deskAgain(money.text(amount)), { lot: lot.id, amount: money.wire(amount), note: words.noBids(), second: opening });
  }
  if (isAgain && lot.reason === "reserve_not_met" && lot.leader) {
    const amount = money.text(money.minor(lot.current_amount));
    const confirm = words.sellConfirm(amount, lot.leader.paddle, Math.max(1, Math.round(lot.window_ms / 1_000)));
    return act("sell", words.deskSell(amount), { lot: lot.id, note: words.reserveWasNotMet(), confirm, second: opening });
  }
  return opening ?? act("end", words.deskEnd(), { note: words.deskEndNote(), confirm: words.endConfirm() });
}

function nextNote(next, now) {
  const left = next.opensAt === null || now === null ? 0 : Math.ceil((next.opensAt - now) / 1_000);
  return left > 0 ? `${next.title} · ${words.opensIn(left)}` : next.title;
}
