/* A keyboard on the screen: says in a style how much of the page it covers, so that the bar and the chat stay above it.
   Most browsers make the page smaller and cover nothing; Safari covers, and tells by its visual viewport alone. */

export class Keyboard {
  #room;
  #viewport;

  /** `room` gets the custom property `--keyboard`; `viewport` is a VisualViewport. */
  constructor(room, viewport) {
    this.#room = room;
    this.#viewport = viewport;
    for (const event of ["resize", "scroll"]) viewport?.addEventListener(event, () => this.#measure());
  }

  #measure() {
    const { scale, height, offsetTop } = this.#viewport;
    // A magnified page shows less of itself without any keyboard.
    const covered = scale > 1.01 ? 0 : Math.max(0, Math.round(innerHeight - height - offsetTop));
    this.#room.style.setProperty("--keyboard", `${covered}px`);
  }
}
