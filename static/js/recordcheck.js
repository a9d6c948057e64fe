/* The part of a lot's page that verifies its record: loads record and keys, has them checked, and says what was found.
   Decides nothing about what is right; `record.js` does. */

import { browserStorage, keysOf, verifyRecord, witnessedHeads } from "./record.js";
import { words } from "./strings.js";

for (const section of document.querySelectorAll("[data-record]")) {
  const button = section.querySelector("[data-verify]");
  const verdict = section.querySelector("[data-verdict]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    say(verdict, "", [words.recordChecking()]);
    say(verdict, ...(await check(section.dataset)));
    button.disabled = false;
  });
}

/* Return the class of the sentence and the sentences. */
async function check({ record, keys, auction }) {
  if (!globalThis.crypto?.subtle) return ["", [words.recordUnable()]];
  let answers;
  try {
    answers = await Promise.all([record, keys].map(load));
  } catch {
    return ["error", [words.recordAway()]];
  }
  const heads = witnessedHeads(browserStorage(), auction);
  const found = await verifyRecord(answers[0], { keys: keysOf(answers[1]), heads });
  if (found.problem) return ["error", [words.recordWrong(found.problem.message)]];
  return [
    "panel won",
    [
      words.recordVerified(found.entries),
      found.signed ? words.recordSigned(found.keyId) : words.recordUnsigned(),
      found.witnessed ? words.recordWitnessed(found.witnessed) : words.recordUnwitnessed(),
    ],
  ];
}

async function load(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${response.status}`);
  return response.json();
}

function say(node, kind, sentences) {
  node.className = kind;
  node.textContent = sentences.join(" ");
}
