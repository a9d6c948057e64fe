/* The desk's lists: lots that wait, moved by buttons and by dragging, and lots that are over with their sums. */

import { make, makeIcon, setText } from "../room/draw.js";
import { words } from "../strings.js";

export class QueueList {
  #list;
  #money;
  #move;
  #drawn = null;
  #dragged = null;

  /** `move(lot, before)` asks to put a lot in front of another one (0: at the end); null where one may not. */
  constructor({ list, money, move }) {
    this.#list = list;
    this.#money = money;
    this.#move = move;
    if (move) this.#listen();
  }

  /** Show the lots that wait; `running` is the id of the one that is up, `rest` how many more there are. */
  draw(queue, running, rest) {
    const lots = queue.filter(({ id }) => id !== running);
    const key = JSON.stringify([lots, rest]);
    if (key === this.#drawn || this.#dragged) return;
    this.#drawn = key;
    const focused = document.activeElement?.dataset?.move;
    this.#list.replaceChildren(...lots.map((lot, at) => this.#row(lot, at, lots)));
    if (!lots.length) this.#list.append(make("li", "quiet", words.noLotWaits()));
    if (rest > 0) this.#list.append(make("li", "quiet", words.moreWait(rest)));
    // The button that was pressed moved with its lot.
    if (focused) this.#list.querySelector(`[data-move="${CSS.escape(focused)}"]:not(:disabled)`)?.focus();
  }

  #row(lot, at, lots) {
    const facts = [this.#money.text(this.#money.minor(lot.opening))];
    if (lot.watchers) facts.push(words.watchers(lot.watchers));
    if (lot.pre_bids) facts.push(words.preBids(lot.pre_bids));
    if (lot.reserve) facts.push(`${words.reserveShort()} ${this.#money.text(this.#money.minor(lot.reserve))}`);
    const row = make("li", "", make("b", "", lot.number), make("span", "name", lot.title), make("span", "sum", facts.join(" · ")));
    row.dataset.lot = lot.id;
    if (this.#move) {
      row.draggable = true;
      row.append(make(
        "span", "moves",
        this.#button(lot, "up", words.moveUp(lot.number), lots[at - 1]?.id ?? null),
        this.#button(lot, "down", words.moveDown(lot.number), at + 1 < lots.length ? lots[at + 2]?.id ?? 0 : null),
      ));
    }
    return row;
  }

  #button(lot, way, label, before) {
    const button = make("button", "iconbutton", makeIcon(way), make("span", "unseen", label));
    button.type = "button";
    button.dataset.move = `${lot.id}/${way}`;
    button.disabled = before === null;
    button.addEventListener("click", () => this.#move(lot.id, before));
    return button;
  }

  #listen() {
    const row = (event) => event.target.closest?.("li[data-lot]");
    this.#list.addEventListener("dragstart", (event) => {
      this.#dragged = row(event);
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", this.#dragged.dataset.lot);
      this.#dragged.classList.add("dragged");
    });
    this.#list.addEventListener("dragover", (event) => {
      const over = row(event);
      if (!this.#dragged || !over) return;
      event.preventDefault();
      if (over === this.#dragged) return;
      const { top, height } = over.getBoundingClientRect();
      over[event.clientY < top + height / 2 ? "before" : "after"](this.#dragged);
    });
    this.#list.addEventListener("dragend", () => {
      const moved = this.#dragged;
      this.#dragged = null;
      moved.classList.remove("dragged");
      // What comes of it the server says; until then the list stands as it was left.
      this.#drawn = null;
      this.#move(Number(moved.dataset.lot), Number(moved.nextElementSibling?.dataset.lot ?? 0));
    });
  }
}

/** Return what is over, the newest first, with what the room knows already and the database not yet. Pure. */
export function overNow(over, { results, lot }, names) {
  const stored = new Set(over.map(({ id }) => id));
  const fresh = Object.entries(results)
    .filter(([id]) => !stored.has(Number(id)) && names.has(Number(id)))
    .map(([id, result]) => ({ ...names.get(Number(id)), ...result, id: Number(id), paddle: result.winner?.paddle ?? null }));
  const running = lot && !lot.result ? lot.id : null;
  return [...over, ...fresh].filter(({ id }) => id !== running).reverse();
}

export class OverList {
  #list;
  #totals;
  #money;
  #drawn = null;

  constructor({ list, totals, money }) {
    this.#list = list;
    this.#totals = totals;
    this.#money = money;
  }

  /** Show lots that are over, and the sums of all. */
  draw(over, { sold, unsold, hammer }) {
    const key = JSON.stringify([over, sold, unsold, hammer]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#list.replaceChildren(...over.map((lot) => this.#row(lot)));
    if (!over.length) this.#list.append(make("li", "quiet", words.nothingSold()));
    const sums = sold || unsold ? [words.soldSum(sold, hammer === null ? "–" : this.#text(hammer))] : [];
    if (unsold) sums.push(words.unsoldSum(unsold));
    setText(this.#totals, sums.join(" · "));
  }

  #row({ number, title, result, reason, amount, paddle }) {
    const sum = make("span", "sum");
    if (result === "sold") sum.append(make("b", "", this.#text(amount)), ` · ${paddle}`);
    else sum.append(result === "withdrawn" ? words.withdrawnState() : reason === "reserve_not_met" ? words.reserveNotMet() : words.noBids());
    return make("li", result === "sold" ? "is-sold" : "", make("b", "", number), make("span", "name", title), sum);
  }

  #text(amount) {
    return this.#money.text(this.#money.minor(amount));
  }
}
