// Records in a table: tried out, then filed; every row says what became of it. The file stays chosen.
import { once, post } from "./forms.js";

const form = document.getElementById("table");
const result = document.getElementById("table-result");
const words = JSON.parse(result.dataset.words);

function cell(text) {
  const made = document.createElement("td");
  made.textContent = text;
  return made;
}

function show(body) {
  result.hidden = false;
  result.querySelector("[data-sum]").textContent = `${body.dry_run ? words.dry : words.done} · ${words.good} ${body.filed} · ${words.repeated} ${body.repeated} · ${words.refused} ${body.refused}`;
  const rows = [...body.outcomes].sort((a, b) => (b.status === "refused") - (a.status === "refused") || a.line - b.line);
  result.querySelector("tbody").replaceChildren(...rows.map((o) => {
    const row = document.createElement("tr");
    const why = [...o.problems.map((p) => [p.field, p.reason].filter(Boolean).join(": ")), ...o.warnings].join("；");
    row.append(cell(o.line), cell(o.idempotency_key), cell(words.states[o.status]), cell(why));
    return row;
  }));
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  once(form, async () => {
    const body = await post(form, `/api/v1/records/table?dry_run=${event.submitter?.value ?? "true"}`, form.elements.file.files[0]);
    if (body) show(body);
    return false;
  });
});
