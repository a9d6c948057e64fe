/* What a screen reader hears, politely and never too much: opening, lead, result, and 30, 10 and 5 seconds. */

import { words } from "../strings.js";
import { hasWon, isLeading } from "./reducer.js";

const MARKS = [30, 10, 5];

/** Return the sentence that a change of the room is worth, or null. */
export function sentenceFor(before, after, money) {
  const [was, is] = [before.lot, after.lot];
  if (!is || before.v === null) return null;
  const amount = (wire) => money.text(money.minor(wire));
  if (is.id !== was?.id) return is.result ? null : words.sayOpened(is.number, is.title, amount(is.current_amount ?? is.opening_amount));
  if (is.result && !was.result) {
    if (hasWon(after)) return words.sayWon(is.number, amount(is.current_amount));
    if (is.result === "sold") return words.saySold(is.number, amount(is.current_amount), is.winner.paddle);
    return words.sayNotSold(is.number);
  }
  if (is.status !== was.status) {
    if (is.status === "paused") return words.sayPaused(is.pause_reason);
    if (was.status === "paused" && is.status === "open") return words.sayResumed();
  }
  if (is.current_amount !== null && money.minor(is.current_amount) < (money.minor(was.current_amount) ?? 0)) {
    return after.voided?.mine ? words.sayYoursVoided(amount(is.current_amount)) : words.sayVoided(amount(is.current_amount));
  }
  if (isLeading(after) && !isLeading(before)) return words.sayYouLead(amount(is.current_amount));
  if (isLeading(before) && !isLeading(after) && is.leader) return words.sayOutbid(amount(is.current_amount));
  return null;
}

/** Says sentences in a polite live region. */
export class Announcer {
  #region;
  #money;
  #said = { lot: null, left: Infinity };

  constructor(region, money) {
    this.#region = region;
    this.#money = money;
  }

  /** Hear what changed. */
  observe(before, after) {
    const sentence = sentenceFor(before, after, this.#money);
    if (sentence) this.say(sentence);
  }

  /** Hear the time that is left, in ms. Each mark is said once, and again after an extension. */
  tick(lot, left) {
    if (!lot || left === null) return;
    const mark = MARKS.find((seconds) => left <= seconds * 1_000 && this.#said.left > seconds * 1_000 && this.#said.lot === lot.id);
    if (mark && left > (mark - 2) * 1_000) this.say(words.saySeconds(mark));
    this.#said = { lot: lot.id, left };
  }

  say(sentence) {
    this.#region.textContent = sentence;
  }
}
