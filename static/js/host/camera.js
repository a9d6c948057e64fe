/* The host's camera page: choose what is sent, see and hear it, send it, and know how it arrives. */

import { setText, useIcons, makeIcon } from "../room/draw.js";
import { Close } from "../room/messages.js";
import { words } from "../strings.js";
import { IvsBroadcaster } from "../video/ivsbroadcast.js";
import { Publisher, formats } from "../video/publisher.js";

const METER_MS = 100;
const COUNT_MS = 1_000;

const { icons, tap } = document.querySelector("script[data-icons]").dataset;
useIcons(icons);
const config = JSON.parse(document.getElementById("camera-config").textContent);
const part = (name) => document.querySelector(`[data-camera="${name}"]`);
const [preview, button, note, problem] = ["preview", "air", "note", "problem"].map(part);
const selects = { video: part("cameras"), audio: part("microphones"), format: part("formats") };
const recordable = formats();

let stream = null;
let meter = null;
let lock = null;
let asking = 0;

const publisher = config.key
  ? new IvsBroadcaster({ key: config.key, csrf: document.querySelector("[name=csrfmiddlewaretoken]").value, changed: draw })
  : new Publisher({ url: new URL(config.socket, location.href.replace(/^http/, "ws")).href, tap, changed: draw });
/** What a service carries it makes itself of the camera's picture. */
const canSend = Boolean(config.key) || recordable.length > 0;

// --- What is sent -------------------------------------------------------------------------------------

/** Open the chosen camera and microphone; what was open is let go. */
async function open() {
  const mine = (asking += 1);
  if (!navigator.mediaDevices) {
    fail(words.cameraNeedsHttps());
    return;
  }
  try {
    // A browser that is asked for a microphone where there is none gives no camera either.
    const hasSound = (await navigator.mediaDevices.enumerateDevices()).some(({ kind }) => kind === "audioinput");
    const fresh = await navigator.mediaDevices.getUserMedia({
      video: { deviceId: wanted("video"), width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } },
      audio: hasSound && { deviceId: wanted("audio"), echoCancellation: true, noiseSuppression: true },
    });
    if (mine !== asking) {
      for (const track of fresh.getTracks()) track.stop();
      return;
    }
    const before = stream;
    stream = fresh;
    preview.srcObject = stream;
    if (publisher.view.state !== "off" && publisher.view.state !== "refused") publisher.start(stream, selects.format.value);
    for (const track of before?.getTracks() ?? []) track.stop();
    for (const track of stream.getTracks()) track.addEventListener("ended", lost);
    problem.hidden = true;
    listen();
    await list();
  } catch (error) {
    fail(error.name === "NotAllowedError" ? words.cameraNotAllowed() : words.cameraNotFound());
  }
  draw();
}

function wanted(kind) {
  return selects[kind].value ? { exact: selects[kind].value } : undefined;
}

function lost() {
  if (stream?.getTracks().some((track) => track.readyState === "ended")) fail(words.cameraLost());
}

/** List what there is; names are told only once the camera was allowed. */
async function list() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  for (const [kind, select] of [["video", selects.video], ["audio", selects.audio]]) {
    const used = stream?.getTracks().find((track) => track.kind === kind)?.getSettings().deviceId;
    const options = devices.filter((device) => device.kind === `${kind}input` && device.deviceId);
    select.replaceChildren(
      ...options.map((device, index) => new Option(device.label || words.device(index + 1), device.deviceId, false, device.deviceId === used)),
    );
    select.disabled = options.length === 0;
  }
}

function fail(text) {
  problem.hidden = false;
  setText(problem.querySelector("span"), text);
  draw();
}

// --- What is heard ------------------------------------------------------------------------------------

function listen() {
  meter?.context.close();
  meter = null;
  if (stream.getAudioTracks().length === 0) return;
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  meter = { context, analyser, samples: new Float32Array(analyser.fftSize) };
}

function level() {
  if (!meter) return 0;
  if (meter.context.state === "suspended") meter.context.resume();
  meter.analyser.getFloatTimeDomainData(meter.samples);
  const power = meter.samples.reduce((sum, sample) => sum + sample * sample, 0) / meter.samples.length;
  // From -60 dB, which is a quiet room, to 0.
  return Math.min(1, Math.max(0, 1 + (10 * Math.log10(power + 1e-12)) / 60));
}

setInterval(() => part("level").style.setProperty("--level", level().toFixed(3)), METER_MS);

// --- What is shown ------------------------------------------------------------------------------------

function draw() {
  const { state, code, reason, kbps, health, viewers, limit } = publisher.view;
  const sending = state === "on" || state === "connecting";
  document.querySelector(".camera").dataset.state = state;
  button.disabled = !sending && (stream === null || !canSend);
  button.classList.toggle("move", !sending);
  button.classList.toggle("danger", sending);
  setText(button, sending ? words.goOffAir() : words.goOnAir());
  const text = { off: words.offAir, connecting: words.connecting, on: words.onAir, refused: () => refusal(code, reason) }[state]();
  note.replaceChildren(makeIcon(state === "on" ? "check" : state === "refused" ? "alert" : "camera-off"), text);
  note.classList.toggle("out", state === "refused");
  note.classList.toggle("lead", state === "on");
  setText(part("kbps"), state === "on" && kbps !== null ? words.kbps(kbps, limit) : "–");
  setText(part("health"), health ? words.health(health) : "–");
  setText(part("viewers"), viewers === null ? "–" : String(viewers));
  selects.format.disabled = sending;
  keepAwake(sending);
}

function refusal(code, reason) {
  const said = {
    [Close.TAKEN]: words.channelTaken(),
    [Close.OVER]: words.cutOff(),
    [Close.SIGNED_OUT]: words.signedOut(),
  }[code];
  return said ?? (reason && reason !== "recorder" ? words.refusedBecause(reason) : words.recorderFailed());
}

/** Tell how many pictures the camera gave and the browser could not use. */
function count() {
  const track = stream?.getVideoTracks()[0];
  const stats = track?.stats;
  const quality = preview.getVideoPlaybackQuality?.();
  const dropped = stats ? stats.totalFrames - stats.deliveredFrames : quality?.droppedVideoFrames;
  setText(part("dropped"), dropped === undefined ? "–" : String(dropped));
  const { width, height, frameRate } = track?.getSettings() ?? {};
  setText(part("size"), width ? words.pictureSize(width, height, Math.round(frameRate)) : "–");
}

setInterval(count, COUNT_MS);

/** A phone that goes to sleep sends nothing. */
function keepAwake(wish) {
  if (!wish) {
    // Also where the system has yet to give it.
    lock?.then((held) => held?.release());
    lock = null;
  } else if (!lock && document.visibilityState === "visible" && navigator.wakeLock) {
    const asked = navigator.wakeLock.request("screen").catch(() => {
      if (lock === asked) lock = null;
    });
    lock = asked;
  }
}

document.addEventListener("visibilitychange", () => {
  // The system takes the lock away from a page that is not seen.
  lock = null;
  draw();
});

// --- What people do -----------------------------------------------------------------------------------

button.addEventListener("click", () => {
  const { state } = publisher.view;
  if (state === "on" || state === "connecting") publisher.stop();
  else publisher.start(stream, selects.format.value);
});
selects.video.addEventListener("change", open);
selects.audio.addEventListener("change", open);
addEventListener("beforeunload", (event) => {
  if (publisher.view.state === "on") event.preventDefault();
});
navigator.mediaDevices?.addEventListener("devicechange", list);

for (const [name, mime] of recordable) selects.format.append(new Option(words.format(name), mime));
if (!canSend) fail(words.cannotRecord());
open();
