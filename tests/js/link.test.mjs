import assert from "node:assert/strict";
import { test } from "node:test";

const listeners = {};
const sent = [];

class Wire {
  readyState = 1;

  send(text) {
    sent.push(JSON.parse(text).type);
  }
}

Object.assign(globalThis, {
  WebSocket: Wire,
  location: { protocol: "https:", host: "here" },
  document: { visibilityState: "visible", addEventListener() {} },
  addEventListener: (name, run) => { listeners[name] = run; },
  setInterval: () => 1,
});
const { RoomLink } = await import("../../static/js/room/link.js");

test("a page asks for the server as soon as the browser says that the network is gone", () => {
  new RoomLink("/ws/auctions/4/", {}).start();
  assert.deepEqual(sent, []);
  listeners.offline();
  assert.deepEqual(sent, ["PING"]);
});
