/* Plays what the site itself relays: one socket, a MediaSource, and a short way behind. Comes back by itself.
   Knows nothing of the auction. Whoever plays another kind of stream offers the same: start, stop, view. */

import { backoff } from "../room/socket.js";
import { Close } from "../room/messages.js";
import { Feed, Source } from "./feed.js";
import { HlsPlayer, playsHls } from "./hls.js";
import { Delay, pace } from "./pace.js";
import { Stills } from "./stills.js";
import { wayOf } from "./way.js";

const LOOK_MS = 250;
const SAMPLE_MS = 1_000;
/** A picture that stands still for so long is no live picture. */
const FROZEN_MS = 3_000;
/** A player that failed may have met one odd frame; not again and again. */
const FAILURES = 3;
const FINAL = new Set([Close.SIGNED_OUT, Close.FORBIDDEN, Close.NOT_FOUND]);
const CROWDED_MS = 30_000;
/** Where no still came for so long, another look at the video says whether it can be played now. */
const NO_STILL_MS = 30_000;

export class RelayPlayer {
  #url;
  #video;
  #now;
  #captions;
  #changed;
  #socket = null;
  #retry = null;
  #attempt = 0;
  #feed = null;
  #hls = null;
  #asStills = false;
  #stills = null;
  #delay = new Delay();
  #watch = null;
  #view = { pictures: false, behindMs: null, problem: null, stills: false };
  #failures = 0;
  #movedAt = 0;
  #playedTo = 0;
  #sampledAt = 0;
  #running = false;
  #barred = false;

  /** `now()` is the server's time in ms or null; `changed()` is called when `view` is another one. */
  constructor({ url, video, now, captions, changed }) {
    this.#url = new URL(url, location.href.replace(/^http/, "ws")).href;
    this.#video = video;
    this.#now = now;
    this.#captions = captions;
    this.#changed = changed;
  }

  /** {pictures: they move now, behindMs: measured, or null, problem: null or "unplayable", stills: one a second}. */
  get view() {
    return this.#hls?.view ?? this.#view;
  }

  /** Connect, and keep connected. Harmless where it runs. */
  start() {
    if (this.#running || this.#barred) return;
    this.#running = true;
    this.#attempt = 0;
    this.#connect();
    this.#watch = setInterval(() => this.#look(), LOOK_MS);
  }

  /** Let socket and picture go. Harmless where nothing runs. */
  stop() {
    this.#running = false;
    clearInterval(this.#watch);
    clearTimeout(this.#retry);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#drop();
  }

  #connect() {
    const socket = new WebSocket(this.#asStills ? `${this.#url}?as=stills` : this.#url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket) this.#take(data);
    };
    socket.onclose = ({ code }) => {
      if (socket !== this.#socket) return;
      this.#socket = null;
      if (FINAL.has(code) || code === Close.OVER) {
        this.#barred = FINAL.has(code);
        this.stop();
        return;
      }
      // What is buffered plays on meanwhile.
      this.#retry = setTimeout(() => this.#connect(), code === Close.TOO_MANY ? CROWDED_MS : backoff(this.#attempt));
      this.#attempt += 1;
    };
  }

  #take(data) {
    this.#attempt = 0;
    const size = new DataView(data).getUint16(0);
    const head = size ? JSON.parse(new TextDecoder().decode(new Uint8Array(data, 2, size))) : {};
    const bytes = new Uint8Array(data, 2 + size);
    if (head.over) {
      // Before the first still nothing is over.
      if (this.#asStills && this.#stills === null) return;
      this.#drop();
      // Whoever sends next may send what this browser plays.
      if (this.#asStills) this.#restart(false);
      return;
    }
    if (this.#asStills) {
      if (head.mime) this.#openStills();
      else this.#stills?.take(head, bytes);
      return;
    }
    if (head.mime) this.#open(head.mime, bytes);
    else this.#feed?.push(bytes, head.at_ms !== undefined);
    if (head.at_ms !== undefined) this.#delay.mark(head.at_ms, head.captured_ms);
  }

  #open(mime, bytes) {
    this.#drop();
    const way = wayOf(mime, { Source, playsHls: playsHls(this.#video) });
    if (way === "hls") this.#playAsFiles();
    if (way === "none") this.#restart(true);
    if (way !== "source") return;
    this.#feed = new Feed(this.#video, mime, () => this.#failed());
    this.#feed.push(bytes);
    this.#movedAt = performance.now();
    this.#playedTo = 0;
  }

  /** Let the browser read the same stream as HLS; the socket stays, and says when it is over. */
  #playAsFiles() {
    const url = new URL(this.#url.replace(/^ws/, "http").replace("/ws/streams/", "/streams/") + "live.m3u8").href;
    this.#hls = new HlsPlayer({ url, video: this.#video, now: this.#now, captions: this.#captions, changed: this.#changed });
    this.#hls.start();
  }

  /** Ask the relay for the video, or for stills with sound where this browser cannot play it. */
  #restart(asStills) {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#asStills = asStills;
    this.#movedAt = performance.now();
    if (asStills) this.#show({ pictures: false, behindMs: null, problem: "unplayable", stills: false });
    this.#connect();
  }

  #openStills() {
    this.#stills?.close();
    this.#movedAt = performance.now();
    this.#stills = new Stills({ video: this.#video, shown: (capturedMs) => this.#shown(capturedMs) });
  }

  #shown(capturedMs) {
    this.#movedAt = performance.now();
    this.#captions.reached(capturedMs);
    const now = this.#now();
    this.#show({ pictures: true, behindMs: now === null ? null : Math.max(0, now - capturedMs), problem: null, stills: true });
  }

  #failed() {
    this.#failures += 1;
    this.#drop();
    if (this.#failures > FAILURES) {
      this.#restart(true);
      return;
    }
    // A fresh socket begins with an opening and a whole picture.
    this.#socket?.close();
  }

  #drop() {
    this.#feed?.close();
    this.#feed = null;
    this.#hls?.stop();
    this.#hls = null;
    this.#stills?.close();
    this.#stills = null;
    this.#delay.clear();
    this.#captions.clear();
    this.#show({ pictures: false, behindMs: null, problem: null, stills: false });
  }

  #look() {
    const [video, feed] = [this.#video, this.#feed];
    const now = performance.now();
    if (this.#asStills) this.#lookAtStills(now - this.#movedAt);
    if (feed === null) return;
    const { rate, seekTo } = pace(video.currentTime, feed.ranges);
    if (seekTo !== null) video.currentTime = seekTo;
    if (video.playbackRate !== rate) video.playbackRate = rate;
    // Refused where somebody saves power; a touch allows it, and we try again anyway.
    if (video.paused && feed.ranges.length) video.play().catch(() => {});
    if (video.currentTime !== this.#playedTo && video.readyState >= 2 && !video.paused) {
      this.#playedTo = video.currentTime;
      this.#movedAt = now;
      this.#failures = 0;
    }
    const pictures = this.#playedTo > 0 && now - this.#movedAt < FROZEN_MS;
    if (pictures) this.#captions.reached(this.#delay.captured(video.currentTime * 1_000));
    let { behindMs } = this.#view;
    if (!pictures) behindMs = null;
    else if (now - this.#sampledAt > SAMPLE_MS) {
      this.#sampledAt = now;
      behindMs = this.#delay.sample(video.currentTime * 1_000, this.#now());
    }
    this.#show({ pictures, behindMs, problem: null, stills: false });
  }

  #lookAtStills(silentMs) {
    if (this.#view.pictures && silentMs > FROZEN_MS) {
      this.#show({ pictures: false, behindMs: null, problem: "unplayable", stills: false });
    }
    if (silentMs > NO_STILL_MS) {
      this.#drop();
      this.#restart(false);
    }
  }

  #show(view) {
    const before = this.#view;
    if (Object.keys(view).every((name) => before[name] === view[name])) return;
    this.#view = view;
    this.#changed();
  }
}
