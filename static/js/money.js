/* Money in the page: whole minor units inside, decimal strings on the wire, signs and groups for people.
   Must never pass an amount through a fraction; `auctions/money.py` and `auctions/presenting.py` are its twins. */

export const MAX_AMOUNT = 10 ** 13;
const BASIS_POINTS = 10_000n;

/** Return the minor units that a text writes, or null where it is no amount from 1 to MAX_AMOUNT. */
export function parseAmount(text, exponent) {
  const fraction = exponent ? `(?:\\.([0-9]{1,${exponent}}))?` : "()";
  const match = new RegExp(`^(0|[1-9][0-9]{0,11})${fraction}$`).exec(text);
  if (!match) return null;
  const minor = Number(match[1] + (match[2] ?? "").padEnd(exponent, "0"));
  return minor > 0 && minor <= MAX_AMOUNT ? minor : null;
}

/** Return what a person typed as the wire writes it; what is no amount, or may be read in two ways, stays none.
    `point` is the decimal mark of the page's language. */
export function normalTyped(text, exponent, point = ".") {
  let digits = text.replace(/[\s\u00a0\u202f'’]/g, "").replace(/^[^\p{Nd}.,-]+|[^\p{Nd}.,-]+$/gu, "");
  const [, whole, mark, rest] = /^([0-9]+)([.,])([0-9]+)$/.exec(digits) ?? [];
  // A thousand to one person is one and a bit to another.
  if (mark && exponent && rest.length === 3 && (mark !== point || exponent !== 3)) return `${digits}?`;
  if (mark && rest.length <= exponent) digits = `${whole}.${rest}`;
  else if (/^[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?$/.test(digits)) digits = digits.replaceAll(",", "");
  else if (/^[0-9]{1,3}(\.[0-9]{3})+(,[0-9]+)?$/.test(digits)) digits = digits.replaceAll(".", "").replace(",", ".");
  return digits.replace(/^0+(?=[0-9])/, "");
}

/** Return minor units as the decimal string of the wire: 12500 with exponent 2 is "125.00". */
export function formatAmount(minor, exponent) {
  if (!exponent) return String(minor);
  const digits = String(minor).padStart(exponent + 1, "0");
  return `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/** Return that share of an amount, rounded half up in minor units. */
export function shareOf(minor, basisPoints) {
  return Number((BigInt(minor) * BigInt(basisPoints) + BASIS_POINTS / 2n) / BASIS_POINTS);
}

/** Return what a buyer pays for a hammer price before delivery; `fees` is [premium, tax, on hammer, on premium]. */
export function totalOf(hammer, [premiumBp, taxBp, onHammer, onPremium]) {
  const premium = shareOf(hammer, premiumBp);
  const taxable = (onHammer ? hammer : 0) + (onPremium ? premium : 0);
  return hammer + premium + shareOf(taxable, taxBp);
}

/** Return the step above a price: the last row of [[price, step], …] that begins at or below it. */
export function stepAt(price, increments) {
  let step = increments[0][1];
  for (const [from, next] of increments) if (from <= price) step = next;
  return step;
}

/** Writes and reads the amounts of one auction, by the pattern and marks that the server uses in the page's language. */
export class Money {
  constructor({ exponent, cents, pattern, group, point }) {
    this.exponent = exponent;
    this.cents = cents;
    this.group = group;
    this.point = point;
    [this.before, this.after] = pattern.split("#");
  }

  /** Return the minor units of an amount of the wire, or null. */
  minor(text) {
    return text == null ? null : parseAmount(text, this.exponent);
  }

  /** Return minor units as the wire writes them. */
  wire(minor) {
    return formatAmount(minor, this.exponent);
  }

  /** Return the minor units that a person typed, or null. */
  typed(text) {
    return parseAmount(normalTyped(text, this.exponent, this.point), this.exponent);
  }

  /** Return minor units as a field takes them: without groups, and cents only where the auction uses them. */
  field(minor) {
    const [whole, fraction = ""] = formatAmount(minor, this.exponent).split(".");
    return fraction && (this.cents || /[1-9]/.test(fraction)) ? whole + this.point + fraction : whole;
  }

  /** Return what stands before the digits, the digits, and what stands after them; sign and space are smaller. */
  parts(minor, { full = false } = {}) {
    const [whole, fraction = ""] = formatAmount(minor, this.exponent).split(".");
    let digits = whole.replace(/\B(?=([0-9]{3})+$)/g, this.group);
    if (fraction && (full || this.cents || /[1-9]/.test(fraction))) digits += this.point + fraction;
    return [this.before, digits, this.after];
  }

  /** Return an amount as people read it. */
  text(minor, options) {
    return this.parts(minor, options).join("");
  }
}
