/* What the room is: a pure function (state, message) → state.
   Applies the log in order and never backwards; knows no socket, no clock and no page. */

import { Event, RESERVE_WAIVED, Receive } from "./messages.js";

const BIDS_KEPT = 50;
const CHAT_KEPT = 200;

export const initialState = Object.freeze({
  v: null,
  epoch: null,
  /** The highest version that is known to exist; Infinity where it belongs to another epoch. */
  head: 0,
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
  /** The version that the receiver's own maximum was read at. */
  ownV: 0,
  /** Results seen so far by lot: {result, reason, amount, winner}. */
  results: {},
  /** The last change of an end, to be flashed once: {v, lot, addedMs, used, allowed}. */
  extension: null,
  warnedAt: null,
  /** The last bid that was taken back in this lot, until there is a newer one: {v, mine}. */
  voided: null,
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
      if (state.v !== null && message.epoch !== state.epoch) return missing(state, Infinity);
      return withOwn(state, message.you, message.v);
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

/** Return the receiver's highest bid among the recent ones of the current lot, in minor units, or null. */
export function ownBest(state, money) {
  const paddle = state.you?.paddle ?? null;
  const own = state.bids.filter((bid) => paddle !== null && bid.paddle === paddle).map((bid) => money.minor(bid.amount));
  return own.length ? Math.max(...own) : null;
}

function snapshot(state, message) {
  const isKnown = state.epoch === message.epoch && state.v !== null;
  // A page never goes backwards: two answers may cross.
  if (isKnown && message.v < state.v) return state;
  const lot = message.lot;
  const results = lot ? without(state.results, lot.id) : state.results;
  if (lot?.result) results[lot.id] = resultOf(lot, lot.result === "sold" ? lot.current_amount : null);
  // Lots that came and went unseen are in no picture of the room, but in the catalogue.
  const wasAway = state.v !== null && (state.lot?.id !== lot?.id || !isKnown);
  return withOwn(seen({
    ...state,
    epoch: message.epoch,
    head: isKnown && Number.isFinite(state.head) ? state.head : 0,
    auction: message.auction,
    lot,
    next: message.next,
    bids: message.recent_bids,
    chat: message.chat ?? state.chat,
    chatSettings: message.chat_settings ?? state.chatSettings,
    participants: message.participants.count,
    ownV: isKnown ? state.ownV : 0,
    voided: null,
    results,
    catalogueChangedAt: wasAway ? message.v : state.catalogueChangedAt,
  }, message.v), message.you, message.v);
}

function resumed(state, message) {
  if (state.epoch !== message.epoch) return missing(state, Infinity);
  let after = state;
  for (const entry of message.events) after = event(after, entry);
  after = withOwn(after, message.you, message.v);
  if (message.v > after.v) after = missing(after, message.v);
  return {
    ...after,
    chat: message.chat ?? after.chat,
    chatSettings: message.chat_settings ?? after.chatSettings,
    participants: message.participants?.count ?? after.participants,
  };
}

function event(state, message) {
  if (state.v === null || state.epoch !== message.epoch) return missing(state, Infinity);
  if (message.v <= state.v) return state;
  const first = message.from_v ?? message.v;
  if (first > state.v + 1) return missing(state, message.v);
  return seen(apply(state, message), message.v);
}

function seen(state, v) {
  const head = Math.max(state.head, v);
  return { ...state, v, head, behind: head > v };
}

function missing(state, v) {
  return { ...state, head: Math.max(state.head, v), behind: true };
}

function apply(state, message) {
  const lot = state.lot;
  const current = lot !== null && lot.id === message.lot;
  switch (message.type) {
    case Event.AUCTION_LIVE:
      return withAuction(state, { status: "live" });
    case Event.LOT_OPENED:
      return withLead(withoutMaximum({
        ...state, lot: message.lot, bids: message.recent_bids, next: null, interval: null, extension: null, warnedAt: null, voided: null,
        results: without(state.results, message.lot.id),
      }, message.v), message.v);
    case Event.HIGHEST_BID:
      if (!current) return state;
      return withLead({
        ...withLot(state, {
          current_amount: message.current_amount,
          minimum_amount: message.minimum_amount,
          buy_now_amount: message.buy_now_amount,
          leader: message.leader,
          bid_count: message.bid_count,
          reserve_met: message.reserve_met,
          ends_at_ms: message.ends_at_ms,
        }),
        // Of a merged event the first bids may be known already.
        bids: [...message.bids.filter((bid) => bid.v > state.v).reverse(), ...state.bids].slice(0, BIDS_KEPT),
        warnedAt: null,
        voided: null,
      }, message.v);
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
      return withLot(state, {
        status: "paused", pause_reason: message.reason, remaining_ms: message.remaining_ms, ends_at_ms: null,
      });
    case Event.LOT_RESUMED:
      if (!current) return state;
      return withLot(state, { status: "open", pause_reason: null, remaining_ms: null, ends_at_ms: message.ends_at_ms });
    case Event.FAIR_WARNING:
      if (!current) return state;
      return { ...withLot(state, { ends_at_ms: message.ends_at_ms }), warnedAt: message.v };
    case Event.BID_VOIDED: {
      if (!current) return state;
      // It may have been the one that gave one's own maximum; of what was never public nobody is named.
      const mayBeOwn = message.paddle === null || message.paddle === state.you?.paddle;
      return withLead({
        ...withLot(mayBeOwn ? withoutMaximum(state, message.v) : state, {
          current_amount: message.current_amount,
          minimum_amount: message.minimum_amount,
          leader: message.leader,
          bid_count: message.bid_count,
          reserve_met: message.reserve_met,
        }),
        bids: message.recent_bids,
        voided: { v: message.v, mine: message.paddle !== null && message.paddle === state.you?.paddle },
      }, message.v);
    }
    case Event.LOT_CLOSED: {
      const results = { ...state.results, [message.lot]: resultOf(message, message.amount) };
      if (!current) return { ...state, results };
      return {
        ...withLot(state, {
          status: message.result, pause_reason: null, result: message.result, reason: message.reason, winner: message.winner,
        }),
        results,
        extension: null,
        warnedAt: null,
      };
    }
    case Event.LOT_REOPENED:
      if (!current) return { ...state, results: without(state.results, message.lot) };
      return {
        ...withLot(state, {
          status: "open", result: null, reason: null, winner: null, remaining_ms: null, ends_at_ms: message.ends_at_ms,
          ...(message.reason === RESERVE_WAIVED ? { has_reserve: false, reserve_met: true } : {}),
        }),
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
  if (state.v === null) return state;
  // The heartbeat knows a later version: events are late, or were lost on their way.
  if (message.epoch !== state.epoch) return missing(state, Infinity);
  return message.v > state.v ? missing(state, message.v) : state;
}

function said(state, line) {
  if (state.chat.some((known) => known.id === line.id)) return state;
  return { ...state, chat: [...state.chat, line].slice(-CHAT_KEPT) };
}

/** Compare amounts of one currency, which have the same number of decimals. */
function compare(a, b) {
  return a.length - b.length || (a < b ? -1 : Number(a > b));
}

// What is one's own is sent beside the events, so it may have been read before or after the price shown here. Within one
// version a maximum only rises, and nothing tells the room of it.
function withOwn(state, you, v) {
  const known = state.you?.max_amount ?? null;
  const isOlder = v < state.ownV || (v === state.ownV && known !== null && (!you.max_amount || compare(known, you.max_amount) > 0));
  return withLead({
    ...state,
    you: isOlder ? { ...you, max_amount: known } : you,
    ownV: Math.max(v, state.ownV),
  }, state.v);
}

/** Compute who leads at a version, and forget a maximum that was read before it and can be right no more. */
function withLead(state, v) {
  if (!state.you) return state;
  const leads = isLeading(state);
  const [price, maximum] = [state.lot?.current_amount ?? null, state.you.max_amount ?? null];
  // Who leads above a maximum has given a higher one since.
  const isOver = (state.you.leading && !leads) || (maximum !== null && price !== null && compare(price, maximum) > 0);
  const after = isOver ? withoutMaximum(state, v) : state;
  return { ...after, you: { ...after.you, leading: leads } };
}

function withoutMaximum(state, v) {
  if (!state.you || state.ownV >= v) return state;
  return { ...state, ownV: v, you: { ...state.you, max_amount: null } };
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
