/* Chooses all orders of a list at once. Without it each is chosen alone. */

const form = document.querySelector("[data-orders]");
const all = form?.querySelector("[data-all]");

if (all) {
  const boxes = [...form.querySelectorAll("[name=order]")];
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
  });
  form.addEventListener("change", () => {
    const chosen = boxes.filter((box) => box.checked).length;
    all.checked = chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  });
}
