/* The line of time of a recorded show: its parts one after another, each cut into pieces that can be fetched alone.
   Pure; seconds on the line, bytes in the files. */

/** How long a piece is at least: less asks the site too often, more makes a jump slow. */
export const PIECE_S = 4;

/** Cut a part into pieces by its table: [{fromS, toS, from, to}], the last one up to what is written. */
export function cut({ begins_s: beginsS, lasts_s: lastsS }, { marks, end }) {
  const pieces = [];
  const second = (ms) => beginsS + (ms - marks[0][0]) / 1_000;
  for (const [ms, place] of marks) {
    const last = pieces.at(-1);
    if (last && second(ms) - last.fromS < PIECE_S) continue;
    if (last) [last.toS, last.to] = [second(ms), place];
    pieces.push({ fromS: second(ms), toS: 0, from: place, to: 0 });
  }
  const last = pieces.at(-1);
  if (last) [last.toS, last.to] = [Math.max(beginsS + lastsS, last.fromS), end];
  return pieces.filter(({ from, to }) => to > from);
}

/** Return the index of the part that a second of the line is in. */
export function partAt(parts, second) {
  const index = parts.findLastIndex((part) => part.begins_s <= second);
  return Math.max(0, index);
}

/** Return the index of the piece that a second is in. */
export function pieceAt(pieces, second) {
  return Math.max(0, pieces.findLastIndex((piece) => piece.fromS <= second));
}

/** Return how far [[start, end], …] reaches from a second on without a hole; the second itself where it is in none. */
export function reach(ranges, second) {
  let to = second;
  for (const [start, end] of ranges) if (start <= to + 0.05 && end > to) to = end;
  return to;
}

/** Return where the picture goes on behind a hole, or null where it does not, or there is none. */
export function behindHole(ranges, second) {
  if (reach(ranges, second) > second + 0.05) return null;
  return ranges.find(([start]) => start > second)?.[0] ?? null;
}
