/* The price of a lot beside its recorded picture, as far as it had come at the moment that is shown. */

import { figure, figureLength, make, setText } from "./room/draw.js";
import { words } from "./strings.js";

const ROWS = 4;
const [WIDTH, HEIGHT, FLOOR] = [400, 120, 8];

/** Return the bids of a chapter that had fallen at a second, and that nobody had taken back; the newest first. Pure. */
export function fallen(chapter, second) {
  const here = chapter.bids.filter(({ at_s: at }) => at <= second);
  return here.map((bid) => ({ ...bid, gone: bid.gone_s !== null && bid.gone_s <= second })).reverse();
}

/** Return the price at a second in minor units, or null before the first bid. Pure. */
export function priceAt(chapter, second) {
  return fallen(chapter, second).find((bid) => !bid.gone)?.amount ?? null;
}

/** Return the price from the opening up to a second as the path of an SVG of 400 by 120. Pure. */
export function path(chapter, second) {
  const top = Math.max(chapter.opening, ...chapter.bids.map(({ amount }) => amount));
  const span = Math.max(chapter.until_s - chapter.at_s, 0.001);
  const x = (at) => ((WIDTH * Math.min(Math.max(at - chapter.at_s, 0), span)) / span).toFixed(1);
  const y = (price) => (HEIGHT - ((HEIGHT - FLOOR) * price) / top).toFixed(1);
  const changes = chapter.bids.flatMap(({ at_s: at, gone_s: gone }) => (gone === null ? [at] : [at, gone]));
  let drawn = `M0 ${y(chapter.opening)}`;
  for (const at of [...new Set(changes)].sort((a, b) => a - b)) {
    if (at > second) break;
    drawn += `H${x(at)}V${y(priceAt(chapter, at) ?? chapter.opening)}`;
  }
  return `${drawn}H${x(second)}`;
}

export class Board {
  #root;
  #money;
  #state = "";

  constructor(root, money) {
    this.#root = root;
    this.#money = money;
  }

  /** Show a chapter at a second; null where no lot has been open. */
  show(chapter, second) {
    this.#part("lot").hidden = chapter === null;
    this.#part("none").hidden = chapter !== null;
    if (chapter === null) return;
    this.#part("line").setAttribute("d", path(chapter, second));
    const bids = fallen(chapter, second);
    const isOver = chapter.is_over && second >= chapter.until_s;
    // What is the same is not drawn again.
    const state = [chapter.v, bids.length, bids.filter(({ gone }) => gone).length, isOver].join(" ");
    if (state === this.#state) return;
    this.#state = state;
    setText(this.#part("number"), words.lot(chapter.number));
    setText(this.#part("title"), chapter.title);
    const price = bids.find(({ gone }) => !gone)?.amount ?? null;
    this.#price(price ?? chapter.opening);
    setText(this.#part("about"), isOver ? this.#outcome(chapter) : price === null ? words.openingBid() : words.bids(bids.length));
    this.#part("bids").replaceChildren(...bids.slice(0, ROWS).map((bid) => this.#row(bid)));
  }

  #outcome({ result, reason, paddle }) {
    if (result === "sold") return `${words.sold()} ${words.toPaddle(paddle)}`;
    if (result === "withdrawn") return words.withdrawn();
    if (result === "passed") return reason === "reserve_not_met" ? words.reserveWasNotMet() : words.noBids();
    return words.replayInterrupted();
  }

  #price(minor) {
    const parts = this.#money.parts(minor);
    const price = this.#part("price");
    price.replaceChildren(...figure(parts));
    price.dataset.length = figureLength(parts);
  }

  #row({ amount, paddle, automatic, gone }) {
    const row = make("li", gone ? "is-gone" : "", make("strong", "", this.#money.text(amount)), make("span", "", words.paddle(paddle)));
    if (gone) row.append(make("span", "tag out", words.takenBack()));
    else if (automatic) row.append(make("span", "quiet small", words.automatic()));
    return row;
  }

  #part(name) {
    return this.#root.querySelector(`[data-board="${name}"]`);
  }
}
