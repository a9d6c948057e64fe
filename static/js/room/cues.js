/* Sound and vibration: one tick for the lead, two for losing it. Sound is off until somebody asks for it; what they
   chose is kept in this browser. */

const TICKS = { leading: [880], outbid: [520, 390] };
const BUZZES = { leading: 20, outbid: [20, 80, 20] };

export class Cues {
  #sound;
  #context = null;
  #icons;
  #changed;
  #kept;
  #isOn = false;
  #buzzes;

  /** `changed(on)` is called when sound begins or ends; `kept` keeps two words, as `localStorage` does. */
  constructor({ sound, vibration, icons, changed, kept = browserKeeps() }) {
    this.#sound = sound;
    this.#icons = icons;
    this.#changed = changed;
    this.#kept = kept;
    this.#buzzes = kept.get("vibration") !== "off";
    sound.hidden = false;
    sound.addEventListener("click", () => this.#want(!this.#isOn));
    // Only what a hand holds buzzes.
    vibration.hidden = !navigator.vibrate || !matchMedia("(pointer: coarse)").matches;
    vibration.setAttribute("aria-pressed", String(this.#buzzes));
    vibration.addEventListener("click", () => {
      this.#buzzes = !this.#buzzes;
      kept.set("vibration", this.#buzzes ? "on" : "off");
      vibration.setAttribute("aria-pressed", String(this.#buzzes));
    });
    if (kept.get("sound") === "on") this.#atNextTouch();
  }

  /** Play a cue: leading or outbid. */
  play(name) {
    if (this.#buzzes) navigator.vibrate?.(BUZZES[name]);
    if (!this.#context) return;
    TICKS[name].forEach((frequency, index) => this.#tone(frequency, this.#context.currentTime + index * 0.14));
  }

  #want(on) {
    this.#kept.set("sound", on ? "on" : "off");
    if (on) this.#begin();
    else this.#end();
  }

  // A browser lets no page be heard before somebody touched it.
  #atNextTouch() {
    this.#show(true);
    const begin = () => {
      removeEventListener("pointerup", begin);
      removeEventListener("keyup", begin);
      if (this.#isOn && !this.#context) this.#begin();
    };
    addEventListener("pointerup", begin);
    addEventListener("keyup", begin);
  }

  #begin() {
    this.#context = new AudioContext();
    this.#tone(880, this.#context.currentTime);
    this.#changed(true);
    this.#show(true);
  }

  #end() {
    this.#context?.close();
    this.#context = null;
    this.#changed(false);
    this.#show(false);
  }

  #show(on) {
    this.#isOn = on;
    this.#sound.setAttribute("aria-pressed", String(on));
    this.#sound.querySelector("use").setAttribute("href", `${this.#icons}#${on ? "sound" : "muted"}`);
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

/** Keep words in this browser; one that keeps nothing forgets them. */
function browserKeeps() {
  return {
    get(name) {
      try {
        return localStorage.getItem(`room/${name}`);
      } catch {
        return null;
      }
    },
    set(name, value) {
      try {
        localStorage.setItem(`room/${name}`, value);
      } catch { /* it is forgotten */ }
    },
  };
}
