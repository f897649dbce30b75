// A file is checked first or imported at once; the answer is shown row by row and the chosen file stays chosen.
import { once, post } from "./forms.js";

const form = document.getElementById("import");
const result = document.getElementById("import-result");

function cell(text, kind = "td") {
  const element = document.createElement(kind);
  element.textContent = String(text ?? "");
  return element;
}

const words = JSON.parse(result.dataset.words);

function counted(value) {
  if (typeof value === "boolean") return value ? words.yes : words.no;
  return value;
}

function outcome(row) {
  const line = document.createElement("tr");
  const lift = row.unit_id ?? (row.candidates.length ? `${words.choose} (${row.candidates.length})` : words.no_lift);
  const what = words.results[row.result] ?? row.result;
  line.append(cell(row.row), cell(row.external_id), cell(row.historical ? `${what} · ${words.history}` : what), cell(lift));
  return line;
}

function show(body) {
  result.hidden = false;
  const counts = result.querySelector("[data-counts]");
  counts.replaceChildren();
  for (const [name, word] of words.counts) {
    if (name in body) counts.append(cell(word, "dt"), cell(counted(body[name]), "dd"));
  }
  result.querySelector("tbody").replaceChildren(
    ...body.errors.map((problem) => {
      const row = document.createElement("tr");
      row.append(cell(problem.row), cell(`${problem.column}: ${problem.reason}`));
      return row;
    }),
  );
  result.querySelector(".table-wrap").hidden = body.errors.length === 0;
  const outcomes = result.querySelector("[data-outcomes]");
  outcomes.querySelector("tbody").replaceChildren(...body.outcomes.map(outcome));
  outcomes.hidden = body.outcomes.length === 0;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  once(form, async () => {
    const body = await post(form, `${form.dataset.address}?dry_run=${event.submitter?.value !== "false"}`, form.elements.file.files[0]);
    if (body) show(body);
    return false;
  });
});
