// Scans of old paper: chosen or dropped, each matched to a lift and a day by its file name, sent in pieces by digest.
// What failed stays in the list with its reason and goes on where it stopped.
import { sha256 } from "../field/canonical.js";
import { once } from "./forms.js";

const PIECE_BYTES = 2_000_000;
const LEVELS = [["half_year", /半年/], ["half_month", /半月/], ["quarter", /季/], ["on_demand", /按需/], ["year", /年度|年保|全年/]];
const form = document.getElementById("scans");
const { lifts, words, most_bytes: mostBytes } = JSON.parse(document.getElementById("scans-data").textContent);
const input = form.elements.files;
const list = document.getElementById("scan-rows");
const pattern = document.getElementById("scan-row");
const summary = form.querySelector("[data-sum]");
const labelOf = (lift) => [lift.name, lift.plate || lift.device || lift.id].join(" · ");
const byLabel = new Map(lifts.map((lift) => [labelOf(lift), lift.id]));
const chosen = new Map();

document.getElementById("scan-lifts").replaceChildren(...lifts.map((lift) => new Option("", labelOf(lift))));

/** Lift, day and level, as far as the file's name tells them; two lifts in a name are none. */
export function guess(name) {
  const tokens = new Set(name.replace(/\.[^.]*$/, "").toUpperCase().match(/[A-Z0-9]+/g) ?? []);
  const named = lifts.filter((lift) => [lift.plate, lift.device, lift.id].some((code) => code && tokens.has(code.toUpperCase())));
  const day = name.match(/(?<!\d)(20\d\d)(?:(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])|[-_.年 ](0?[1-9]|1[0-2])[-_.月 ]([12]\d|3[01]|0?[1-9]))(?!\d)/);
  return {
    lift: named.length === 1 ? labelOf(named[0]) : "",
    day: day ? [day[1], ...[day[2] ?? day[4], day[3] ?? day[5]].map((part) => part.padStart(2, "0"))].join("-") : "",
    level: LEVELS.find(([, word]) => word.test(name))?.[0] ?? "half_month",
  };
}

function say(row, state, text) {
  row.dataset.state = state;
  const place = row.querySelector("[data-result]");
  place.textContent = text;
  place.className = state === "bad" ? "sev sev-high" : state === "done" ? "strong" : "muted";
  for (const field of row.querySelectorAll("input, select")) field.disabled = state === "done" || state === "busy";
}

function count() {
  const rows = [...list.children];
  const of = (state) => rows.filter((row) => row.dataset.state === state).length;
  summary.textContent = rows.length ? `${words.files} ${rows.length} · ${words.done} ${of("done")} · ${words.bad} ${of("bad")}` : "";
  form.querySelector("[data-send]").hidden = of("done") === rows.length;
}

function add(files) {
  for (const file of files) {
    const key = `${file.name}/${file.size}/${file.lastModified}`;
    if (chosen.has(key)) continue;
    const row = pattern.content.firstElementChild.cloneNode(true);
    chosen.set(key, row);
    const { lift, day, level } = guess(file.name);
    row.querySelector("[data-name]").textContent = `${file.name} (${(file.size / 1e6).toFixed(1)} MB)`;
    for (const [name, value] of Object.entries({ lift, day, level })) row.querySelector(`[name=${name}]`).value = value;
    row.querySelector("[data-remove]").addEventListener("click", () => { chosen.delete(key); row.remove(); count(); });
    row.file = file;
    list.append(row);
    if (file.size > mostBytes) say(row, "bad", words.large);
    else say(row, "new", lift && day ? "" : words.incomplete);
  }
  document.getElementById("scan-table").hidden = false;
  count();
}

class Refused extends Error {}

async function ask(path, options = {}) {
  const answer = await fetch(`/api/v1${path}`, {
    ...options, headers: { Accept: "application/json", "X-CSRF-Token": form.elements._csrf.value, ...options.headers },
  });
  const body = answer.headers.get("content-type")?.includes("json") ? await answer.json() : {};
  if (!answer.ok) throw new Refused(body.detail || body.title || String(answer.status));
  return body;
}

async function send(row) {
  const value = (name) => row.querySelector(`[name=${name}]`).value.trim();
  const unit = byLabel.get(value("lift"));
  if (!unit || !value("day")) throw new Refused(words.incomplete);
  if (row.file.size > mostBytes) throw new Refused(words.large);
  if (!globalThis.crypto?.subtle) throw new Refused(words.insecure);
  const bytes = await row.file.arrayBuffer();
  const digest = await sha256(bytes);
  const path = `/units/${encodeURIComponent(unit)}/paper-scans`;
  let { received, complete } = await ask(`${path}/${digest}/state`);
  while (!complete) {
    say(row, "busy", `${Math.round((received / bytes.byteLength) * 100)} %`);
    ({ received, complete } = await ask(`${path}/${digest}?offset=${received}&size=${bytes.byteLength}`, {
      method: "PUT", body: bytes.slice(received, received + PIECE_BYTES),
    }));
  }
  return ask(path, {
    method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ on: value("day"), level: value("level"), sha256: digest, note: row.file.name.slice(0, 500) }),
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  once(form, async () => {
    for (const row of [...list.children].filter((r) => r.dataset.state !== "done")) {
      say(row, "busy", words.sending);
      try {
        const { repeated } = await send(row);
        say(row, "done", repeated ? words.repeated : words.attached);
      } catch (error) {
        say(row, "bad", error instanceof Refused ? error.message : error instanceof TypeError ? words.network : String(error));
      }
      count();
    }
    return false;
  });
});
input.addEventListener("change", () => { add(input.files); input.value = ""; });
const zone = document.getElementById("scan-zone");
for (const name of ["dragenter", "dragover"]) zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("over"); });
for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("over"));
zone.addEventListener("drop", (event) => { event.preventDefault(); add(event.dataTransfer.files); });
addEventListener("beforeunload", (event) => { if (form.getAttribute("aria-busy") === "true") event.preventDefault(); });
