/* The newest still picture, where a browser cannot play the video. Owns one image, in the video's place while it is shown. */

import { make } from "../room/draw.js";
import { words } from "../strings.js";

export class Stills {
  #video;
  #image = make("img", "stage-video is-on");

  constructor(video) {
    this.#video = video;
    this.#image.dataset.room = "still";
    this.#image.alt = words.livePicture();
  }

  /** Show a JPEG. The one before stays until it can be seen; `seen()` is called then, and not for what is no picture. */
  show(bytes, seen) {
    const image = this.#image;
    const url = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
    image.onload = () => {
      URL.revokeObjectURL(url);
      if (!image.isConnected) this.#video.after(image);
      seen();
    };
    image.onerror = () => URL.revokeObjectURL(url);
    image.src = url;
  }

  /** Show none, also not one that is on its way. */
  clear() {
    this.#image.onload = this.#image.onerror = null;
    this.#image.remove();
  }
}
