/* The room's screen: finds the player for a stream of any kind, and lets it run while there may be pictures.
   A player is loaded only where its kind of stream is shown. */

import { Captions, noteOf } from "./captions.js";

const PLAYERS = {
  hls: async () => (await import("./hls.js")).HlsPlayer,
  ivs: async () => (await import("./ivs.js")).IvsPlayer,
  relay: async () => (await import("./relay.js")).RelayPlayer,
};
/** States in which pictures may come: what is not known is tried. */
const MAY_COME = new Set(["live", "unknown"]);

export class Screen {
  #video;
  #now;
  #changed;
  #captions;
  #player = null;
  #of = null;
  #wanted = false;

  constructor({ video, now, changed }) {
    this.#video = video;
    this.#now = now;
    this.#changed = changed;
    this.#captions = new Captions(video);
  }

  /** {pictures, behindMs, problem} of the player, or of a dark screen. */
  get view() {
    return this.#player?.view ?? { pictures: false, behindMs: null, problem: null };
  }

  /** Show the stream that the room tells of. */
  follow({ kind, playback_url: url, state }) {
    const key = url ? `${kind} ${url}` : null;
    if (key !== this.#of) {
      this.#of = key;
      this.#player?.stop();
      this.#player = null;
      if (key !== null && kind in PLAYERS) this.#load(kind, url, key);
    }
    this.#wanted = MAY_COME.has(state);
    if (this.#wanted) this.#player?.start();
    // Who is off the air says so on the open socket too, and may be back in a second.
    else if (state === "ended" || state === "none") this.#player?.stop();
  }

  /** Hear what happens in the room: a player that knows when its picture was captured tells it on that. */
  hear(message) {
    const note = noteOf(message);
    if (note) this.#captions.expect(note);
  }

  /** Let the sound be heard, or not. It needs somebody's touch first. */
  sound(on) {
    this.#video.muted = !on;
  }

  async #load(kind, url, key) {
    const Player = await PLAYERS[kind]();
    if (key !== this.#of) return;
    this.#player = new Player({ url, video: this.#video, now: this.#now, captions: this.#captions, changed: this.#changed });
    if (this.#wanted) this.#player.start();
  }
}
