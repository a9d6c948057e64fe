/* Plays what a video service recorded as HLS: by the browser itself where it can, else by the player of IVS.
   Its parts are separate films; here they are one line of time. It offers what every recording offers: time, seek, close. */

import { ivsPlayer } from "./ivs.js";
import { partAt } from "./line.js";

const TYPE = "application/vnd.apple.mpegurl";

export class HlsRecording {
  #video;
  #parts;
  #failed;
  #index = null;
  #player = null;
  #pending = null;
  #closed = false;

  /** `failed(why)` is called once: "unplayable" by this browser, or "away" where it cannot be loaded. */
  constructor({ video, parts, failed }) {
    this.#video = video;
    this.#parts = parts;
    this.#failed = failed;
    video.addEventListener("loadedmetadata", this.#opened);
    video.addEventListener("ended", this.#over);
    video.addEventListener("error", this.#broken);
    this.#load(0);
  }

  /** The second on the line of all parts that is shown. */
  get time() {
    const part = this.#parts[this.#index ?? 0];
    return part.begins_s + (this.#pending ?? this.#video.currentTime);
  }

  /** Show another second. */
  seek(second) {
    const index = partAt(this.#parts, second);
    const within = second - this.#parts[index].begins_s;
    if (index !== this.#index) this.#load(index, within);
    else if (this.#video.readyState < HTMLMediaElement.HAVE_METADATA) this.#pending = within;
    else this.#go(within);
  }

  /** Let the element go. */
  close() {
    this.#closed = true;
    this.#video.removeEventListener("loadedmetadata", this.#opened);
    this.#video.removeEventListener("ended", this.#over);
    this.#video.removeEventListener("error", this.#broken);
    this.#player?.delete();
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  async #load(index, within = 0) {
    [this.#index, this.#pending] = [index, within];
    const address = new URL(this.#parts[index].url, location.href).href;
    if (this.#video.canPlayType(TYPE)) {
      this.#video.src = address;
      return;
    }
    try {
      const ivs = await ivsPlayer();
      if (this.#closed || this.#index !== index) return;
      if (!ivs.isPlayerSupported) throw new Error("no support");
      if (this.#player === null) {
        this.#player = ivs.create();
        this.#player.attachHTMLVideoElement(this.#video);
        this.#player.addEventListener(ivs.PlayerEventType.ERROR, this.#broken);
        this.#player.addEventListener(ivs.PlayerState.ENDED, this.#over);
      }
      this.#player.load(address);
    } catch {
      this.#fail("unplayable");
    }
  }

  #go(within) {
    if (this.#player) this.#player.seekTo(within);
    else this.#video.currentTime = within;
  }

  #opened = () => {
    const within = this.#pending;
    this.#pending = null;
    if (within) this.#go(within);
  };

  #over = () => {
    if (this.#index + 1 === this.#parts.length) return;
    this.#load(this.#index + 1);
    this.#video.play().catch(() => {});
  };

  #broken = () => this.#fail("away");

  #fail(why) {
    if (this.#closed) return;
    this.close();
    this.#failed(why);
  }
}
