/* Plays a stream of Amazon IVS by IVS' own player, which comes from its servers, at one version, and only here.
   Hands on the notes in the pictures, and knows nothing of the auction. It offers what every player offers: start, stop, view. */

import { library } from "./script.js";

const VERSION = "1.56.1";
const SCRIPT = `https://player.live-video.net/${VERSION}/amazon-ivs-player.min.js`;
const RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 30_000;
const MEASURE_MS = 1_000;

/** Load IVS' player. */
export function ivsPlayer() {
  return library(SCRIPT, "IVSPlayer");
}

/** Return the address to play; in a private show each viewer asks for one of their own, and it is soon over. */
async function address(url) {
  if (!url.startsWith("/")) return url;
  const answer = await fetch(url, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return (await answer.json()).url;
}

export class IvsPlayer {
  #url;
  #video;
  #changed;
  #captions;
  #player = null;
  #view = { pictures: false, behindMs: null, problem: null };
  #running = false;
  #failures = 0;
  #retry = null;
  #measure = null;

  /** `changed()` is called when `view` is another one. */
  constructor({ url, video, captions, changed }) {
    this.#url = url;
    this.#video = video;
    this.#captions = captions;
    this.#changed = changed;
  }

  /** {pictures: they move now, behindMs: measured, or null, problem: null or "unplayable"}. */
  get view() {
    return this.#view;
  }

  /** Play, and come back by itself. Harmless where it runs. */
  start() {
    if (this.#running || this.#view.problem) return;
    this.#running = true;
    this.#failures = 0;
    this.#open();
  }

  /** Let the player go. Harmless where nothing runs. */
  stop() {
    this.#running = false;
    clearTimeout(this.#retry);
    this.#playing(false);
    this.#player?.delete();
    this.#player = null;
    this.#captions.clear();
  }

  async #open() {
    try {
      const [ivs, playing] = await Promise.all([ivsPlayer(), address(this.#url)]);
      if (!this.#running) return;
      if (!ivs.isPlayerSupported) {
        this.#see({ problem: "unplayable" });
        return;
      }
      this.#player ??= this.#create(ivs);
      this.#player.load(playing);
      this.#player.play();
    } catch {
      this.#again();
    }
  }

  #create(ivs) {
    const { PlayerState, PlayerEventType } = ivs;
    const player = ivs.create();
    player.attachHTMLVideoElement(this.#video);
    player.addEventListener(PlayerState.PLAYING, () => this.#playing(true));
    player.addEventListener(PlayerState.ENDED, () => this.#again());
    player.addEventListener(PlayerEventType.ERROR, () => this.#again());
    player.addEventListener(PlayerEventType.TEXT_METADATA_CUE, (cue) => this.#captions.show(read(cue.text)));
    return player;
  }

  #playing(is) {
    clearInterval(this.#measure);
    if (is) {
      this.#failures = 0;
      this.#measure = setInterval(() => this.#look(), MEASURE_MS);
      this.#look();
    } else {
      this.#see({ pictures: false, behindMs: null });
    }
  }

  #look() {
    const seconds = this.#player.getLiveLatency();
    this.#see({ pictures: true, behindMs: seconds > 0 ? Math.round(seconds * 1_000) : null });
  }

  #see(changes) {
    const before = this.#view;
    this.#view = { ...before, ...changes };
    if (Object.keys(changes).some((name) => changes[name] !== before[name])) this.#changed();
  }

  /** Try again later, with an address that is fresh. */
  #again() {
    this.#playing(false);
    clearTimeout(this.#retry);
    if (!this.#running) return;
    const longest = Math.min(LONGEST_RETRY_MS, RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#retry = setTimeout(() => this.#open(), longest * (0.5 + Math.random() / 2));
  }
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
