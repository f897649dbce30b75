// A file is sent as it is; the page of the job shows how far it is. What was chosen stays chosen when sending fails.
import { showProblem } from "./forms.js";
import { say } from "./texts.js";

const form = document.getElementById("upload");
const sending = form.querySelector("[data-sending]");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  form.querySelector("[data-problem]")?.remove();
  sending.hidden = false;
  const file = form.elements.file.files[0];
  const query = new URLSearchParams({ file_name: file.name, source: form.elements.source.value });
  if (form.elements.firm.value && form.elements.source.value === "firm") query.set("firm", form.elements.firm.value);
  for (const name of ["create_organisations", "again"]) if (form.elements[name].checked) query.set(name, "true");
  try {
    const answer = await fetch(`${form.dataset.address}?${query}`, {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream", Accept: "application/json", "X-CSRF-Token": form.elements._csrf.value },
      body: file,
    });
    const body = await answer.json();
    if (answer.ok) {
      location.assign(`/imports/${body.id}`);
      return;
    }
    showProblem(form, [body.title, body.detail].filter(Boolean).join(": "));
  } catch {
    showProblem(form, say("network"));
  }
  sending.hidden = true;
  form.removeAttribute("aria-busy");
});
