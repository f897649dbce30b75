// A file is checked first or imported at once; the answer is shown row by row and the chosen file stays chosen.
import { showProblem } from "./forms.js";
import { say } from "./texts.js";

const form = document.getElementById("import");
const result = document.getElementById("import-result");

function cell(text, kind = "td") {
  const element = document.createElement(kind);
  element.textContent = String(text ?? "");
  return element;
}

function show(body) {
  result.hidden = false;
  const counts = result.querySelector("[data-counts]");
  counts.replaceChildren();
  for (const [name, value] of Object.entries(body)) {
    if (typeof value !== "object") counts.append(cell(name, "dt"), cell(value, "dd"));
  }
  const problems = body.errors ?? body.problems ?? body.rejected ?? [];
  const list = Array.isArray(problems) ? problems : [];
  result.querySelector("tbody").replaceChildren(
    ...list.map((problem) => {
      const row = document.createElement("tr");
      row.append(cell(problem.row ?? problem.line ?? ""), cell(problem.detail ?? problem.reason ?? problem.why ?? JSON.stringify(problem)));
      return row;
    }),
  );
  result.querySelector(".table-wrap").hidden = list.length === 0;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  form.querySelector("[data-problem]")?.remove();
  const dry = event.submitter?.value !== "false";
  try {
    const answer = await fetch(`${form.dataset.address}?dry_run=${dry}`, {
      method: "POST",
      headers: { "Content-Type": "text/csv", Accept: "application/json", "X-CSRF-Token": form.elements._csrf.value },
      body: form.elements.file.files[0],
    });
    const body = await answer.json();
    if (answer.ok) show(body);
    else showProblem(form, [body.title, body.detail].filter(Boolean).join(": "));
  } catch {
    showProblem(form, say("network"));
  } finally {
    form.removeAttribute("aria-busy");
  }
});
