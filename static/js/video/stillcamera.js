/* Takes a picture a second of a camera, and its sound without a codec, for viewers whose browsers cannot play the video.
   Sends nothing itself: `sent(message)` gets what goes to the relay. */

const EVERY_MS = 1_000;
const WIDTH = 480;
const QUALITY = 0.6;

export class StillCamera {
  #tap;
  #now;
  #sent;
  #stream = null;
  #video = null;
  #canvas = null;
  #sound = null;
  #timer = null;

  /** `tap` is the address of tap.js; `now()` the server's time in ms or null. */
  constructor({ tap, now, sent }) {
    this.#tap = tap;
    this.#now = now;
    this.#sent = sent;
  }

  /** Take pictures of this stream, of another one than before, or of none. Harmless where it does so already. */
  follow(stream) {
    if (stream === this.#stream) return;
    this.#stop();
    this.#stream = stream;
    if (stream === null) return;
    this.#canvas ??= document.createElement("canvas");
    this.#video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, srcObject: stream });
    this.#video.play().catch(() => {});
    this.#timer = setInterval(() => this.#take(stream), EVERY_MS);
    if (stream.getAudioTracks().length) this.#listen(stream);
  }

  #stop() {
    clearInterval(this.#timer);
    if (this.#video) this.#video.srcObject = null;
    this.#video = null;
    this.#sound?.close();
    this.#sound = null;
  }

  #take(stream) {
    const [video, canvas, at] = [this.#video, this.#canvas, this.#now()];
    if (!video.videoWidth || at === null) return;
    canvas.width = Math.min(WIDTH, video.videoWidth);
    canvas.height = Math.round((canvas.width * video.videoHeight) / video.videoWidth);
    if (canvas.height > WIDTH) {
      // A phone that is held upright.
      canvas.width = Math.round((WIDTH * video.videoWidth) / video.videoHeight);
      canvas.height = WIDTH;
    }
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const done = async (blob) => {
      if (!blob) return;
      const bytes = new Uint8Array(await blob.arrayBuffer());
      if (stream === this.#stream) this.#sent({ type: "STILL", at_ms: at, image: base64(bytes) });
    };
    canvas.toBlob(done, "image/jpeg", QUALITY);
  }

  async #listen(stream) {
    const context = (this.#sound = new AudioContext());
    try {
      await context.audioWorklet.addModule(this.#tap);
    } catch {
      return; // the stills go without sound
    }
    if (context !== this.#sound) return;
    const tap = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    tap.port.onmessage = ({ data }) => {
      if (context === this.#sound) this.#sent({ type: "SOUND", rate: data.rate, pcmu: base64(data.pcmu) });
    };
    context.createMediaStreamSource(stream).connect(tap);
  }
}

function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8_192) text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return btoa(text);
}
