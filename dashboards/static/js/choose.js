// Boxes to choose from: how many are chosen, all, none.
for (const place of document.querySelectorAll("[data-choose]")) {
  const boxes = [...place.querySelectorAll("input[type=checkbox]")];
  const count = place.querySelector("[data-chosen]");
  const tell = () => {
    if (count) count.textContent = String(boxes.filter((box) => box.checked).length);
  };
  const set = (on) => {
    for (const box of boxes) box.checked = on;
    tell();
  };
  place.addEventListener("change", tell);
  place.querySelector("[data-all]")?.addEventListener("click", () => set(true));
  place.querySelector("[data-none]")?.addEventListener("click", () => set(false));
  tell();
}
