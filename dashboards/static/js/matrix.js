// The risk matrix: the fields become its content; it is tried out before it is published, and what would change is named.
import { once, post } from "./forms.js";

const form = document.getElementById("matrix");
const LAST = "blue";

function number(text) {
  return Number(text.trim().replace("，", "."));
}

function contentOf() {
  const methods = {};
  for (const part of form.querySelectorAll("[data-method]")) {
    const factors = {};
    for (const input of part.querySelectorAll("[data-factor]")) {
      factors[input.dataset.factor] = input.value.split(/[、,，;；\s]+/).filter(Boolean).map(number);
    }
    const bands = [...part.querySelectorAll("[data-band]")].map((input) => {
      const bound = part.querySelector(`[data-bound="${input.dataset.band}"]`).value;
      return { colour: input.dataset.band, [bound]: number(input.value) };
    });
    methods[part.dataset.method] = { factors, bands: [...bands, { colour: LAST, from: 0 }] };
  }
  return { mark: "M", methods };
}

function cell(text, className = "") {
  const made = document.createElement("td");
  made.textContent = text;
  made.className = className;
  return made;
}

function word(colour) {
  return form.querySelector("template[data-colours]").content.querySelector(`[data-colour="${colour ?? ""}"]`).textContent;
}

function show(said) {
  const result = form.querySelector("[data-result]");
  result.querySelector("[data-combinations]").replaceChildren(
    ...Object.entries(said.combinations).map(([name, counts]) => {
      const line = document.createElement("tr");
      line.append(cell(name), ...Object.values(counts).map((n) => cell(String(n), "number")));
      return line;
    }),
  );
  const judged = result.querySelector("[data-judged]");
  judged.textContent = judged.dataset.words.replace("{judged}", said.judged).replace("{changed}", said.changed.length);
  result.querySelector("[data-changed]").replaceChildren(
    ...said.changed.slice(0, 200).map((c) => {
      const line = document.createElement("li");
      const link = document.createElement("a");
      link.href = `/ledger/hazards/${c.hazard_id}`;
      link.textContent = c.number;
      line.append(link, ` ${c.method} ${word(c.before)} → ${word(c.after)}`);
      return line;
    }),
  );
  result.hidden = false;
}

form?.querySelector("[data-try]").addEventListener("click", () =>
  once(form, async () => {
    const said = await post(form, form.dataset.preview, JSON.stringify({ content: contentOf() }), "application/json");
    if (said) show(said);
    return false;
  }),
);

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  once(form, async () => {
    const body = { content: contentOf(), basis: form.elements.basis.value, approved_by: form.elements.approved_by.value };
    const said = await post(form, form.dataset.publish, JSON.stringify(body), "application/json");
    if (said) location.reload();
    return Boolean(said);
  });
});
