/* Sends a camera's picture to the relay: MediaRecorder to one socket, which comes back by itself.
   Owns the recording and its bit rate; shows nothing. */

import { ServerClock } from "../room/clock.js";
import { Close } from "../room/messages.js";
import { backoff } from "../room/socket.js";
import { LADDER_KBPS, Ladder, SOUND_KBPS, Step } from "./ladder.js";
import { StillCamera } from "./stillcamera.js";

const SLICE_MS = 100;
const PINGS = 5;
const PING_EVERY_MS = 10_000;
/** While more bytes than this wait for the line, nothing goes beside the video. */
const MOST_BESIDE = 64 * 1024;
/** After our own line broke, the site may still hold the channel for the connection that is gone. */
const OWN_SHADOW_MS = 12_000;
const FINAL = new Set([Close.SIGNED_OUT, Close.FORBIDDEN, Close.NOT_FOUND, Close.OVER]);

/** The least delay first; what plays everywhere second. An iPhone records the second alone. */
const FORMATS = [
  ["fast", ["video/webm;codecs=vp8,opus"]],
  ["everywhere", ["video/mp4;codecs=avc1.42E01F,mp4a.40.2", "video/mp4;codecs=avc1.42E01F,opus", "video/mp4"]],
];

/** Return what this browser can record, as [name, media type]. */
export function formats(isSupported = (mime) => globalThis.MediaRecorder?.isTypeSupported(mime) ?? false) {
  return FORMATS.map(([name, mimes]) => [name, mimes.find(isSupported)]).filter(([, mime]) => mime);
}

export class Publisher {
  #url;
  #changed;
  #stream = null;
  #mime = null;
  #clock = new ServerClock();
  #stills;
  #socket = null;
  #recorder = null;
  #retry = null;
  #pinging = null;
  #attempt = 0;
  #ladder = new Ladder();
  #wanted = false;
  #sentAt = -Infinity;
  #view = { state: "off", code: null, reason: "", kbps: 0, health: null, viewers: null, limit: LADDER_KBPS[0] };

  /** `tap` is the address of tap.js; `changed()` is called when `view` is another one. */
  constructor({ url, tap, changed }) {
    this.#url = url;
    this.#changed = changed;
    this.#stills = new StillCamera({ tap, now: () => this.#clock.now(), sent: (message) => this.#beside(message) });
  }

  /** {state: off | connecting | on | refused, code, reason, kbps, health, viewers, limit}. */
  get view() {
    return this.#view;
  }

  /** Send this stream; what is sent already goes on with the new one. */
  start(stream, mime) {
    this.#stream = stream;
    this.#mime = mime;
    if (this.#wanted) {
      // Another camera: the same socket carries another recording.
      if (this.#recorder) this.#record();
      return;
    }
    this.#wanted = true;
    this.#ladder = new Ladder();
    this.#attempt = 0;
    this.#connect();
  }

  /** Send nothing any more. */
  stop() {
    this.#end({ state: "off", code: null, reason: "" });
  }

  #connect() {
    this.#show({ state: "connecting", code: null, reason: "" });
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({ type: "PUBLISH" }));
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket) this.#hear(JSON.parse(data));
    };
    socket.onclose = ({ code, reason }) => {
      if (socket === this.#socket) this.#closed(code, reason);
    };
  }

  #hear(message) {
    if (message.type === "READY") {
      this.#attempt = 0;
      for (let count = 0; count < PINGS; count += 1) this.#ping();
    } else if (message.type === "PONG") {
      this.#clock.sample(message.t, performance.now(), message.server_time_ms);
      if (!this.#recorder) this.#record();
    } else if (message.type === "STATUS") {
      this.#show({ state: "on", kbps: message.kbps, health: message.health, viewers: message.viewers });
      this.#stills.follow(message.stills && this.#recorder ? this.#stream : null);
    }
  }

  /** Send what goes beside the video, where the line is free for it. */
  #beside(message) {
    const socket = this.#socket;
    if (socket?.readyState === 1 && socket.bufferedAmount < MOST_BESIDE) socket.send(JSON.stringify(message));
  }

  #ping() {
    this.#socket.send(JSON.stringify({ type: "PING", t: performance.now() }));
    clearTimeout(this.#pinging);
    this.#pinging = setTimeout(() => this.#socket?.readyState === 1 && this.#ping(), PING_EVERY_MS);
  }

  #record() {
    this.#halt();
    const [socket, { limit }] = [this.#socket, this.#ladder];
    this.#ladder.begin(performance.now());
    const recorder = new MediaRecorder(this.#stream, {
      mimeType: this.#mime,
      videoBitsPerSecond: limit * 1_000,
      audioBitsPerSecond: SOUND_KBPS * 1_000,
      videoKeyFrameIntervalDuration: 1_000,
    });
    this.#recorder = recorder;
    recorder.onstart = () => {
      if (recorder === this.#recorder) socket.send(JSON.stringify({ type: "BEGAN", at_ms: this.#clock.now() }));
    };
    recorder.ondataavailable = ({ data }) => {
      if (recorder !== this.#recorder || socket.readyState !== 1) return;
      if (data.size) socket.send(data);
      this.#sentAt = performance.now();
      const step = this.#ladder.look(socket.bufferedAmount, this.#sentAt);
      if (step === Step.DOWN) this.#reconnect();
      else if (step === Step.UP) this.#record();
    };
    recorder.onerror = () => {
      if (recorder === this.#recorder) this.#end({ state: "refused", code: null, reason: "recorder" });
    };
    recorder.start(SLICE_MS);
    this.#show({ state: "on", limit });
  }

  /** Go on with a fresh socket: what waits for the line is old already and goes with this one. */
  #reconnect() {
    const socket = this.#socket;
    this.#closed(1000, "");
    socket.close();
  }

  #closed(code, reason) {
    this.#halt();
    this.#socket = null;
    clearTimeout(this.#pinging);
    const isOurs = code === Close.TAKEN && performance.now() - this.#sentAt < OWN_SHADOW_MS;
    if (FINAL.has(code) || (code === Close.TAKEN && !isOurs)) {
      this.#end({ state: "refused", code, reason });
      return;
    }
    this.#show({ state: "connecting", kbps: 0, health: null });
    this.#retry = setTimeout(() => this.#connect(), backoff(this.#attempt));
    this.#attempt += 1;
  }

  #end(view) {
    this.#wanted = false;
    this.#halt();
    clearTimeout(this.#retry);
    clearTimeout(this.#pinging);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#show({ kbps: 0, health: null, viewers: null, ...view });
  }

  #halt() {
    this.#stills.follow(null);
    const recorder = this.#recorder;
    this.#recorder = null;
    if (recorder && recorder.state !== "inactive") recorder.stop();
  }

  #show(view) {
    this.#view = { ...this.#view, ...view };
    this.#changed();
  }
}
