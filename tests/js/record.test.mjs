import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { headMessage, keysOf, rememberHead, verifyRecord, witnessedHeads } from "../../static/js/record.js";

const sample = JSON.parse(readFileSync(new URL("./record-sample.json", import.meta.url), "utf-8"));
const keys = keysOf(sample.keys);
const PKCS8 = "302e020100300506032b657004220420";

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const copy = (value) => structuredClone(value);
const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
const headsOf = (record) => record.entries.map(({ v, hash }) => ({ v, epoch: record.head.epoch, hash }));
const place = (record, v) => record.entries.find((entry) => entry.v === v && entry.s === 0);
const texts = (record, kind) =>
  record.entries.filter((entry) => entry.public).map((entry) => JSON.parse(entry.public)).filter((text) => text.type === kind);

async function chain(record) {
  let head = "0".repeat(64);
  for (const entry of record.entries) {
    const digest = entry.public === undefined ? entry.public_sha256 : hex(await sha256(new TextEncoder().encode(entry.public)));
    head = entry.hash = hex(await sha256(Buffer.from(head + digest + entry.offer + entry.rest, "hex")));
  }
  record.head.hash = head;
  return record;
}

async function sign(record, seed = sample.seed) {
  const key = await crypto.subtle.importKey("pkcs8", Buffer.from(PKCS8 + seed, "hex"), { name: "Ed25519" }, false, ["sign"]);
  const signed = await crypto.subtle.sign({ name: "Ed25519" }, key, headMessage(record.auction.id, record.head));
  record.signature.signature = hex(signed);
  return record;
}

/* What an owner of the site could do: change texts, chain them anew and sign again. */
async function forge(record, ...changes) {
  const forged = copy(record);
  for (const [v, name, value] of changes) {
    const entry = place(forged, v);
    const text = JSON.parse(entry.public);
    const path = name.split(".");
    const leaf = path.pop();
    path.reduce((part, step) => part[step], text)[leaf] = value;
    entry.public = JSON.stringify(text);
  }
  return sign(await chain(forged));
}

const problemOf = async (record, heads = [], trusted = keys) => (await verifyRecord(record, { keys: trusted, heads })).problem;

test("true records are consistent, signed and witnessed", async () => {
  for (const record of sample.records) {
    const verdict = await verifyRecord(record, { keys, heads: headsOf(record) });
    assert.equal(verdict.problem, null);
    assert.equal(verdict.entries, record.entries.length);
    assert.equal(verdict.witnessed, record.entries.length);
    assert.equal(verdict.signed, true);
    assert.ok(Object.hasOwn(keys, verdict.keyId));
  }
});

test("the tools of these tests forge nothing by themselves", async () => {
  assert.equal(await problemOf(await forge(sample.records[0])), null);
});

test("one edited entry breaks the chain there", async () => {
  const record = copy(sample.records[1]);
  const { v } = texts(record, "HIGHEST_BID").at(-1);
  place(record, v).public = place(record, v).public.replace('"60.00"', '"61.00"');
  const problem = await problemOf(record);
  assert.deepEqual([problem.place, problem.what], [[v, 0], "the hash chain is broken"]);
});

test("a removed entry is found, also where the chain was made anew", async () => {
  const record = copy(sample.records[0]);
  record.entries.splice(record.entries.indexOf(place(record, texts(record, "HIGHEST_BID")[1].v)), 1);
  assert.match((await problemOf(await sign(await chain(record)))).what, /order of versions is broken/);
});

test("two swapped entries are found, also where the chain was made anew", async () => {
  const record = copy(sample.records[0]);
  const [one, two] = texts(record, "HIGHEST_BID").map((text) => place(record, text.v));
  [one.public, two.public] = [two.public, one.public];
  assert.match((await problemOf(record)).what, /hash chain is broken/);
  assert.equal((await problemOf(await sign(await chain(record)))).what, "version");
});

test("history that was rewritten and signed again is caught by its witnesses, and by nothing else", async () => {
  const truth = sample.records[1];
  const { v } = texts(truth, "HIGHEST_BID").at(-1);
  const closed = texts(truth, "LOT_CLOSED").at(-1).v;
  const forged = await forge(
    truth,
    [v, "current_amount", "61.00"],
    [v, "minimum_amount", "66.00"],
    [v, "bids.1.amount", "61.00"],
    [closed, "amount", "61.00"],
  );
  forged.runs[0].amount = "61.00";
  assert.equal(await problemOf(forged), null);
  const problem = await problemOf(forged, headsOf(truth));
  assert.deepEqual(problem.place, [v, 0]);
  assert.match(problem.what, /history was rewritten/);
  const before = headsOf(truth).filter((head) => head.v < v);
  const later = { v: 10_000, epoch: "x", hash: "0".repeat(64) };
  assert.equal((await verifyRecord(forged, { keys, heads: [...before, later] })).witnessed, before.length);
});

test("another key is found", async () => {
  const record = sample.records[0];
  assert.match((await problemOf(await sign(copy(record), "08".repeat(32)))).what, /signature is not that of key/);
  assert.match((await problemOf(record, [], {})).what, /a key that is not known/);
});

test("a true signature under another history is found", async () => {
  const truth = sample.records[1];
  const forged = await forge(truth, [texts(truth, "HIGHEST_BID").at(-1).v, "minimum_amount", "99.00"]);
  assert.equal(await problemOf(forged), null);
  const problem = await problemOf({ ...forged, head: truth.head, signature: truth.signature });
  assert.match(problem.what, /signed head is not the last entry/);
});

test("a withheld entry of the open lot is found", async () => {
  const record = copy(sample.records[0]);
  const entry = place(record, texts(record, "HIGHEST_BID")[1].v);
  entry.public_sha256 = hex(await sha256(new TextEncoder().encode(entry.public)));
  delete entry.public;
  assert.match((await problemOf(record)).what, /withheld/);
});

test("every rule is found broken where the other check finds it", async () => {
  assert.ok(sample.forgeries.length > 20);
  for (const { v, name, value, at, what } of sample.forgeries) {
    const problem = await problemOf(await forge(sample.records[0], [v, name, value]));
    assert.deepEqual([problem?.place, problem?.what], [at, what], name);
  }
});

test("what a record says of its runs is compared", async () => {
  for (const [name, wrong] of Object.entries({ result: "passed", amount: "1.00", winner: { paddle: 1 }, bid_count: 99, extensions: 9 })) {
    const record = copy(sample.records[0]);
    record.runs[0][name] = wrong;
    assert.equal((await problemOf(record)).what, name);
  }
});

test("anything else is malformed and no exception", async () => {
  for (const broken of [{}, { format: "auction-record/1" }, { ...sample.records[0], entries: [1] }, { ...sample.records[0], head: null }]) {
    assert.notEqual(await problemOf(broken), null);
  }
});

test("without Ed25519 chain and heads are checked, and it says that the signature was not", async (t) => {
  t.mock.method(crypto.subtle, "importKey", () => Promise.reject(new DOMException("no", "NotSupportedError")));
  const [record] = sample.records;
  const verdict = await verifyRecord(record, { keys, heads: headsOf(record) });
  assert.deepEqual([verdict.problem, verdict.signed, verdict.witnessed], [null, null, record.entries.length]);
});

class Shelf {
  items = new Map();
  getItem = (key) => this.items.get(key) ?? null;
  setItem = (key, value) => this.items.set(key, value);
}

test("witnessed heads are kept once, by auction, and thinned out over the whole show", () => {
  const shelf = new Shelf();
  for (let v = 1; v <= 2_000; v += 1) rememberHead(shelf, 4, { type: "LOG_HEAD", v, epoch: "e", hash: `${v}` });
  rememberHead(shelf, 4, { v: 2_000, epoch: "e", hash: "2000" });
  const heads = witnessedHeads(shelf, 4);
  assert.ok(heads.length > 200 && heads.length <= 500);
  assert.deepEqual(heads[0], { v: 1, epoch: "e", hash: "1" });
  assert.equal(heads.at(-1).v, 2_000);
  assert.ok(heads.some((head) => head.v > 900 && head.v < 1_100));
  assert.deepEqual([...shelf.items.keys()], ["heads:4"]);
  assert.deepEqual(witnessedHeads(shelf, 5), []);
});

test("a storage that is full, forbidden or spoilt is no witness and no error", () => {
  const refuses = { getItem: () => null, setItem: () => { throw new DOMException("full", "QuotaExceededError"); } };
  rememberHead(refuses, 4, { v: 1, epoch: "e", hash: "1" });
  rememberHead(null, 4, { v: 1, epoch: "e", hash: "1" });
  assert.deepEqual(witnessedHeads(null, 4), []);
  assert.deepEqual(witnessedHeads({ getItem: () => "not json" }, 4), []);
  assert.deepEqual(witnessedHeads({ getItem: () => { throw new Error("forbidden"); } }, 4), []);
});
