/* Sound and vibration: one tick for the lead, two for losing it. Sound is off until somebody asks for it. */

const TICKS = { leading: [880], outbid: [520, 390] };

export class Cues {
  #button;
  #context = null;
  #icons;
  #changed;

  /** `changed(on)` is called when somebody asks for sound, or for none. */
  constructor(button, icons, changed) {
    this.#button = button;
    this.#icons = icons;
    this.#changed = changed;
    button.hidden = false;
    button.addEventListener("click", () => this.#toggle());
  }

  /** Play a cue: leading or outbid. */
  play(name) {
    navigator.vibrate?.(name === "leading" ? 20 : [20, 80, 20]);
    if (!this.#context) return;
    TICKS[name].forEach((frequency, index) => this.#tone(frequency, this.#context.currentTime + index * 0.14));
  }

  #toggle() {
    if (this.#context) {
      this.#context.close();
      this.#context = null;
    } else {
      this.#context = new AudioContext();
      this.#tone(880, this.#context.currentTime);
    }
    const on = this.#context !== null;
    this.#changed(on);
    this.#button.setAttribute("aria-pressed", String(on));
    this.#button.querySelector("use").setAttribute("href", `${this.#icons}#${on ? "sound" : "muted"}`);
  }

  #tone(frequency, at) {
    const [source, gain] = [this.#context.createOscillator(), this.#context.createGain()];
    source.frequency.value = frequency;
    gain.gain.setValueAtTime(0.0001, at);
    gain.gain.exponentialRampToValueAtTime(0.2, at + 0.01);
    gain.gain.exponentialRampToValueAtTime(0.0001, at + 0.12);
    source.connect(gain).connect(this.#context.destination);
    source.start(at);
    source.stop(at + 0.13);
  }
}
