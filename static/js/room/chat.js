/* The chat panel: a log of plain text and a field. Owns its lines on the page, not what may be said. */

import { words } from "../strings.js";
import { icon, make, setText } from "./draw.js";
import { MAX_CHAT_CHARACTERS, Receive, Send } from "./messages.js";
import { newId } from "./bids.js";

export class ChatPanel {
  #log;
  #form;
  #input;
  #send;
  #pinned;
  #choose;
  #chosen;
  #mayChoose;
  #hint;
  #time;
  #lines = new Map();
  #waiting = null;
  #problem = null;

  /** `choose(line)` is called when somebody picks a line that they may; null for who may pick none. `chosen()` says what for. */
  constructor({ log, form, pinned, language, send, choose, chosen = words.moderate, mayChoose = () => true }) {
    this.#time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    this.#log = log;
    this.#pinned = pinned;
    this.#choose = choose;
    this.#chosen = chosen;
    this.#mayChoose = mayChoose;
    this.#form = form;
    this.#input = form.querySelector("input");
    this.#hint = this.#input.placeholder;
    this.#input.maxLength = MAX_CHAT_CHARACTERS;
    this.#send = send;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#say();
    });
    this.#input.addEventListener("input", () => this.#problemIs(null));
  }

  /** Show the lines of the room, what is pinned, and whether its reader may say something. */
  draw({ chat: lines, chatSettings, you }) {
    this.#drawPinned(chatSettings.pinned);
    this.#drawForm(chatSettings, you);
    const atEnd = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 40;
    const wanted = new Set(lines.map((line) => line.id));
    for (const [id, element] of this.#lines) {
      if (!wanted.has(id)) {
        element.remove();
        this.#lines.delete(id);
      }
    }
    for (const line of lines) {
      if (this.#lines.has(line.id)) continue;
      const element = this.#line(line);
      this.#lines.set(line.id, element);
      this.#log.append(element);
    }
    this.#empty();
    if (atEnd) this.#log.scrollTop = this.#log.scrollHeight;
  }

  /** Show a quick message of the host among the lines. */
  notice(text) {
    this.#log.append(make("div", "chat-line host notice", make("b", "", words.host()), text));
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  /** Take a refusal; true when it was ours. The text goes back into the field, so that nothing typed is lost. */
  receive(message) {
    if (message.type !== Receive.CHAT_REJECTED) return false;
    if (this.#waiting && message.id === this.#waiting.id) {
      if (!this.#input.value) this.#input.value = this.#waiting.text;
      this.#problemIs(words.chatRefused(message.code, message.retry_after_ms, message.message));
    }
    return true;
  }

  #line(line) {
    const parts = [make("b", "", words.author(line)), line.text];
    const className = line.role ? "chat-line host" : "chat-line";
    if (!this.#choose || !this.#mayChoose(line)) return make("div", className, ...parts);
    const button = make("button", className, ...parts);
    button.type = "button";
    button.title = this.#chosen();
    button.addEventListener("click", () => this.#choose(line));
    return make("div", "chat-picked", button);
  }

  #drawPinned(line) {
    this.#pinned.hidden = !line;
    if (!line) return;
    setText(this.#pinned, `${words.author(line)}: ${line.text}`);
    icon(this.#pinned, "pin");
  }

  #drawForm({ slow_mode_ms: paceMs }, you) {
    const muted = you?.muted ?? false;
    this.#input.disabled = muted;
    // The desk has none.
    const decided = this.#form.parentElement.querySelector(".chat-decided");
    if (decided) decided.hidden = !muted;
    this.#form.querySelector("button").disabled = muted;
    const until = you?.muted_until_ms ?? null;
    const muting = until === null ? words.muted() : words.mutedUntil(this.#time.format(until));
    const hint = muted ? muting : paceMs ? words.slowMode(paceMs / 1_000) : this.#hint;
    if (this.#input.placeholder !== hint) this.#input.placeholder = hint;
  }

  #say() {
    const text = this.#input.value.trim();
    if (!text) return;
    const id = newId();
    if (!this.#send({ type: Send.CHAT, text, id })) {
      this.#problemIs(words.reconnecting());
      return;
    }
    this.#waiting = { id, text };
    this.#input.value = "";
    this.#problemIs(null);
  }

  #problemIs(text) {
    if (text === null) {
      this.#problem?.remove();
      this.#problem = null;
      return;
    }
    if (!this.#problem) {
      this.#problem = make("p", "chat-problem");
      this.#problem.setAttribute("role", "alert");
      this.#form.before(this.#problem);
    }
    setText(this.#problem, text);
  }

  #empty() {
    const there = this.#log.querySelector(".chat-empty");
    if (this.#lines.size) there?.remove();
    else if (!there) this.#log.append(make("p", "chat-empty", words.chatEmpty()));
  }
}
