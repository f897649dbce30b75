// The checklist of an inspection: an empty item is right, words are what is wrong; a note alone says that it was not possible.
import { showProblem } from "./forms.js";
import { say } from "./texts.js";

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-checklist]")) return;
  event.preventDefault();
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  form.querySelector("[data-problem]")?.remove();
  const items = Object.fromEntries([...form.querySelectorAll("[data-item]")].map((input) => [input.dataset.item, input.value.trim()]));
  const faults = Object.values(items).some(Boolean);
  const note = form.elements.note.value.trim();
  const impossible = note !== "" && !faults;
  const body = { officers: form.elements.officers.value, note, items: impossible ? {} : items, conclusion: impossible ? "not_possible" : faults ? "problems" : "no_problem" };
  try {
    const answer = await fetch(form.dataset.checklist, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRF-Token": form.elements._csrf.value },
      body: JSON.stringify(body),
    });
    const said = await answer.json();
    if (answer.ok) {
      location.reload();
      return;
    }
    showProblem(form, [said.title, said.detail].filter(Boolean).join(": "));
  } catch {
    showProblem(form, say("network"));
  }
  form.removeAttribute("aria-busy");
});
