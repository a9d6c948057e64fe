/* What the bid button shows: a pure function of the room, the bid on its way and the chosen amount.
   Touches no element; every state of the button is here and nowhere else. */

import { stepAt, totalOf } from "../money.js";
import { words } from "../strings.js";
import { Refusal } from "./messages.js";
import { hasBid, hasWon, isLeading, ownBest } from "./reducer.js";

/** What a press does. */
export const Act = Object.freeze({
  NOTHING: "nothing",
  BID: "bid",
  PADDLE: "paddle",
  RAISE: "raise",
  CONFIRM: "confirm",
});

/**
 * Return {look, icon, title, note, act, amount, strip, cancel} for the button.
 * `at`: {state, desk, chosen, connected, final, known, closing, money, fees, delivery, barred, waiting}; amounts are minor
 * units, `final` says why there is no coming back.
 */
export function bidFace(at) {
  const face = inside(at);
  return { icon: null, note: "", act: Act.NOTHING, amount: null, cancel: false, strip: strip(at), ...face };
}

/** Return the three quick amounts of the current lot in minor units, the lowest first. */
export function quickAmounts(lot, increments, money) {
  const first = money.minor(lot.minimum_amount);
  const second = first + stepAt(first, increments);
  const step = stepAt(second, increments);
  const buyNow = money.minor(lot.buy_now_amount);
  const third = second + step * (step * 4 <= second ? 4 : 2);
  return [first, second, third].filter((amount) => buyNow === null || amount < buyNow || amount === first);
}

function inside(at) {
  const { state, desk, money } = at;
  const { lot, auction, you } = state;
  if (!at.known) return { look: "sunk", title: words.connecting() };
  if (auction?.status === "ended") return { look: "sunk", title: words.showOver() };
  if (auction?.status === "cancelled") return { look: "sunk", title: words.showCancelled() };
  if (at.final) return { look: "refused", icon: "alert", title: words.noWayBack(at.final) };
  const pending = desk.pending;
  if (pending && !at.connected) return { look: "checking", title: words.checking(money.text(money.minor(pending.amount))) };
  if (!at.connected) return { look: "offline", icon: "offline", title: words.reconnecting() };
  if (pending) {
    const amount = money.text(money.minor(pending.amount));
    return pending.phase === "checking"
      ? { look: "checking", title: words.checking(amount) }
      : { look: "sending", title: words.sending(amount) };
  }
  if (desk.refusal) return refused(at);
  if (desk.jump && desk.jump.lot === lot?.id && lot.status === "open") return jump(at);
  if (at.barred || you?.reason === Refusal.OWN_LOT) return { look: "sunk", title: words.youRunThisShow() };
  if (you?.reason === Refusal.BANNED) return { look: "refused", icon: "alert", title: words.removed() };
  if (lot?.result) return over(at);
  if (you?.signed_in && you.paddle === null && at.waiting) return { look: "sunk", icon: "clock", title: words.waitingForApproval() };
  if (you?.paddle == null) return noPaddle(at);
  if (!lot || lot.status === "pending") return { look: "sunk", icon: "clock", title: words.waitingForLot() };
  if (lot.status === "paused") return { look: "sunk", icon: "pause", title: words.paused(lot.pause_reason) };
  if (at.closing) return { look: "sunk", icon: "clock", title: words.closing() };
  if (isLeading(state)) {
    return {
      look: "leading", icon: "check", title: words.youLead(money.text(money.minor(lot.current_amount))),
      note: words.raiseMaximum(), act: Act.RAISE,
    };
  }
  const amount = at.chosen ?? money.minor(lot.minimum_amount);
  const buys = lot.buy_now_amount !== null && amount >= money.minor(lot.buy_now_amount);
  return {
    look: hasBid(state) ? "outbid" : "ready",
    title: buys ? words.buyNow(money.text(amount)) : words.bid(money.text(amount)),
    note: pays(at, amount),
    act: Act.BID,
    amount,
  };
}

function noPaddle(at) {
  const { state: { lot }, money } = at;
  if (!lot || lot.status !== "open") return { look: "outline", title: words.getPaddle(), act: Act.PADDLE };
  const amount = at.chosen ?? money.minor(lot.minimum_amount);
  const total = money.text(totalOf(amount, at.fees), { full: true });
  return {
    look: "outline", title: words.getPaddle(), act: Act.PADDLE,
    note: words.bidsFrom(money.text(amount), total) + (at.delivery ? ` ${words.plusDelivery()}` : ""),
  };
}

function pays(at, amount) {
  const total = at.money.text(totalOf(amount, at.fees), { full: true });
  return words.youPay(total) + (at.delivery ? ` ${words.plusDelivery()}` : "");
}

function refused({ desk: { refusal }, state: { lot }, money }) {
  const minimum = money.minor(refusal.minimum);
  const title = words.refused(refusal.code, minimum === null ? null : money.text(minimum), refusal.message);
  const face = { look: "refused", icon: "alert", title };
  if (refusal.code !== Refusal.TOO_LATE || refusal.lateMs == null) return face;
  // The server told the price at the end; what became of the lot comes a moment later, and ends the argument.
  const sold = lot?.id === refusal.lot && lot.result === "sold";
  return { ...face, title: words.tooLate(refusal.lateMs), note: sold ? words.soldAt(money.text(money.minor(lot.current_amount))) : "" };
}

function jump(at) {
  const { desk, state: { lot }, money } = at;
  const amount = money.minor(desk.jump.amount);
  const price = money.minor(lot.current_amount ?? lot.opening_amount);
  const times = Math.floor(amount / price);
  return {
    look: "jump", icon: "alert", act: Act.CONFIRM, cancel: true,
    title: words.confirm(money.text(amount)), note: times >= 2 ? words.timesThePrice(times) : words.farAbove(),
  };
}

function over(at) {
  const { state, money } = at;
  const { lot } = state;
  const price = lot.current_amount === null ? null : money.text(money.minor(lot.current_amount));
  if (lot.result === "sold" && hasWon(state)) {
    const total = money.text(totalOf(money.minor(lot.current_amount), at.fees), { full: true });
    return {
      look: "won", icon: "check", title: words.wonAt(price),
      note: words.youPay(total) + (at.delivery ? ` ${words.plusDelivery()}` : ""),
    };
  }
  if (lot.result === "sold") return { look: "sunk", title: words.soldAt(price), note: lot.winner ? words.toPaddle(lot.winner.paddle) : "" };
  if (lot.result === "withdrawn") return { look: "sunk", title: words.withdrawn(), note: hasBid(state) ? words.nothingToPay() : "" };
  if (lot.reason === "reserve_not_met") {
    return { look: "sunk", title: words.reserveWasNotMet(), note: isLeading(state) ? words.highestWasYours(price) : words.highestWas(price) };
  }
  return { look: "sunk", title: words.noBids(), note: words.mayOfferAgain() };
}

function strip(at) {
  const { state, desk, money } = at;
  const { lot, you } = state;
  if (!at.known || you?.paddle == null) return { look: "quiet", text: "" };
  const best = ownBest(state, money);
  if (lot?.status === "open" && isLeading(state)) {
    const maximum = money.minor(you.max_amount);
    if (maximum !== null && maximum > money.minor(lot.current_amount)) {
      return { look: "lead", icon: "check", text: words.yourMaximum(money.text(maximum)) };
    }
  } else if (lot?.status === "open" && !desk.pending && hasBid(state)) {
    return { look: "out", icon: "up", text: words.outbid(money.text(money.minor(lot.current_amount))) };
  } else if (lot?.result === "sold" && best !== null && !hasWon(state)) {
    return { look: "out", icon: "up", text: words.youMissedBy(money.text(money.minor(lot.current_amount) - best)) };
  } else if (lot?.status === "open" && !desk.pending && state.voided?.mine) {
    return { look: "out", icon: "alert", text: words.bidTakenBack() };
  }
  return { look: "quiet", text: words.youArePaddle(you.paddle) };
}
