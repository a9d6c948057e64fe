/* A secret that is shown on request, and buttons that copy what stands in a field. */

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  const show = event.target.closest("[data-show]");
  if (copy) {
    await navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).value);
    copy.textContent = copy.dataset.done;
  } else if (show) {
    const field = document.getElementById(show.dataset.show);
    field.type = field.type === "password" ? "text" : "password";
    show.setAttribute("aria-pressed", String(field.type === "text"));
  }
});
