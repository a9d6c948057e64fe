/* Sends a camera's picture to Amazon IVS by IVS' own broadcast SDK, which comes from its servers, at one version, and only
   here. Shows nothing; offers what the publisher of the relay offers: start, stop, view. Keeps no key. */

import { words } from "../strings.js";
import { library } from "./script.js";

const VERSION = "1.41.0";
const SCRIPT = `https://web-broadcast.live-video.net/${VERSION}/amazon-ivs-web-broadcast.js`;
const CAMERA = "camera";
const MICROPHONE = "microphone";
const ON = new Set(["connected", "completed"]);
const OVER = new Set(["failed", "closed"]);

export class IvsBroadcaster {
  #key;
  #csrf;
  #changed;
  #client = null;
  #stream = null;
  #turn = 0;
  #view = { state: "off", code: null, reason: "", kbps: null, health: null, viewers: null, limit: null };

  /** `key` is where to ask for an address with a key, `csrf` the page's token; `changed()` as of the publisher. */
  constructor({ key, csrf, changed }) {
    this.#key = key;
    this.#csrf = csrf;
    this.#changed = changed;
  }

  /** {state: off | connecting | on | refused, reason, and what the service alone knows: null}. */
  get view() {
    return this.#view;
  }

  /** Send this stream; what is sent already goes on with the new one. */
  start(stream) {
    this.#stream = stream;
    if (this.#view.state === "on" || this.#view.state === "connecting") {
      if (this.#client) this.#exchange();
      return;
    }
    this.#show({ state: "connecting", reason: "" });
    this.#begin((this.#turn += 1));
  }

  /** Send nothing any more. */
  stop() {
    this.#end({ state: "off", reason: "" });
  }

  async #begin(turn) {
    try {
      const ivs = await library(SCRIPT, "IVSBroadcastClient").catch(() => {
        throw new Refusal(words.serviceAway());
      });
      if (!ivs.isSupported()) throw new Refusal(words.cannotRecord());
      const { endpoint, key } = await this.#ask();
      if (turn !== this.#turn) return;
      await this.#send(ivs, endpoint, key, turn);
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#end({ state: "refused", reason: error instanceof Refusal ? error.message : words.serviceAway() });
    }
  }

  /** Ask the site for an address with a fresh key: the last one is worth nothing from then on. */
  async #ask() {
    const answer = await fetch(this.#key, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": this.#csrf },
      cache: "no-store",
    });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Refusal(told.detail ?? words.tryAgain());
    return told;
  }

  async #send(ivs, endpoint, key, turn) {
    const client = ivs.create({ streamConfig: ivs.STANDARD_LANDSCAPE, ingestEndpoint: endpoint });
    this.#client = client;
    client.on(ivs.BroadcastClientEvents.CONNECTION_STATE_CHANGE, (state) => {
      if (client !== this.#client) return;
      if (ON.has(state)) this.#show({ state: "on", reason: "" });
      else if (OVER.has(state)) this.#end({ state: "refused", reason: words.serviceAway() });
      // The SDK comes back by itself where the line broke.
      else this.#show({ state: "connecting" });
    });
    await this.#add();
    const error = await client.startBroadcast(key);
    if (error && turn === this.#turn) throw error;
  }

  async #add() {
    await this.#client.addVideoInputDevice(this.#stream, CAMERA, { index: 0 });
    if (this.#stream.getAudioTracks().length) await this.#client.addAudioInputDevice(this.#stream, MICROPHONE);
  }

  /** Another camera: the same broadcast carries its picture. */
  async #exchange() {
    const turn = this.#turn;
    try {
      this.#client.removeVideoInputDevice(CAMERA);
      if (this.#client.getAudioInputDevice(MICROPHONE)) this.#client.removeAudioInputDevice(MICROPHONE);
      await this.#add();
    } catch {
      if (turn === this.#turn) this.#end({ state: "refused", reason: words.serviceAway() });
    }
  }

  #end(view) {
    this.#turn += 1;
    const client = this.#client;
    this.#client = null;
    client?.stopBroadcast();
    client?.delete();
    this.#show(view);
  }

  #show(view) {
    this.#view = { ...this.#view, ...view };
    this.#changed();
  }
}

/** Why nothing is sent, in words for the host. */
class Refusal extends Error {}
