/* The stage: the live picture, the lot's where the camera is off, the verdict that lands on it, the banner above it. */

import { words } from "../strings.js";
import { saidSeconds } from "../video/pace.js";
import { Screen } from "../video/screen.js";
import { icon, make, makeIcon, setText } from "./draw.js";
import { Verdict } from "./verdict.js";

export class Stage {
  #frame;
  #video;
  #screen;
  #note;
  #verdict;
  #shown = null;
  #ahead = null;

  /** `now()` is the server's time in ms or null; `changed()` asks to be drawn again. */
  constructor({ frame, video, note, verdict, money, now, changed }) {
    this.#frame = frame;
    // What the page came with stays: nothing is loaded or drawn a second time.
    this.#shown = frame.dataset.shown ?? null;
    this.#video = video;
    this.#screen = new Screen({ video, now, changed });
    this.#note = note;
    this.#verdict = new Verdict({ box: verdict, money });
  }

  /** Let the picture's sound be heard, or not. */
  sound(on) {
    this.#screen.sound(on);
  }

  /** Hear a message of the room, for what belongs to a moment of the picture. */
  hear(message) {
    this.#screen.hear(message);
  }

  /** Show the state of the room. */
  draw(state) {
    const { lot } = state;
    const key = lot ? `${lot.id}/${lot.image_url}` : this.#shown;
    if (lot && key !== this.#shown) {
      this.#shown = key;
      this.#frame.replaceChildren(...this.#picture(lot));
    }
    if (state.next?.image_url) this.#prepare(state.next);
    if (state.auction) this.#screen.follow(state.auction.stream);
    this.#tell(state);
    this.#verdict.draw(state);
  }

  /** Say how far the picture is behind, or why there is none. What is not known is not said. */
  #tell(state) {
    const { pictures, behindMs, problem, stills } = this.#screen.view;
    this.#video.classList.toggle("is-on", pictures && !stills);
    const [name, text] = pictures ? this.#behind(behindMs, stills) : this.#dark(state, problem);
    this.#note.hidden = text === null;
    if (text === null) return;
    icon(this.#note, name);
    setText(this.#note.querySelector("span"), text);
  }

  #behind(behindMs, stills) {
    if (stills) return ["camera-off", words.stills()];
    return ["clock", behindMs === null ? null : words.videoBehind(saidSeconds(behindMs))];
  }

  #dark({ auction, interval, lot }, problem) {
    if (problem) return ["camera-off", words.cannotPlay()];
    const stream = auction?.stream.state ?? "unknown";
    if (stream === "live") return ["camera-off", words.pictureComes()];
    if (stream === "unknown") return ["camera-off", null];
    const open = lot?.status === "open";
    if (interval && !open) return ["camera-off", words.interval()];
    return ["camera-off", open ? words.cameraOffOpen() : words.cameraOff()];
  }

  // The next lot's picture is fetched while the last result still stands, so that it is there when the lot opens.
  #prepare({ lot: id, title, image_url: url }) {
    if (url !== this.#ahead?.url) this.#ahead = { url, nodes: image(id, title, url) };
  }

  #picture(lot) {
    if (!lot.image_url) {
      const number = make("span", "chalk", lot.number);
      number.setAttribute("aria-hidden", "true");
      return [number];
    }
    if (this.#ahead?.url !== lot.image_url) return image(lot.id, lot.title, lot.image_url);
    const { nodes } = this.#ahead;
    this.#ahead = null;
    return nodes;
  }
}

/** Return a lot's picture in the size that fits, as the page has it ready, or as it is where the page has another one. */
function image(id, title, url) {
  const ready = document.querySelector(`template[data-shot="${id}"]`);
  if (ready?.dataset.url === url) return [...document.importNode(ready.content, true).childNodes];
  return [Object.assign(make("img"), { src: url, alt: title })];
}

/** One sentence above the stage: the connection is gone, or what was missed. */
export class Banner {
  #box;
  #hide = null;

  constructor(box) {
    this.#box = box;
  }

  /** Say that something is wrong, until it is not; `link` is {href, text} or null. */
  trouble(text, link = null) {
    this.#show("banner", "offline", text, link);
  }

  /** Say what was missed, for a while. */
  tell(text, ms = 9_000) {
    this.#show("banner back", "check", text, null);
    this.#hide = setTimeout(() => this.clear(), ms);
  }

  /** Say something that stays; `link` as above. */
  stay(text, link) {
    this.#show("banner back", "check", text, link);
  }

  clear() {
    clearTimeout(this.#hide);
    this.#box.hidden = true;
  }

  #show(className, iconName, text, link) {
    clearTimeout(this.#hide);
    this.#box.className = className;
    const sentence = make("p", "", text);
    if (link) {
      const anchor = make("a", "", link.text);
      anchor.href = link.href;
      sentence.append(" ", anchor);
    }
    this.#box.replaceChildren(makeIcon(iconName), sentence);
    this.#box.hidden = false;
    icon(this.#box, iconName);
  }
}
