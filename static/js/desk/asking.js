/* What the desk asks of the site: its commands, its facts, and the room's API. Owns no element and no state. */

import { words } from "../strings.js";

/** The page's token against forged forms. */
function csrf() {
  return document.querySelector("[name=csrfmiddlewaretoken]").value;
}

async function answered(response) {
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(answer.detail ?? words.tryAgain()), { code: answer.code, answer });
  return answer;
}

async function asked(url, options) {
  let response;
  try {
    response = await fetch(url, options);
  } catch {
    throw new Error(words.tryAgain());
  }
  return answered(response);
}

export class Asking {
  #urls;

  /** `urls` are the desk's own, the facts' and the API's. */
  constructor(urls) {
    this.#urls = urls;
  }

  /** Send a command with its fields, or with a form; rejects with an error whose message is fit to show. */
  command(name, fields) {
    const body = fields instanceof FormData ? fields : new URLSearchParams(fields);
    return asked(`${this.#urls.desk}${name}/`, { method: "POST", headers: { Accept: "application/json", "X-CSRFToken": csrf() }, body });
  }

  /** Return what only the desk is told. */
  facts() {
    return asked(this.#urls.facts, { headers: { Accept: "application/json" } });
  }

  /** Return what somebody holds of the lot that is up. */
  person(paddle) {
    return asked(`${this.#urls.desk}paddles/${paddle}/`, { headers: { Accept: "application/json" } });
  }

  /** Ask the API about this auction. */
  api(path, body, method = "POST") {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf() };
    return asked(`${this.#urls.api}${path}`, { method, headers, body: JSON.stringify(body) });
  }
}
