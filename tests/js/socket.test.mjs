import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { RoomSocket, backoff } from "../../static/js/room/socket.js";

class Wire {
  static made = [];

  constructor(url) {
    this.url = url;
    this.readyState = 0;
    this.sent = [];
    Wire.made.push(this);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
  }

  opens() {
    this.readyState = 1;
    this.onopen();
  }

  hears(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }

  dies(code = 1006) {
    this.readyState = 3;
    this.onclose({ code });
  }
}

let heard;
let timers;
let now;
let wall;
let watch;

function connect(position = () => null, url = "ws://here/ws/auctions/4/") {
  const socket = new RoomSocket(url, {
    message: (message) => heard.push(message),
    open: () => heard.push("open"),
    lost: () => heard.push("lost"),
    final: (why) => heard.push(why),
    position,
  }, {
    WebSocket: Wire,
    setTimeout: (run, ms) => timers.push({ run, ms }),
    clearTimeout: (id) => { timers[id - 1] = null; },
    setInterval: (run) => { watch = run; return 1; },
    now: () => now,
    wall: () => wall,
    random: () => 1,
  });
  socket.start();
  return socket;
}

beforeEach(() => {
  Wire.made = [];
  heard = [];
  timers = [];
  now = 0;
  wall = 1_795_300_000_000;
});

test("a frame is one object or an array of objects", () => {
  connect();
  Wire.made[0].opens();
  Wire.made[0].hears({ type: "A" });
  Wire.made[0].hears([{ type: "B" }, { type: "C" }]);
  assert.deepEqual(heard, ["open", { type: "A" }, { type: "B" }, { type: "C" }]);
});

test("a key in the address stays in it when the version comes too", () => {
  connect(() => ({ since: 17, epoch: "3f9c" }), "ws://here/ws/auctions/4/bid/?board=abc");
  assert.equal(Wire.made[0].url, "ws://here/ws/auctions/4/bid/?board=abc&since=17&epoch=3f9c");
});

test("a lost connection comes back, with the version it had, ever more slowly", () => {
  connect(() => ({ since: 17, epoch: "3f9c" }));
  Wire.made[0].opens();
  Wire.made[0].dies();
  assert.equal(timers[0].ms, 250);
  timers[0].run();
  assert.equal(Wire.made[1].url, "ws://here/ws/auctions/4/?since=17&epoch=3f9c");
  Wire.made[1].dies();
  assert.equal(timers[1].ms, 500);
  assert.deepEqual(heard, ["open", "lost", "lost"]);
});

test("a message resets the wait", () => {
  connect();
  for (const _round of [1, 2, 3]) {
    Wire.made.at(-1).dies();
    timers.at(-1).run();
  }
  Wire.made.at(-1).opens();
  Wire.made.at(-1).hears({ type: "STATE" });
  Wire.made.at(-1).dies();
  assert.equal(timers.at(-1).ms, 250);
});

test("some closings are final", () => {
  for (const [code, why] of [[4401, "signed_out"], [4403, "forbidden"], [4404, "not_found"], [4429, "too_many"]]) {
    heard = [];
    timers = [];
    connect();
    Wire.made.at(-1).dies(code);
    assert.deepEqual(heard, ["lost", why]);
    assert.equal(timers.length, 0);
  }
});

test("too slow comes back at once", () => {
  connect();
  Wire.made[0].opens();
  Wire.made[0].dies(4408);
  assert.equal(timers.length, 1);
});

test("a silent connection is asked, and then let go", () => {
  connect();
  Wire.made[0].opens();
  now = 8_500;
  watch();
  assert.equal(Wire.made[0].sent[0].type, "PING");
  now = 14_000;
  watch();
  assert.deepEqual(heard, ["open", "lost"]);
  assert.equal(timers.length, 1);
});

test("what a dropped connection still says is not heard", () => {
  connect();
  const old = Wire.made[0];
  old.opens();
  old.dies();
  timers[0].run();
  old.onmessage?.({ data: '{"type":"A"}' });
  assert.deepEqual(heard, ["open", "lost"]);
});

test("where the network is said to be gone the server is asked at once, and not given up before", () => {
  const socket = connect();
  Wire.made[0].opens();
  socket.doubt();
  assert.equal(Wire.made[0].sent[0].type, "PING");
  now += 4_000;
  watch();
  assert.deepEqual(heard, ["open"]);
  now += 1_500;
  watch();
  assert.deepEqual(heard, ["open", "lost"]);
  socket.doubt();
  assert.equal(Wire.made.length, 1);
});

test("when the network is back nobody waits", () => {
  const socket = connect();
  Wire.made[0].dies();
  socket.hurry();
  assert.equal(Wire.made.length, 2);
  assert.equal(timers[0], null);
});

test("after a sleep the server is asked at once, whichever clock went on meanwhile", () => {
  for (const sleep of [() => { now += 60_000; }, () => { wall += 60_000; }]) {
    Wire.made = [];
    connect();
    Wire.made[0].opens();
    watch();
    now += 1_000;
    wall += 1_000;
    watch();
    assert.deepEqual(Wire.made[0].sent, []);
    sleep();
    watch();
    assert.deepEqual(Wire.made[0].sent, [{ type: "PING", t: now }]);
    Wire.made[0].hears({ type: "PONG" });
    now += 4_000;
    wall += 4_000;
    watch();
    assert.equal(Wire.made[0].readyState, 1);
    assert.equal(Wire.made[0].sent.length, 1);
  }
});

test("a connection that did not outlive the sleep is let go", () => {
  connect();
  Wire.made[0].opens();
  watch();
  wall += 3_600_000;
  watch();
  now += 5_500;
  watch();
  assert.deepEqual(heard, ["open", "lost"]);
  assert.equal(timers.length, 1);
});

test("in a background tab, where the watch comes once a minute, a talking server is not let go", () => {
  connect();
  Wire.made[0].opens();
  watch();
  for (let minute = 0; minute < 10; minute += 1) {
    for (let beat = 0; beat < 12; beat += 1) {
      now += 5_000;
      wall += 5_000;
      Wire.made[0].hears({ type: "TIMER" });
    }
    watch();
    now += 20;
    Wire.made[0].hears({ type: "PONG" });
  }
  assert.equal(heard.includes("lost"), false);
  assert.equal(Wire.made[0].sent.length, 10);
  for (let minute = 0; minute < 2; minute += 1) {
    now += 60_000;
    wall += 60_000;
    watch();
  }
  assert.equal(heard.includes("lost"), true, "but one that fell silent is");
});

test("after a sleep nobody waits out the pause before the next attempt", () => {
  connect();
  watch();
  Wire.made[0].dies();
  wall += 60_000;
  watch();
  assert.equal(Wire.made.length, 2);
});

test("nothing is sent without a connection", () => {
  const socket = connect();
  assert.equal(socket.send({ type: "PING" }), false);
  Wire.made[0].opens();
  assert.equal(socket.send({ type: "PING", t: 1 }), true);
});

test("the wait has jitter and an end", () => {
  assert.equal(backoff(0, () => 0), 125);
  assert.equal(backoff(30, () => 1), 10_000);
});
