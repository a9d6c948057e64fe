/* Plays what the site recorded: fetches from where somebody looks, some seconds ahead, into one MediaSource.
   Knows nothing of the auction. Whoever plays another kind of recording offers the same: time, seek, close. */

import { Source, canPlay } from "./feed.js";
import { behindHole, cut, partAt, pieceAt } from "./line.js";

const AHEAD_S = 20;
const BEHIND_S = 30;
/** A little behind a whole picture's time, so that it is the picture that is shown. */
const NUDGE_S = 0.02;
const TRIES = 4;
const PAUSE_MS = 800;
const LOOK_MS = 500;

export class Recording {
  #video;
  #parts;
  #failed;
  #source = new Source();
  #address;
  #buffer = null;
  #tables = new Map();
  #held = new Set();
  #part = null;
  #last = null;
  #fetching = null;
  #pumping = false;
  #pending = null;
  #tick;
  #closed = false;

  /** `failed(why)` is called once: "unplayable" by this browser, or "away" where it cannot be loaded. */
  constructor({ video, parts, failed }) {
    this.#video = video;
    this.#parts = parts;
    this.#failed = failed;
    this.#address = URL.createObjectURL(this.#source);
    // Without this an iPhone gives no managed source.
    video.disableRemotePlayback = true;
    video.src = this.#address;
    video.addEventListener("seeking", this.#jumped);
    video.addEventListener("loadedmetadata", this.#opened);
    this.#source.addEventListener("sourceopen", () => this.#open(), { once: true });
    this.#tick = setInterval(() => this.#pump(), LOOK_MS);
  }

  /** Tell whether the browser can play every part. */
  static plays(parts) {
    return parts.every(({ mime }) => canPlay(mime));
  }

  /** The second on the line of all parts that is shown. */
  get time() {
    return this.#pending ?? this.#video.currentTime;
  }

  /** Show another second. */
  seek(second) {
    // Without an opening there is nothing to jump in: it is fetched for that second then.
    if (this.#video.readyState < HTMLMediaElement.HAVE_METADATA) this.#pending = second + NUDGE_S;
    else this.#video.currentTime = second + NUDGE_S;
  }

  /** Let the element go. */
  close() {
    this.#closed = true;
    clearInterval(this.#tick);
    this.#fetching?.abort();
    this.#video.removeEventListener("seeking", this.#jumped);
    this.#video.removeEventListener("loadedmetadata", this.#opened);
    URL.revokeObjectURL(this.#address);
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  get #total() {
    const last = this.#parts.at(-1);
    return last.begins_s + last.lasts_s;
  }

  get #ranges() {
    const { buffered } = this.#video;
    return Array.from({ length: buffered.length }, (_none, index) => [buffered.start(index), buffered.end(index)]);
  }

  #jumped = () => {
    // What was under way is far from where somebody looks now.
    this.#fetching?.abort();
    this.#pump();
  };

  #opened = () => {
    const second = this.#pending;
    this.#pending = null;
    if (second !== null) this.#video.currentTime = second;
  };

  #open() {
    if (this.#closed) return;
    try {
      this.#buffer = this.#source.addSourceBuffer(this.#parts[0].mime);
      this.#source.duration = this.#total;
    } catch {
      this.#fail("unplayable");
      return;
    }
    this.#pump();
  }

  /** Fetch and append one piece after another, until enough is there. One at a time does it. */
  async #pump() {
    if (this.#pumping || this.#closed || this.#buffer === null) return;
    this.#pumping = true;
    try {
      let goesOn = true;
      while (goesOn && !this.#closed) goesOn = await this.#step();
    } catch (error) {
      if (!this.#closed) this.#fail(error instanceof Away ? "away" : "unplayable");
    } finally {
      this.#pumping = false;
    }
  }

  async #step() {
    await this.#forget();
    const wanted = await this.#wanted();
    this.#cross();
    if (wanted === null) return false;
    const { part, piece, id } = wanted;
    const bytes = await this.#fetch(part, piece.from, piece.to);
    // Somebody jumped meanwhile: what is wanted is another piece.
    if (bytes === null) return true;
    await this.#enter(part, id);
    try {
      await this.#change(() => this.#buffer.appendBuffer(bytes));
    } catch (error) {
      if (error.name !== "QuotaExceededError") throw error;
      return false; // the next look lets go of what was played
    }
    this.#held.add(id);
    this.#last = id;
    this.#cross();
    return true;
  }

  /** Return the next piece that is not there, as far ahead as is played soon; null where there is none. */
  async #wanted() {
    const now = this.time;
    let index = partAt(this.#parts, now);
    while (index < this.#parts.length) {
      const part = this.#parts[index];
      const { pieces } = await this.#table(part);
      for (let at = pieceAt(pieces, now); at < pieces.length; at += 1) {
        if (pieces[at].fromS > now + AHEAD_S) return null;
        const id = `${index} ${at}`;
        if (!this.#held.has(id)) return { part, piece: pieces[at], id };
      }
      index += 1;
    }
    if (this.#source.readyState === "open" && !this.#buffer.updating && now > this.#total - AHEAD_S) {
      this.#source.endOfStream();
    }
    return null;
  }

  /** Make the buffer ready for a piece that may not follow the last one. */
  async #enter(part, id) {
    const [index, at] = id.split(" ").map(Number);
    if (this.#last === `${index} ${at - 1}` && this.#source.readyState === "open") return;
    if (this.#source.readyState === "ended") {
      // Only so is a source open again that was complete.
      await this.#change(() => this.#buffer.remove(this.#source.duration, Infinity));
    }
    this.#buffer.abort();
    if (this.#part === part) return;
    const { opening, marks } = await this.#table(part);
    if (this.#part !== null && this.#part.mime !== part.mime) this.#buffer.changeType(part.mime);
    this.#buffer.timestampOffset = part.begins_s - marks[0][0] / 1_000;
    await this.#change(() => this.#buffer.appendBuffer(opening));
    this.#part = part;
  }

  /** Let go of what was played long ago, or lies far behind a jump. */
  async #forget() {
    const now = this.#video.currentTime;
    const [first] = this.#ranges.at(0) ?? [now];
    const [, last] = this.#ranges.at(-1) ?? [now, now];
    const spans = [];
    if (first < now - 2 * BEHIND_S) spans.push([0, now - BEHIND_S]);
    if (last > now + 4 * AHEAD_S) spans.push([now + 2 * AHEAD_S, Infinity]);
    for (const [from, to] of spans) {
      await this.#change(() => this.#buffer.remove(from, to));
      for (const id of this.#held) {
        const [index, at] = id.split(" ").map(Number);
        const { pieces } = await this.#table(this.#parts[index]);
        if (pieces[at].fromS < to && pieces[at].toS > from) this.#held.delete(id);
      }
      this.#last = null;
    }
  }

  /** Go on behind a hole: where nothing was recorded, or a picture is missing at a seam. */
  #cross() {
    const video = this.#video;
    const now = video.currentTime;
    const behind = behindHole(this.#ranges, now);
    if (behind === null || this.#fetching !== null) return;
    const pieces = this.#tables.get(this.#parts[partAt(this.#parts, now)])?.pieces;
    // Only where what belongs there is there, and is not it.
    if (pieces && this.#held.has(`${partAt(this.#parts, now)} ${pieceAt(pieces, now)}`)) video.currentTime = behind + NUDGE_S;
  }

  async #table(part) {
    while (!this.#tables.has(part)) {
      const table = await this.#ask(async (signal) => {
        const answer = await fetch(part.table, { signal });
        return answer.ok ? answer.json() : null;
      });
      const opening = table && (await this.#fetch(part, 0, table.opening));
      // A jump may have cut it short, but it is needed all the same.
      if (opening) this.#tables.set(part, { opening, marks: table.marks, pieces: cut(part, table) });
      else if (this.#closed) throw new Away();
    }
    return this.#tables.get(part);
  }

  #fetch(part, from, to) {
    return this.#ask(async (signal) => {
      const answer = await fetch(part.url, { headers: { Range: `bytes=${from}-${to - 1}` }, signal });
      return answer.status === 206 ? answer.arrayBuffer() : null;
    });
  }

  /** Ask the site, and again where it does not answer; null where a jump made it needless. Throws Away. */
  async #ask(question) {
    for (let attempt = 1; attempt <= TRIES && !this.#closed; attempt += 1) {
      this.#fetching = new AbortController();
      try {
        const answer = await question(this.#fetching.signal);
        if (answer !== null) return answer;
      } catch (error) {
        if (error.name === "AbortError") return null;
      } finally {
        this.#fetching = null;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt));
    }
    throw new Away();
  }

  /** Change the buffer and wait until that is done. */
  #change(work) {
    const buffer = this.#buffer;
    return new Promise((resolve, reject) => {
      const done = (event) => {
        buffer.removeEventListener("updateend", done);
        buffer.removeEventListener("error", done);
        if (event.type === "error") reject(new Error("the player refused a picture"));
        else resolve();
      };
      buffer.addEventListener("updateend", done);
      buffer.addEventListener("error", done);
      try {
        work();
      } catch (error) {
        buffer.removeEventListener("updateend", done);
        buffer.removeEventListener("error", done);
        reject(error);
      }
    });
  }

  #fail(why) {
    this.close();
    this.#failed(why);
  }
}

class Away extends Error {}
