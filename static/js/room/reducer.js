/* What the room is: a pure function (state, message) → state.
   Applies the log in order and never backwards; knows no socket, no clock and no page. */

import { Event, Receive } from "./messages.js";

const BIDS_KEPT = 50;
const CHAT_KEPT = 200;

export const initialState = Object.freeze({
  v: null,
  epoch: null,
  /** True when events are missing: the connection then asks for them with RESUME. */
  behind: false,
  auction: null,
  lot: null,
  next: null,
  bids: [],
  chat: [],
  /** How people talk here: {slow_mode_ms, pinned}. */
  chatSettings: { slow_mode_ms: 0, pinned: null },
  participants: null,
  you: null,
  /** Results seen so far by lot: {result, reason, amount, winner}. */
  results: {},
  /** The last change of an end, to be flashed once: {v, lot, addedMs, used, allowed}. */
  extension: null,
  warnedAt: null,
  interval: null,
  notice: null,
  catalogueChangedAt: 0,
});

/** Return the state after a message of the server. */
export function reduce(state, message) {
  switch (message.type) {
    case Receive.STATE:
      return snapshot(state, message);
    case Receive.RESUMED:
      return resumed(state, message);
    case Receive.YOU:
      return { ...state, you: message.you };
    case Receive.TIMER:
      return timer(state, message);
    case Receive.PARTICIPANTS:
      return { ...state, participants: message.count };
    case Receive.CHAT:
      return said(state, message.line);
    case Receive.CHAT_REMOVED:
      return { ...state, chat: state.chat.filter((line) => line.id !== message.id) };
    case Receive.CHAT_SETTINGS:
      return { ...state, chatSettings: message.settings };
    case Receive.NOTICE:
      return { ...state, notice: message.text };
    case Receive.STREAM:
      return state.auction ? { ...state, auction: { ...state.auction, stream: message.stream } } : state;
    default:
      return Object.hasOwn(Event, message.type) ? event(state, message) : state;
  }
}

/** Say whether the receiver leads: computed from the paddle, never from what this tab sent. */
export function isLeading(state) {
  const paddle = state.you?.paddle ?? null;
  return paddle !== null && state.lot?.leader?.paddle === paddle;
}

/** Say whether the receiver bought the current lot. */
export function hasWon(state) {
  const paddle = state.you?.paddle ?? null;
  return paddle !== null && state.lot?.winner?.paddle === paddle;
}

/** Say whether this paddle is among the recent bids of the current lot. */
export function hasBid(state) {
  const paddle = state.you?.paddle ?? null;
  return paddle !== null && state.bids.some((bid) => bid.paddle === paddle);
}

function snapshot(state, message) {
  // A page never goes backwards: an older picture of the same epoch still tells what is private.
  if (state.epoch === message.epoch && state.v !== null && message.v < state.v) {
    return { ...state, you: message.you, participants: message.participants.count };
  }
  const results = { ...state.results };
  const lot = message.lot;
  if (lot?.result) results[lot.id] = resultOf(lot, lot.current_amount);
  return {
    ...state,
    v: message.v,
    epoch: message.epoch,
    behind: false,
    auction: message.auction,
    lot,
    next: message.next,
    bids: message.recent_bids,
    chat: message.chat ?? state.chat,
    chatSettings: message.chat_settings ?? state.chatSettings,
    participants: message.participants.count,
    you: message.you,
    results,
  };
}

function resumed(state, message) {
  if (state.epoch !== message.epoch) return { ...state, behind: true };
  let after = { ...state, behind: false };
  for (const entry of message.events) after = event(after, entry);
  return {
    ...after,
    you: message.you,
    chat: message.chat ?? after.chat,
    chatSettings: message.chat_settings ?? after.chatSettings,
    participants: message.participants?.count ?? after.participants,
  };
}

function event(state, message) {
  if (state.v === null || state.epoch !== message.epoch) return { ...state, behind: true };
  if (message.v <= state.v) return state;
  const first = message.from_v ?? message.v;
  if (first > state.v + 1) return { ...state, behind: true };
  return { ...apply(state, message), v: message.v };
}

function apply(state, message) {
  const lot = state.lot;
  const current = lot !== null && lot.id === message.lot;
  switch (message.type) {
    case Event.AUCTION_LIVE:
      return withAuction(state, { status: "live" });
    case Event.LOT_OPENED:
      return {
        ...state, lot: message.lot, bids: message.recent_bids, next: null, interval: null, extension: null, warnedAt: null,
        results: without(state.results, message.lot.id),
      };
    case Event.HIGHEST_BID:
      if (!current) return state;
      return {
        ...withLot(state, {
          current_amount: message.current_amount,
          minimum_amount: message.minimum_amount,
          buy_now_amount: message.buy_now_amount,
          leader: message.leader,
          bid_count: message.bid_count,
          reserve_met: message.reserve_met,
          ends_at_ms: message.ends_at_ms,
        }),
        bids: merged(message.bids, state.bids),
        warnedAt: null,
      };
    case Event.LOT_EXTENDED:
      if (!current) return state;
      return {
        ...withLot(state, { ends_at_ms: message.ends_at_ms, extensions: message.extensions }),
        extension: {
          v: message.v, lot: message.lot, reason: message.reason, addedMs: message.added_ms,
          used: message.extensions.used, allowed: message.extensions.allowed,
        },
      };
    case Event.LOT_PAUSED:
      if (!current) return state;
      return withLot(state, { status: "paused", remaining_ms: message.remaining_ms, ends_at_ms: null, paused_reason: message.reason });
    case Event.LOT_RESUMED:
      if (!current) return state;
      return withLot(state, { status: "open", remaining_ms: null, ends_at_ms: message.ends_at_ms });
    case Event.FAIR_WARNING:
      if (!current) return state;
      return { ...withLot(state, { ends_at_ms: message.ends_at_ms }), warnedAt: message.v };
    case Event.BID_VOIDED:
      if (!current) return state;
      return {
        ...withLot(state, {
          current_amount: message.current_amount,
          minimum_amount: message.minimum_amount,
          leader: message.leader,
          bid_count: message.bid_count,
          reserve_met: message.reserve_met,
        }),
        bids: state.bids.filter((bid) => bid.v !== message.voided_v || bid.paddle !== message.paddle),
      };
    case Event.LOT_CLOSED: {
      const results = { ...state.results, [message.lot]: resultOf(message, message.amount) };
      if (!current) return { ...state, results };
      return {
        ...withLot(state, { status: message.result, result: message.result, reason: message.reason, winner: message.winner }),
        results,
        extension: null,
        warnedAt: null,
      };
    }
    case Event.LOT_REOPENED:
      if (!current) return { ...state, results: without(state.results, message.lot) };
      return {
        ...withLot(state, { status: "open", result: null, reason: null, winner: null, remaining_ms: null, ends_at_ms: message.ends_at_ms }),
        results: without(state.results, message.lot),
      };
    case Event.LOT_NEXT:
      return { ...state, next: message.next };
    case Event.CATALOGUE_CHANGED:
    case Event.RULES_CHANGED:
      return { ...state, catalogueChangedAt: message.v };
    case Event.INTERVAL:
      return { ...state, interval: { untilMs: message.until_ms } };
    case Event.AUCTION_ENDED:
      return withAuction({ ...state, next: null }, { status: "ended" });
    case Event.AUCTION_CANCELLED:
      return withAuction({ ...state, next: null }, { status: "cancelled" });
    default:
      return state;
  }
}

function timer(state, message) {
  // The heartbeat knows a later version: events were lost on their way.
  if (state.v !== null && (message.epoch !== state.epoch || message.v > state.v)) return { ...state, behind: true };
  return state;
}

function said(state, line) {
  if (state.chat.some((known) => known.id === line.id)) return state;
  return { ...state, chat: [...state.chat, line].slice(-CHAT_KEPT) };
}

function merged(fresh, known) {
  const seen = new Set(known.map(bidKey));
  return [...fresh.filter((bid) => !seen.has(bidKey(bid))).sort((a, b) => b.v - a.v || compare(b.amount, a.amount)), ...known].slice(0, BIDS_KEPT);
}

function bidKey(bid) {
  return `${bid.v}/${bid.paddle}/${bid.amount}`;
}

function compare(a, b) {
  return a.length - b.length || (a < b ? -1 : Number(a > b));
}

function resultOf({ result, reason, winner }, amount) {
  return { result, reason, winner, amount };
}

function withLot(state, changes) {
  return { ...state, lot: { ...state.lot, ...changes } };
}

function withAuction(state, changes) {
  return state.auction ? { ...state, auction: { ...state.auction, ...changes } } : state;
}

function without(results, lot) {
  const { [lot]: _gone, ...rest } = results;
  return rest;
}
