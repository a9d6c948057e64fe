/* Small ways to change the page: text, icons, elements. Sets text and never markup, so nothing said can execute. */

let iconsAt = "";

/** Say where the icons are; the page knows, because their name may carry a hash. */
export function useIcons(url) {
  iconsAt = url;
}

/** Set an element's text where it differs, so that nothing is announced or selected away needlessly. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Return an icon. */
export function makeIcon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.dataset.icon = name;
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${iconsAt}#${name}`);
  svg.append(use);
  return svg;
}

/** Put an icon first into an element, replace the one there, or take it away with null. */
export function icon(element, name) {
  const there = element.querySelector(":scope > .icon");
  if ((there?.dataset.icon ?? null) === name) return;
  there?.remove();
  if (name) element.prepend(makeIcon(name));
}

/** Return an element with a class and children, which are texts or elements. */
export function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** Return the parts of an amount for large type: its sign is an element of its own, so that it can be smaller. */
export function figure([before, digits, after]) {
  return before ? [make("span", "sign", before), digits] : [digits, make("span", "sign", after)];
}

/** Return how many figures wide an amount is, from 2 to 16, with what else stands beside it. */
export function figureLength([before, digits, after], more = 0) {
  return String(Math.min(16, Math.max(2, digits.length + Math.ceil((before + after).length / 2) + more)));
}
