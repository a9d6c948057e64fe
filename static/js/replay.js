/* The replay of a show: the picture, the chapters that one jumps to, and the price beside the picture as it was then. */

import { Money } from "./money.js";
import { setText } from "./room/draw.js";
import { words } from "./strings.js";
import { HlsRecording } from "./video/hlsrecording.js";
import { Recording } from "./video/recording.js";
import { Board } from "./replayboard.js";

const LOOK_MS = 200;

const { parts, chapters, currency } = JSON.parse(document.getElementById("replay-config").textContent);
const video = document.querySelector('[data-replay="video"]');
const stage = video.closest(".replay");
const note = document.querySelector('[data-replay="note"]');
const entries = new Map(Array.from(document.querySelectorAll("[data-chapter]"), (link) => [Number(link.dataset.chapter), link]));

const board = new Board(document.querySelector('[data-replay="board"]'), new Money(currency));
const isFile = parts.every(({ kind }) => kind === "file");
const Player = isFile ? Recording : HlsRecording;
const player = isFile && !Recording.plays(parts) ? null : new Player({ video, parts, failed: say });
let shown;

function say(why) {
  setText(note, why === "away" ? words.replayAway() : words.cannotReplay());
  note.hidden = false;
}

/** Return the last chapter that has begun at a second, or null before the first. */
function chapterAt(second) {
  return chapters.findLast((chapter) => chapter.at_s <= second + 0.001) ?? null;
}

/** Return the chapter that an address names: by its version, or the last of a lot's number. */
function named(hash, search) {
  const [, v] = /^#chapter-([0-9]+)$/.exec(hash) ?? [];
  if (v) return chapters.find((chapter) => chapter.v === Number(v)) ?? null;
  const [, fragment] = /^#lot-(.+)$/.exec(hash) ?? [];
  const number = fragment === undefined ? new URLSearchParams(search).get("lot") : decoded(fragment);
  return chapters.findLast((chapter) => chapter.number === number) ?? null;
}

function decoded(fragment) {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return null;
  }
}

function jump(chapter) {
  player.seek(chapter.at_s);
  // Refused where nobody has touched the page yet: then the picture waits for it.
  video.play().catch(() => {});
}

function look() {
  const second = player.time;
  const chapter = chapterAt(second);
  board.show(chapter, second);
  if (chapter === shown) return;
  if (shown) entries.get(shown.v)?.removeAttribute("aria-current");
  shown = chapter;
  const link = chapter && entries.get(chapter.v);
  link?.setAttribute("aria-current", "true");
}

if (player === null) {
  say("unplayable");
} else {
  const first = named(location.hash, location.search);
  if (first) jump(first);
  addEventListener("hashchange", () => {
    const chapter = named(location.hash, "");
    if (chapter) jump(chapter);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-chapter]");
    const chapter = link && chapters.find(({ v }) => v === Number(link.dataset.chapter));
    if (!chapter) return;
    event.preventDefault();
    history.replaceState(null, "", link.getAttribute("href"));
    jump(chapter);
    video.focus({ preventScroll: true });
    // Picture and price together, where the list of chapters had pushed them away.
    if (stage.getBoundingClientRect().top < 0) stage.scrollIntoView({ block: "start" });
  });
  setInterval(look, LOOK_MS);
  video.addEventListener("seeking", look);
  look();
}
