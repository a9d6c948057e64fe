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
/** One still a second comes; one that is so old is no live one. */
const STALE_MS = 6_000;
/** A player that failed may have met one odd frame; not again and again. */
const FAILURES = 3;
const FINAL = new Set([Close.SIGNED_OUT, Close.FORBIDDEN, Close.NOT_FOUND]);
const CROWDED_MS = 30_000;

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
  /** Where the browser cannot play what is sent: its stills, and when the last one was seen. */
  #stills = null;
  #stillAt = 0;
  #delay = new Delay();
  #watch = null;
  #view = { pictures: false, behindMs: null, problem: null };
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

  /** {pictures: they move now, behindMs: measured, or null, problem: null, "unplayable", or "stills" where those are shown}. */
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
    const socket = new WebSocket(this.#stills ? `${this.#url}?stills=1` : this.#url);
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
      this.#drop();
      return;
    }
    if (head.mime) this.#open(head.mime, bytes);
    else if (head.still) this.#showStill(bytes, head.captured_ms);
    else this.#feed?.push(bytes, head.at_ms !== undefined);
    if (head.at_ms !== undefined) this.#delay.mark(head.at_ms, head.captured_ms);
  }

  #open(mime, bytes) {
    this.#drop();
    const way = wayOf(mime, { Source, playsHls: playsHls(this.#video) });
    const isMissed = way === "none";
    if (isMissed) this.#show({ pictures: false, behindMs: null, problem: "unplayable" });
    if (isMissed !== (this.#stills !== null)) {
      this.#stills = isMissed ? new Stills(this.#video) : null;
      this.#askAnew();
      return;
    }
    if (way === "hls") this.#playAsFiles();
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

  /** Ask for stills, or for video again: that is what another socket brings. */
  #askAnew() {
    const before = this.#socket;
    this.#connect();
    before.close();
  }

  #showStill(bytes, capturedMs) {
    this.#stills?.show(bytes, () => {
      this.#stillAt = performance.now();
      this.#captions.reached(capturedMs);
      this.#show({ pictures: false, behindMs: null, problem: "stills" });
    });
  }

  #failed() {
    this.#failures += 1;
    this.#drop();
    if (this.#failures > FAILURES) {
      this.stop();
      this.#barred = true;
      this.#show({ pictures: false, behindMs: null, problem: "unplayable" });
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
    this.#stills?.clear();
    this.#delay.clear();
    this.#captions.clear();
    this.#show({ pictures: false, behindMs: null, problem: null });
  }

  #look() {
    const [video, feed] = [this.#video, this.#feed];
    const now = performance.now();
    if (this.#view.problem === "stills" && now - this.#stillAt > STALE_MS) {
      this.#stills.clear();
      this.#show({ pictures: false, behindMs: null, problem: "unplayable" });
    }
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
    this.#show({ pictures, behindMs, problem: null });
  }

  #show(view) {
    const before = this.#view;
    if (before.pictures === view.pictures && before.behindMs === view.behindMs && before.problem === view.problem) return;
    this.#view = view;
    this.#changed();
  }
}
