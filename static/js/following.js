/* Watching, following and being reminded without a new page. Without this script the forms do the same by themselves. */

for (const form of document.querySelectorAll("form[data-wanted]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void send(form, event.submitter ?? form.querySelector("button"));
  });
}

async function send(form, button) {
  if (form.dataset.wanted === "sent") return;
  form.dataset.wanted = "sent";
  const body = new FormData(form, button);
  try {
    const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    const { wanted } = response.ok && !response.redirected ? await response.json() : {};
    if (wanted === undefined) return leave(form, button);
    for (const other of document.querySelectorAll("form[data-wanted]")) if (other.action === form.action) show(other, wanted);
  } catch {
    return leave(form, button);
  }
  form.dataset.wanted = "";
}

/** Let the browser send it: the page that comes says what is wrong. */
function leave(form, button) {
  const chosen = document.createElement("input");
  Object.assign(chosen, { type: "hidden", name: button.name, value: button.value });
  form.append(chosen);
  form.submit();
}

function show(form, isOn) {
  const button = form.querySelector("button");
  button.setAttribute("aria-pressed", String(isOn));
  button.value = isOn ? "off" : "on";
  const text = form.querySelector("[data-words]");
  if (text) text.textContent = isOn ? form.dataset.on : form.dataset.off;
}
