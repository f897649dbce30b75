// A double press sends once; a lost connection loses nothing; leaving a half-filled form asks first.
import { say } from "./texts.js";

function busy(form, on) {
  for (const button of form.querySelectorAll("button:not([type=button])")) {
    if (on) button.setAttribute("aria-busy", "true");
    else button.removeAttribute("aria-busy");
  }
}

export function protectForms() {
  const sent = new WeakSet();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-once]")) return;
    if (sent.has(form)) {
      event.preventDefault();
      return;
    }
    if (!navigator.onLine) {
      event.preventDefault();
      showProblem(form, say("network"));
      return;
    }
    if (form.dataset.api) {
      event.preventDefault();
      sent.add(form);
      send(form, event.submitter).finally(() => sent.delete(form));
      return;
    }
    sent.add(form);
    busy(form, true);
  });
  // A page that comes back from the history may be sent again.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("form[data-auto] select, form[data-auto] input")) event.target.form.requestSubmit();
  });
}

// The fields as JSON: "detail.outcome" becomes {detail: {outcome}}, "ids[]" a list of numbers or of objects, "codes[text]" a list of texts, empty ones are left out, data-type says int, number, bool, time (a wall-clock time of the city), lines (a list of texts, one a line) or after (the day after the one that was chosen).
export function asJson(form, submitter) {
  const body = {};
  for (const [name, value] of new FormData(form, submitter)) {
    if (name === "_csrf" || value === "") continue;
    if (name.endsWith("[]")) {
      (body[name.slice(0, -2)] ??= []).push(value.startsWith("{") ? JSON.parse(value) : Number.parseInt(value, 10));
      continue;
    }
    if (name.endsWith("[text]")) {
      (body[name.slice(0, -6)] ??= []).push(value);
      continue;
    }
    const held = form.elements[name];
    const type = (held instanceof RadioNodeList ? held[0] : held)?.dataset?.type;
    const path = name.split(".");
    let place = body;
    for (const part of path.slice(0, -1)) place = place[part] ??= {};
    place[path.at(-1)] = type === "int" ? Number.parseInt(value, 10) : type === "number" ? Number(value) : type === "bool" ? value === "true" : type === "time" ? `${value}:00+08:00` : type === "after" ? dayAfter(value) : type === "lines" ? value.split(/[\s,，;；、]+/).filter(Boolean) : value;
  }
  return body;
}

// The first day that something no longer holds, from its last day.
function dayAfter(day) {
  const next = new Date(`${day}T00:00:00Z`);
  next.setUTCDate(next.getUTCDate() + 1);
  return next.toISOString().slice(0, 10);
}

// data-api with POST, or data-method; data-match is the state that the form was made from: the server refuses when it is older.
async function send(form, submitter) {
  form.querySelector("[data-problem]")?.remove();
  busy(form, true);
  try {
    const answer = await fetch(form.dataset.api, {
      method: form.dataset.method ?? "POST",
      headers: {
        "Content-Type": "application/json",
        Accept: "application/json",
        "X-CSRF-Token": form.elements._csrf?.value ?? "",
        ...(form.dataset.match ? { "If-Match": form.dataset.match } : {}),
        "Idempotency-Key": (form.dataset.idempotency ??= `${Date.now()}-${Math.random().toString(36).slice(2)}`),
      },
      body: JSON.stringify(asJson(form, submitter)),
    });
    const body = answer.status !== 204 && answer.headers.get("content-type")?.includes("json") ? await answer.json() : {};
    if (!answer.ok) {
      showProblem(form, [body.title, body.detail].filter(Boolean).join(": ") || String(answer.status));
      return;
    }
    if (answer.status === 202 && body.handed_over) {
      showProblem(form, body.detail);
      return;
    }
    form.closest("details.action")?.removeAttribute("open");
    document.dispatchEvent(new CustomEvent("teshe:sent", { detail: body }));
    const then = form.dataset.then ?? "reload";
    if (then === "reload") location.reload();
    else if (then !== "renew") location.assign(then.replace(/\{(\w+)\}/g, (_, key) => encodeURIComponent(body[key] ?? "")));
  } catch {
    showProblem(form, say("network"));
  } finally {
    busy(form, false);
  }
}

// One sending at a time. `work` says true when the page is being left: the form then stays busy.
export async function once(form, work) {
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  let leaving = false;
  try {
    leaving = await work();
  } finally {
    if (!leaving) form.removeAttribute("aria-busy");
  }
}

// Sends a body, or what it becomes, and returns the answer; null when it was not taken: the reason then stands in the form, and what was chosen stays chosen.
export async function post(form, address, body, type = "application/octet-stream") {
  form.querySelector("[data-problem]")?.remove();
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": type, Accept: "application/json", "X-CSRF-Token": form.elements._csrf.value },
      body: await body,
    });
    const said = await answer.json();
    if (answer.ok) return said;
    showProblem(form, [said.title, said.detail].filter(Boolean).join(": "));
  } catch {
    showProblem(form, say("network"));
  }
  return null;
}

export function showProblem(form, text) {
  let place = form.querySelector("[data-problem]");
  if (!place) {
    place = document.createElement("div");
    place.className = "flash bad";
    place.dataset.problem = "";
    place.setAttribute("role", "alert");
    form.prepend(place);
  }
  place.textContent = text;
}
