/* Checks the downloaded record of a lot in the browser, and keeps the heads that a page witnessed while it watched.
   `bidding/verification.py` does the same for programs; both must say the same. Shows nothing, fetches nothing. */

export const FORMAT = "auction-record/1";
const GENESIS = "0".repeat(64);
const NO_PUBLIC = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const LEAST_WARNING_MS = 10_000;
const LEAST_WINDOW_MS = 1_000;
const RESERVE_WAIVED = "reserve_waived";
const HEADS_KEPT = 500;
const OF_THE_SHOW = new Set([
  "AUCTION_LIVE",
  "LOT_NEXT",
  "CATALOGUE_CHANGED",
  "RULES_CHANGED",
  "INTERVAL",
  "AUCTION_ENDED",
  "AUCTION_CANCELLED",
  "REBUILT",
]);

/** The first place where a record is not what it should be. */
export class Mismatch extends Error {
  constructor(place, what, expected, found) {
    const where = place[1] ? `version ${place[0]}.${place[1]}` : `version ${place[0]}`;
    const compared = expected === undefined ? "" : `: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`;
    super(`${where}: ${what}${compared}`);
    this.place = place;
    this.what = what;
  }
}

/** Return what a check of the record found first.
 *
 * `keys` are the site's public keys (hex) by key id, `heads` the LOG_HEAD messages that this browser saw. The result
 * has `problem` (null or a Mismatch), `entries`, `witnessed`, `keyId` and `signed`: null where the browser has no
 * Ed25519, so that chain and heads were checked but not the signature.
 */
export async function verifyRecord(record, { keys, heads = [] }) {
  const verdict = { entries: 0, witnessed: 0, keyId: "", signed: null, problem: null };
  let place = [0, 0];
  try {
    if (record.format !== FORMAT) throw new Mismatch(place, "the format is not known", FORMAT, record.format);
    const texts = record.entries.map((entry) => (entry.public === undefined ? null : JSON.parse(entry.public)));
    const reader = new Reader(record.lot.id, texts);
    const hashes = new Map();
    let previous = GENESIS;
    for (const [index, entry] of record.entries.entries()) {
      const before = place;
      place = [entry.v, entry.s];
      if (!follows(before, place)) throw new Mismatch(place, "the order of versions is broken", before, place);
      previous = await linked(place, previous, entry);
      if (!hashes.has(entry.v)) hashes.set(entry.v, new Set());
      hashes.get(entry.v).add(previous);
      reader.read(index, place);
      verdict.entries += 1;
    }
    reader.finish(place, record.runs);
    checkHead(place, previous, reader.epoch, record.head);
    verdict.keyId = record.signature.key_id;
    verdict.signed = await checkSignature(place, record, keys);
    verdict.witnessed = checkHeads(place, hashes, heads);
  } catch (error) {
    verdict.problem = error instanceof Mismatch ? error : new Mismatch(place, `the record is malformed (${error})`);
  }
  return verdict;
}

/** Return the site's public keys (hex) by key id, from what it publishes. */
export function keysOf(published) {
  const hex = (text) => toHex(Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0)));
  return Object.fromEntries(published.keys.map((key) => [key.kid, hex(key.x)]));
}

/** Return the bytes that a signature of a head covers. */
export function headMessage(auctionId, { v, epoch, hash }) {
  return new TextEncoder().encode(`auction-head/1:${auctionId}:${v}:${epoch}:${hash}`);
}

/** Return where this browser keeps heads, or null where it forbids keeping anything. */
export function browserStorage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

/** Keep a LOG_HEAD that was just seen, as `heads:<auction id>` in a Storage: [{v, epoch, hash}]. */
export function rememberHead(storage, auctionId, { v, epoch, hash }) {
  let heads = witnessedHeads(storage, auctionId);
  if (heads.some((head) => head.hash === hash)) return;
  heads.push({ v, epoch, hash });
  // Thinned out rather than cut off: an early witness is worth as much as a late one.
  if (heads.length > HEADS_KEPT) heads = heads.filter((_head, index) => index % 2 === 0 || index === heads.length - 1);
  try {
    storage?.setItem(`heads:${auctionId}`, JSON.stringify(heads));
  } catch {
    // Storage is full or forbidden: then this page is no witness, and bidding goes on.
  }
}

/** Return the heads that were kept for an auction; none where nothing readable is stored. */
export function witnessedHeads(storage, auctionId) {
  try {
    const heads = JSON.parse(storage?.getItem(`heads:${auctionId}`) ?? "[]");
    return Array.isArray(heads) ? heads : [];
  } catch {
    return [];
  }
}

// --- Chain, signature, witnesses ------------------------------------------------------------------------

function follows([v, s], [nextV, nextS]) {
  return (nextV === v + 1 && nextS === 0) || (nextV === v && nextS === s + 1);
}

async function linked(place, previous, entry) {
  const digest = entry.public === undefined ? entry.public_sha256 : await sha256(new TextEncoder().encode(entry.public));
  if ((digest === NO_PUBLIC) !== place[1] > 0) {
    throw new Mismatch(place, "a private entry stands at a public version, or the other way round");
  }
  const parts = [previous, digest, entry.offer, entry.rest].map(fromHex);
  if (parts.some((part) => part.length !== 32)) throw new TypeError("a hash of the chain has 32 bytes");
  const joined = new Uint8Array(128);
  for (const [index, part] of parts.entries()) joined.set(part, 32 * index);
  const computed = await sha256(joined);
  if (computed !== entry.hash) throw new Mismatch(place, "the hash chain is broken", computed, entry.hash);
  return computed;
}

function checkHead(place, last, epoch, head) {
  if (head.v !== place[0] || place[1] !== 0 || head.epoch !== epoch || head.hash !== last) {
    throw new Mismatch(place, "the signed head is not the last entry", { v: place[0], epoch, hash: last }, head);
  }
}

async function checkSignature(place, record, keys) {
  const { key_id: keyId, signature } = record.signature;
  if (!Object.hasOwn(keys, keyId)) {
    throw new Mismatch(place, "the head is signed with a key that is not known", Object.keys(keys), keyId);
  }
  let key;
  try {
    key = await crypto.subtle.importKey("raw", fromHex(keys[keyId]), { name: "Ed25519" }, false, ["verify"]);
  } catch (error) {
    if (error.name === "NotSupportedError") return null;
    throw error;
  }
  const message = headMessage(record.auction.id, record.head);
  if (!(await crypto.subtle.verify({ name: "Ed25519" }, key, fromHex(signature), message))) {
    throw new Mismatch(place, `the signature is not that of key ${keyId}`);
  }
  return true;
}

/* This is what catches a history that was rewritten and signed again. */
function checkHeads(place, hashes, heads) {
  let witnessed = 0;
  for (const head of heads) {
    if (head.v > place[0]) continue;
    if (!hashes.get(head.v)?.has(head.hash)) {
      throw new Mismatch([head.v, 0], "history was rewritten: a witnessed head is not in it", head.hash, "another");
    }
    witnessed += 1;
  }
  return witnessed;
}

async function sha256(bytes) {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fromHex(text) {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new TypeError("not hex");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

// --- What the public texts say --------------------------------------------------------------------------

class Reader {
  epoch = "";
  #lotId;
  #texts;
  #atMs = 0;
  #lot = null;
  #runs = new Map();
  #isOver = false;

  constructor(lotId, texts) {
    this.#lotId = lotId;
    this.#texts = texts;
  }

  read(index, place) {
    const text = this.#texts[index];
    const lot = this.#lot;
    if (text === null) {
      if (place[1] === 0 && lot?.running) throw new Mismatch(place, "a public entry is withheld while the lot was open");
      return;
    }
    same(place, "version", place[0], text.v);
    if (this.epoch && text.epoch !== this.epoch && text.type !== "REBUILT") {
      throw new Mismatch(place, "the epoch changed without a rebuild", this.epoch, text.epoch);
    }
    if (!(text.at_ms >= this.#atMs)) throw new Mismatch(place, "time goes backwards", this.#atMs, text.at_ms);
    if (this.#isOver) throw new Mismatch(place, "the show was over");
    this.epoch = text.epoch;
    this.#atMs = text.at_ms;
    if (OF_THE_SHOW.has(text.type)) {
      this.#readOfTheShow(place, text.type);
    } else if (text.type === "LOT_OPENED") {
      same(place, "lot", this.#lotId, text.lot.id);
      if (lot?.running) throw new Mismatch(place, "the lot was open already");
      this.#lot = new Lot(place, text);
      this.#runs.set(text.lot.run, this.#lot);
    } else if (lot === null) {
      throw new Mismatch(place, `${text.type} before the lot was opened`);
    } else {
      same(place, "lot", this.#lotId, text.lot);
      lot.apply(place, text, this.#following(index));
    }
  }

  #following(index) {
    let next = index + 1;
    while (next < this.#texts.length && this.#texts[next] === null) next += 1;
    return this.#texts[next] ?? {};
  }

  finish(place, claims) {
    same(place, "runs", [...this.#runs.keys()], claims.map((claim) => claim.run));
    for (const claim of claims) {
      const lot = this.#runs.get(claim.run);
      if (lot.running) throw new Mismatch(place, "the lot is not closed");
      for (const [name, expected] of Object.entries(lot.outcome())) same(lot.closedAt, name, expected, claim[name]);
    }
  }

  #readOfTheShow(place, kind) {
    if (kind === "AUCTION_ENDED" || kind === "AUCTION_CANCELLED") {
      if (this.#lot?.running) throw new Mismatch(place, "the show ended while the lot was open");
      this.#isOver = true;
    } else if (kind === "REBUILT") {
      this.#lot?.rebuilt();
    }
  }
}

class Lot {
  #extension = null;
  #bought = false;
  #result = {};

  constructor(place, text) {
    const { lot } = text;
    this.status = "open";
    this.opening = minor(lot.opening_amount) ?? 0;
    this.price = minor(lot.current_amount);
    this.buyNow = minor(lot.buy_now_amount);
    this.leader = paddle(lot.leader);
    this.bidCount = lot.bid_count;
    this.hasReserve = lot.has_reserve;
    this.reserveMet = lot.reserve_met;
    this.endsAtMs = whole(lot.ends_at_ms);
    this.remainingMs = null;
    this.windowMs = whole(lot.window_ms);
    this.extensionMs = whole(lot.extension_ms);
    this.mode = lot.extension_mode;
    this.used = lot.extensions.used;
    this.allowed = whole(lot.extensions.allowed);
    this.hammerAtMs = null;
    this.closingNumber = 0;
    this.closedAt = place;
    same(place, "status", "open", lot.status);
    same(place, "extensions used", 0, this.used);
    same(place, "bids", this.leader === null ? 0 : 1, this.bidCount);
    if (this.endsAtMs <= text.at_ms) throw new Mismatch(place, "the lot ends before it opens");
    if (this.price !== null && this.price < this.opening) {
      throw new Mismatch(place, "the price is below the opening bid", this.opening, this.price);
    }
  }

  get running() {
    return this.status === "open" || this.status === "paused";
  }

  outcome() {
    return { ...this.#result, bid_count: this.bidCount, extensions: this.used };
  }

  rebuilt() {
    if (this.status === "open") [this.status, this.remainingMs, this.hammerAtMs] = ["paused", null, null];
  }

  apply(place, text, following) {
    const kind = text.type;
    if (!this.running && kind !== "LOT_REOPENED") throw new Mismatch(place, `${kind} after the lot was closed`);
    const [extension, bought] = [this.#extension, this.#bought];
    [this.#extension, this.#bought] = [null, false];
    if (extension !== null && !(kind === "LOT_EXTENDED" && text.reason === "bid")) {
      throw new Mismatch(place, "the extension is not told", "LOT_EXTENDED", kind);
    }
    if (kind === "HIGHEST_BID") this.#bid(place, text, following);
    else if (kind === "LOT_EXTENDED") this.#extended(place, text, extension);
    else if (kind === "LOT_PAUSED") this.#paused(place, text);
    else if (kind === "LOT_RESUMED") this.#resumed(place, text);
    else if (kind === "FAIR_WARNING") this.#warned(place, text);
    else if (kind === "BID_VOIDED") this.#voided(place, text);
    else if (kind === "LOT_CLOSED") this.#closed(place, text, bought);
    else if (kind === "LOT_REOPENED") this.#reopened(place, text);
    else throw new Mismatch(place, `${kind} is not known`);
  }

  #bid(place, text, following) {
    const at = whole(text.at_ms);
    this.#expectOpen(place, "a bid was accepted", at);
    const price = minor(text.current_amount);
    if (price === null || price < this.opening || (this.price !== null && price <= this.price)) {
      throw new Mismatch(place, "the price does not rise", `above ${this.price ?? this.opening}`, price);
    }
    same(place, "bids", this.bidCount + 1, text.bid_count);
    const last = text.bids[text.bids.length - 1];
    same(place, "price of the last bid", text.current_amount, last.amount);
    same(place, "paddle of the last bid", paddle(text.leader), last.paddle);
    const amounts = text.bids.map((bid) => minor(bid.amount));
    const rises = amounts.every((amount, index) => index === 0 || amounts[index - 1] <= amount);
    if (!rises || text.bids.some((bid) => bid.v !== place[0])) {
      throw new Mismatch(place, "the history of the price is out of order");
    }
    if ((this.reserveMet || !this.hasReserve) && !text.reserve_met) {
      throw new Mismatch(place, "a reserve that was met is not met any more");
    }
    this.#bought = following.type === "LOT_CLOSED" && following.reason === "buy_now" && price === this.buyNow;
    let ends = this.endsAtMs;
    if (!this.#bought && this.used < this.allowed && at >= ends - this.windowMs) {
      ends = this.mode === "reset" ? Math.max(ends, at + this.extensionMs) : ends + this.extensionMs;
    }
    same(place, "end", ends, text.ends_at_ms);
    if (ends > this.endsAtMs) this.#extension = ends - this.endsAtMs;
    [this.endsAtMs, this.hammerAtMs] = [ends, null];
    [this.price, this.leader, this.bidCount] = [price, paddle(text.leader), text.bid_count];
    [this.reserveMet, this.buyNow] = [text.reserve_met, minor(text.buy_now_amount)];
  }

  #extended(place, text, byBid) {
    const at = whole(text.at_ms);
    let [expected, added] = [this.endsAtMs, byBid];
    if (text.reason === "bid") {
      if (byBid === null) throw new Mismatch(place, "an extension that no bid caused");
      this.used += 1;
      if (this.used > this.allowed) throw new Mismatch(place, "more extensions than allowed", this.allowed, this.used);
    } else if (text.reason === "host") {
      this.#expectOpen(place, "an extension by hand", at);
      added = whole(text.added_ms);
      [expected, this.hammerAtMs] = [this.endsAtMs + added, null];
    } else if (text.reason === "outage") {
      if (this.status !== "open" || at < this.endsAtMs) {
        throw new Mismatch(place, "an outage is noticed when the end has passed", this.endsAtMs, at);
      }
      expected = at + Math.max(this.windowMs, LEAST_WINDOW_MS);
      added = expected - this.endsAtMs;
    } else {
      throw new Mismatch(place, "the reason is not known", "bid, host or outage", text.reason);
    }
    same(place, "end", expected, text.ends_at_ms);
    same(place, "added", added, text.added_ms);
    same(place, "extensions", [this.used, this.allowed], [text.extensions.used, text.extensions.allowed]);
    if (!(added > 0)) throw new Mismatch(place, "an extension does not shorten", "more", added);
    this.endsAtMs = expected;
  }

  #paused(place, text) {
    this.#expectOpen(place, "LOT_PAUSED", whole(text.at_ms));
    same(place, "time left", this.endsAtMs - text.at_ms, text.remaining_ms);
    [this.status, this.remainingMs, this.hammerAtMs] = ["paused", text.remaining_ms, null];
  }

  #resumed(place, text) {
    same(place, "status before", "paused", this.status);
    const [at, ends] = [whole(text.at_ms), whole(text.ends_at_ms)];
    if (this.remainingMs !== null) {
      same(place, "end", at + Math.max(this.remainingMs, this.windowMs), ends);
    } else if (ends < at + Math.max(this.windowMs, LEAST_WINDOW_MS)) {
      throw new Mismatch(place, "less than the window is left after a rebuild", at + this.windowMs, ends);
    }
    [this.status, this.endsAtMs, this.remainingMs] = ["open", ends, null];
  }

  #warned(place, text) {
    const at = whole(text.at_ms);
    this.#expectOpen(place, "FAIR_WARNING", at);
    if (!(text.hammer_at_ms >= at + LEAST_WARNING_MS)) {
      throw new Mismatch(place, "the warning is too short", at + LEAST_WARNING_MS, text.hammer_at_ms);
    }
    same(place, "end", Math.max(this.endsAtMs, text.hammer_at_ms), text.ends_at_ms);
    [this.endsAtMs, this.hammerAtMs] = [text.ends_at_ms, text.hammer_at_ms];
  }

  #voided(place, text) {
    const price = minor(text.current_amount);
    const leader = paddle(text.leader);
    // Where the leader's own earlier offer went, their later one beats anew what that had beaten, and may pay more.
    const stays = leader === this.leader && (text.paddle === null || text.paddle === leader);
    if (this.price === null || (price !== null && price > this.price && !stays)) {
      throw new Mismatch(place, "a voided bid cannot raise the price", this.price, price);
    }
    const most = this.bidCount + (stays ? 1 : 0);
    if (!(text.bid_count >= 0 && text.bid_count <= most && (text.voided_v === null || text.voided_v < place[0]))) {
      throw new Mismatch(place, "a bid was voided that there was not");
    }
    [this.price, this.leader, this.bidCount] = [price, leader, text.bid_count];
    if ((price === null) !== (this.leader === null)) throw new Mismatch(place, "a price has a leader");
    const newest = text.recent_bids.slice(0, 1).map((bid) => [bid.amount, bid.paddle]);
    same(place, "newest bid", price === null ? [] : [[text.current_amount, this.leader]], newest);
    [this.reserveMet, this.hammerAtMs] = [text.reserve_met, null];
  }

  #closed(place, text, bought) {
    const at = whole(text.at_ms);
    const ranOut = this.status === "open" && at >= this.endsAtMs;
    const due = ranOut || (this.hammerAtMs !== null && at >= this.hammerAtMs);
    const fair = new Map([
      ["time", ranOut],
      ["hammer", this.hammerAtMs !== null && at >= this.hammerAtMs],
      ["buy_now", bought],
      ["no_bids", due],
      ["reserve_not_met", due],
      ["withdrawn", true],
      ["cancelled", true],
    ]);
    if (!fair.get(text.reason)) throw new Mismatch(place, `closed by ${text.reason} before its time`, this.endsAtMs, at);
    let expected = ["sold", text.reason];
    if (text.reason === "withdrawn" || text.reason === "cancelled") expected = ["withdrawn", text.reason];
    else if (this.leader === null) expected = ["passed", "no_bids"];
    else if (!this.reserveMet) expected = ["passed", "reserve_not_met"];
    same(place, "result", expected, [text.result, text.reason]);
    const sold = text.result === "sold";
    same(place, "hammer price", sold ? this.price : null, minor(text.amount));
    same(place, "winner", sold ? this.leader : null, paddle(text.winner));
    this.closingNumber += 1;
    same(place, "closing", this.closingNumber, text.closing_number);
    [this.status, this.closedAt] = [text.result, place];
    const { result, reason, amount, winner } = text;
    this.#result = { result, reason, amount, winner, closed_at_ms: at };
  }

  #reopened(place, text) {
    if (this.running) throw new Mismatch(place, "the lot was not closed");
    same(place, "end", text.at_ms + Math.max(this.windowMs, LEAST_WINDOW_MS), text.ends_at_ms);
    [this.status, this.endsAtMs, this.hammerAtMs] = ["open", text.ends_at_ms, null];
    if (text.reason === RESERVE_WAIVED) this.reserveMet = true;
  }

  #expectOpen(place, what, at) {
    if (this.status !== "open") throw new Mismatch(place, `${what} while the lot was ${this.status}`);
    if (at >= this.endsAtMs) throw new Mismatch(place, `${what} at or after the end`, `before ${this.endsAtMs}`, at);
  }
}

function same(place, what, expected, found) {
  if (JSON.stringify(expected) !== JSON.stringify(found)) throw new Mismatch(place, what, expected, found);
}

function minor(amount) {
  if (amount === null) return null;
  if (typeof amount !== "string" || !/^(0|[1-9][0-9]*)(\.[0-9]+)?$/.test(amount)) throw new TypeError("not an amount");
  return Number(amount.replace(".", ""));
}

function paddle(leader) {
  return leader === null ? null : whole(leader.paddle);
}

function whole(value) {
  if (!Number.isSafeInteger(value)) throw new TypeError("not a whole number");
  return value;
}
