/* Messages and a room as the tests use them, made of the protocol's samples with small numbers. */

import { readFileSync } from "node:fs";

import { initialState, reduce } from "../../static/js/room/reducer.js";
import { Money } from "../../static/js/money.js";

export const SAMPLES = JSON.parse(readFileSync(new URL("../../bidding/samples.json", import.meta.url), "utf8")).server;
export const EPOCH = "3f9c";
export const money = new Money({ exponent: 2, cents: false, pattern: "€#", group: ",", point: "." });

/** The first sample that the server documents of a type; its own tests hold the samples to its types. */
export function sample(type) {
  return structuredClone(SAMPLES.find(({ payload }) => payload.type === type).payload);
}

export function lotPart(changes = {}) {
  return { ...sample("STATE").lot, leader: { paddle: 112 }, has_reserve: false, ends_at_ms: 1_042_000, ...changes };
}

export function stateMessage(changes = {}) {
  const state = sample("STATE");
  return {
    ...state, server_time_ms: 1_000_000, lot: lotPart(), recent_bids: [{ ...state.recent_bids[0], paddle: 112, at_ms: 990_000 }],
    you: { ...state.you, paddle: 109 }, chat: [], ...changes,
  };
}

export function highestBid(v, amount, paddle, changes = {}) {
  const next = `${Number(amount.split(".")[0]) + 5}.00`;
  return {
    ...sample("HIGHEST_BID"), v, from_v: v, at_ms: 1_000_100, current_amount: amount, minimum_amount: next, leader: { paddle },
    ends_at_ms: 1_042_000, bids: [{ v, amount, paddle, automatic: false, at_ms: 1_000_100 }], ...changes,
  };
}

export function closed(v, changes = {}) {
  return { ...sample("LOT_CLOSED"), v, at_ms: 1_042_010, amount: "120.00", winner: { paddle: 112 }, ...changes };
}

export function room(...messages) {
  return [stateMessage(), ...messages].reduce(reduce, initialState);
}
