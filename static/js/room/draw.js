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
