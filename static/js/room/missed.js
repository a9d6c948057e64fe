/* The one sentence after a lost connection: how long, what happened to one's bid, what happened since. Pure. */

import { words } from "../strings.js";
import { isLeading } from "./reducer.js";
import { leftText } from "./timer.js";

/** Return the sentence. `counted` is the amount (wire) of one's own bid that counted meanwhile, or null. */
export function missed({ before, after, awayMs, counted, money, now }) {
  const seconds = Math.max(1, Math.round(awayMs / 1_000));
  const parts = [];
  const amount = (wire) => money.text(money.minor(wire));
  if (counted) parts.push(words.awayCounted(amount(counted)));
  const [was, is] = [before.lot, after.lot];
  const ended = was && (after.results[was.id] ?? null);
  if (was && ended && !before.results[was.id]) {
    parts.push(ended.result === "sold" ? words.awaySold(was.number, amount(ended.amount)) : words.awayNotSold(was.number));
  } else if (was && is?.id !== was.id && !was.result && !ended) {
    parts.push(words.awayBetween());
  }
  if (is && is.id !== was?.id && !is.result) {
    parts.push(words.awayNewLot(is.number));
  } else if (is && is.id === was?.id && !is.result && is.current_amount !== was.current_amount) {
    if (isLeading(after)) {
      if (!counted || counted !== is.current_amount) parts.push(words.awayYouLead(amount(is.current_amount)));
    } else if (is.leader) {
      const say = counted ? words.awayThenPrice : words.awayPrice;
      parts.push(say(is.leader.paddle, amount(is.current_amount)));
    }
  }
  if (!parts.length) parts.push(words.awayNothing());
  let sentence = parts.join(", ");
  if (is?.status === "open" && is.ends_at_ms !== null && now !== null && is.ends_at_ms > now) {
    sentence += `; ${words.awayLeft(leftText(is.ends_at_ms - now))}`;
  }
  return words.away(seconds, `${sentence}.`);
}
