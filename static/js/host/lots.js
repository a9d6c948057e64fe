/* The sheet of an auction: adds and removes lots without a round trip. The same buttons work without this script. */

const blank = document.querySelector("template[data-blank]");

/** The list may be another one than before: a sheet with errors comes in its place. */
function lots() {
  return document.querySelector("[data-lots]");
}

function nextIndex() {
  const used = [...lots().querySelectorAll("input[name=lot]")].map((input) => Number(input.value));
  return Math.max(-1, ...used) + 1;
}

/** Take what was chosen for the lot before, because lots of one show are mostly offered alike. */
function copyRules(from, to) {
  for (const name of ["preset", "duration", "increments", "window", "extension", "extension_mode", "extension_cap", "own_increments"]) {
    const sources = [...from.querySelectorAll(`[name$="-${name}"]`)];
    const targets = [...to.querySelectorAll(`[name$="-${name}"]`)];
    sources.forEach((source, index) => {
      if (source.type === "radio") targets[index].checked = source.checked;
      else targets[index].value = source.value;
    });
  }
}

function add() {
  const holder = document.createElement("div");
  holder.innerHTML = blank.innerHTML.replaceAll("__index__", String(nextIndex()));
  const form = holder.firstElementChild;
  const last = lots().lastElementChild;
  if (last) copyRules(last, form);
  lots().append(form);
  form.querySelector("[name$='-title']").focus();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches("[data-add]")) {
    event.preventDefault();
    add();
  } else if (button?.matches("[data-remove]")) {
    event.preventDefault();
    const form = button.closest("[data-lot-form]");
    const neighbour = form.nextElementSibling ?? form.previousElementSibling;
    form.remove();
    (neighbour?.querySelector("[name$='-title']") ?? document.querySelector("[data-add]")).focus();
  }
});

document.addEventListener("change", (event) => {
  if (event.target.name?.endsWith("-preset")) {
    event.target.closest("[data-lot-form]").querySelector("[data-own-rules]").open = event.target.value === "own";
  }
});

// A new show is most likely in the time zone of whoever prepares it.
const zone = document.querySelector("form[data-new] [name=time_zone]");
const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && [...zone.list.options].some((option) => option.value === here)) zone.value = here;

/** Open what hides an error, and go to the first. */
export function showErrors() {
  for (const field of document.querySelectorAll("[aria-invalid=true]")) {
    const details = field.closest("details");
    if (details) details.open = true;
  }
  document.querySelector("[aria-invalid=true]")?.focus();
}

showErrors();
