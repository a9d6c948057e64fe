/* Messages and a room as the tests use them; values are those of the protocol's samples. */

import { initialState, reduce } from "../../static/js/room/reducer.js";
import { Money } from "../../static/js/money.js";

export const EPOCH = "3f9c";
export const money = new Money({ exponent: 2, symbol: "€", cents: false }, "en");

export function lotPart(changes = {}) {
  return {
    id: 7, run: 1, number: "3", title: "Chronograph", image_url: null, status: "open", opening_amount: "100.00", current_amount: "120.00",
    minimum_amount: "125.00", buy_now_amount: null, leader: { paddle: 112 }, bid_count: 4, reserve_met: true, has_reserve: false,
    ends_at_ms: 1_042_000, remaining_ms: null, extensions: { used: 1, allowed: 20 }, window_ms: 30_000, extension_ms: 30_000,
    extension_mode: "add", result: null, reason: null, winner: null, ...changes,
  };
}

export function stateMessage(changes = {}) {
  return {
    type: "STATE", v: 17, epoch: EPOCH, server_time_ms: 1_000_000,
    auction: { id: 4, title: "Watches", status: "live", currency: "EUR", stream: { state: "offline" } },
    lot: lotPart(), next: null, recent_bids: [{ v: 17, amount: "120.00", paddle: 112, automatic: false, at_ms: 990_000 }],
    participants: { count: 231 }, you: { signed_in: true, paddle: 109, leading: false, max_amount: null, can_bid: true, reason: null },
    chat: [], ...changes,
  };
}

export function highestBid(v, amount, paddle, changes = {}) {
  const next = `${Number(amount.split(".")[0]) + 5}.00`;
  return {
    type: "HIGHEST_BID", v, from_v: v, epoch: EPOCH, at_ms: 1_000_100, lot: 7, current_amount: amount, minimum_amount: next,
    buy_now_amount: null, leader: { paddle }, bid_count: 5, reserve_met: true, ends_at_ms: 1_042_000,
    bids: [{ v, amount, paddle, automatic: false, at_ms: 1_000_100 }], ...changes,
  };
}

export function closed(v, changes = {}) {
  return {
    type: "LOT_CLOSED", v, epoch: EPOCH, at_ms: 1_042_010, lot: 7, result: "sold", reason: "time", amount: "120.00", winner: { paddle: 112 },
    closing_number: 1, provisional: true, ...changes,
  };
}

export function room(...messages) {
  return [stateMessage(), ...messages].reduce(reduce, initialState);
}
