// The checklist of an inspection: an empty item is right, words are what is wrong; a note alone says that it was not possible.
import { once, post } from "./forms.js";
import "./remember.js";

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-checklist]")) return;
  event.preventDefault();
  once(form, async () => {
    const items = Object.fromEntries([...form.querySelectorAll("[data-item]")].map((input) => [input.dataset.item, input.value.trim()]));
    const faults = Object.values(items).some(Boolean);
    const note = form.elements.note.value.trim();
    const impossible = note !== "" && !faults;
    const body = { officers: form.elements.officers.value, note, items: impossible ? {} : items, conclusion: impossible ? "not_possible" : faults ? "problems" : "no_problem" };
    const said = await post(form, form.dataset.checklist, JSON.stringify(body), "application/json");
    if (said) location.reload();
    return Boolean(said);
  });
});
