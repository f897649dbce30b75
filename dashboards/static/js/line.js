// Calls on the line: the seat says every few seconds that it is there, the lift's card stands as soon as its plate is typed,
// and the page asks the watchdog whether the timers run.
const BEAT_MS = 15000;
const WATCH_MS = 5000;
const csrf = () => document.querySelector("input[name=_csrf]")?.value ?? "";

async function beat() {
  if (!document.querySelector(".line-open")) return;
  await fetch("/api/v1/line/beat", { method: "POST", headers: { "X-CSRF-Token": csrf() } }).catch(() => {});
}

async function watch() {
  const banner = document.getElementById("watch-banner");
  const answer = await fetch("/api/v1/desk/watch", { headers: { Accept: "application/json" } }).catch(() => null);
  const seen = answer?.ok ? await answer.json() : { reason: `HTTP ${answer?.status ?? "—"}` };
  banner.hidden = !seen.reason;
  banner.querySelector("[data-watch-reason]").textContent = seen.reason ?? "";
  banner.querySelector("[data-watch-none]").hidden = seen.duty !== 0;
  banner.querySelector("[data-watch-told]").hidden = !seen.duty;
  banner.querySelector("[data-watch-count]").textContent = `${seen.told ?? 0}/${seen.duty ?? 0}`;
  const link = document.getElementById("link-banner");
  if (answer?.ok) link.hidden = !seen.link;
  if (seen.link) link.querySelector("[data-link-reason]").textContent = seen.link;
}

let wanted = "";
let timer = null;
async function look(form, text) {
  if (text === wanted) return;
  wanted = text;
  const answer = await fetch(`/calls/lift?q=${encodeURIComponent(text)}`).catch(() => null);
  if (!answer?.ok || text !== wanted) return;
  const card = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("lift-card");
  if (card) form.querySelector("[data-lift-card]").replaceChildren(document.adoptNode(card));
}

export function startLine() {
  const line = document.getElementById("line").parentElement;
  line.addEventListener("input", (event) => {
    const form = event.target.closest(".line-open");
    if (!form || !event.target.matches("[data-lift-input]")) return;
    const text = event.target.value.trim();
    clearTimeout(timer);
    if (text.length >= 2) timer = setTimeout(() => look(form, text), /^\d{6}$/.test(text) ? 0 : 250);
  });
  line.addEventListener("click", (event) => {
    const chosen = event.target.closest("[data-plate]");
    const form = event.target.closest(".line-open");
    if (!chosen || !form) return;
    form.elements.lift.value = chosen.dataset.plate;
    form.elements.lift.focus();
    look(form, chosen.dataset.plate);
  });
  // the form of a call that was just taken has the cursor, once: the next thing is the plate; afterwards the keys are the page's
  const seen = new Set();
  const fresh = () => [...document.querySelectorAll("[data-lift-input]")].filter((field) => !seen.has(field.id) && seen.add(field.id));
  fresh();
  document.addEventListener("teshe:renewed", (event) => {
    if (event.target.id !== "line") return;
    const [field] = fresh();
    if (field && document.activeElement?.matches("body, button")) field.focus();
  });
  setInterval(beat, BEAT_MS);
  setInterval(watch, WATCH_MS);
  watch();
}
