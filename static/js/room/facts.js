/* What is said beneath a price: who leads, how many bids there are, whether the reserve is met. */

import { words } from "../strings.js";

/** Return the facts of a lot as texts; the leader's paddle is "You" where it is the reader's. */
export function lotFacts(lot, paddle) {
  const facts = [];
  if (lot.leader) facts.push(lot.leader.paddle === paddle ? words.you() : words.paddle(lot.leader.paddle));
  facts.push(lot.bid_count ? words.bids(lot.bid_count) : words.noBidsYet());
  if (lot.has_reserve && lot.bid_count) facts.push(lot.reserve_met ? words.reserveMet() : words.reserveNotMet());
  return facts;
}
