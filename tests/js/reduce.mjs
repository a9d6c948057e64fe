/* Folds messages as the page does: each line of the input is a list of messages, each line of the output the states. */

import { createInterface } from "node:readline";

import { initialState, reduce } from "../../static/js/room/reducer.js";

for await (const line of createInterface({ input: process.stdin })) {
  let state = initialState;
  const states = JSON.parse(line).map((message) => {
    state = reduce(state, message);
    return state;
  });
  process.stdout.write(`${JSON.stringify(states)}\n`);
}
