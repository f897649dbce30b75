// 现场复查: what is typed and photographed stays in this browser until the server has taken it. Photographs and steps wait in one
// queue, in their order; what the server refuses stays with its reason until somebody decides.
import { sha256 } from "../field/canonical.js";
import { h } from "../field/dom.js";
import { storeOf } from "../field/store.js";
import { fitting } from "./casefile.js";
import { asJson } from "./forms.js";

const CACHE = "teshe-site";
const WAIT_MS = 15_000;
const TYPING_MS = 300;
const OLD_MS = 300_000;
const store = storeOf("teshe-on-site", { drafts: "id", queue: "id", photos: "sha256" });
const root = document.querySelector("[data-on-site]");
const list = root.querySelector("[data-queue]");
const state = root.querySelector("[data-state]");
const account = Number(root.dataset.account);
const hazard = root.dataset.hazard ?? "";
let timer = 0;

class Refused extends Error {}
class LoggedOut extends Error {}

const word = (name) => root.querySelector("template[data-words]").content.querySelector(`[data-word="${name}"]`).textContent;

function say(name) {
  state.textContent = word(name);
}

async function ask(address, options = {}) {
  const answer = await fetch(address, { ...options, signal: AbortSignal.timeout(60_000), redirect: "error" });
  if (answer.status === 401) throw new LoggedOut();
  if (answer.status >= 500 || answer.status === 429) throw new TypeError(`status ${answer.status}`);
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Refused(said.detail ?? said.title ?? String(answer.status));
  }
  return answer.json();
}

async function sendOne(entry, csrf) {
  if (entry.kind === "photo") {
    const photo = await store.get("photos", entry.sha256);
    await ask(entry.address, { method: "POST", headers: { "Content-Type": "application/octet-stream", "X-CSRF-Token": csrf }, body: photo.bytes });
  } else {
    await ask(entry.address, { method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf }, body: entry.body });
  }
  await forget(entry);
}

/** An entry leaves the queue, and its photograph with it: both or neither. */
async function forget(entry) {
  const shared = (await store.all("queue")).some((e) => e.id !== entry.id && e.sha256 === entry.sha256);
  await store.within(["queue", "photos"], "readwrite", (tx) => {
    tx.objectStore("queue").delete(entry.id);
    if (entry.sha256 && !shared) tx.objectStore("photos").delete(entry.sha256);
  });
}

async function sendAll() {
  const waiting = (await store.all("queue")).sort((a, b) => a.at.localeCompare(b.at));
  if (!waiting.length) return say("empty");
  say("sending");
  const session = await ask("/api/v1/ledger/on-site");
  const stuck = new Set();
  let done = 0;
  for (const entry of waiting) {
    const why = entry.account !== session.account ? word("other") : stuck.has(entry.hazard) ? word("after") : null;
    try {
      if (why) throw new Refused(why);
      await sendOne(entry, session.csrf);
      done += entry.hazard === hazard ? 1 : 0;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      stuck.add(entry.hazard);
      await store.put("queue", { ...entry, why: error.message });
    }
    await show();
  }
  say(stuck.size ? "conflict" : "empty");
  if (done && !stuck.size && !(await store.all("drafts")).some((d) => d.hazard === hazard)) location.reload();
}

/** Send what waits, one window at a time; without network again by itself. */
function sync() {
  clearTimeout(timer);
  return navigator.locks.request("teshe-on-site", { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    try {
      await sendAll();
    } catch (error) {
      if (error instanceof LoggedOut) return say("logged-out");
      if (!(error instanceof TypeError) && error.name !== "TimeoutError" && error.name !== "AbortError") throw error;
      say("offline");
      timer = setTimeout(sync, WAIT_MS);
    }
  }).then(show);
}

async function show() {
  const waiting = (await store.all("queue")).sort((a, b) => a.at.localeCompare(b.at));
  root.querySelector("[data-waiting]").textContent = String(waiting.length);
  root.dataset.waiting = String(waiting.length);
  list.replaceChildren(...waiting.map((entry) => h("li", {},
    h("b", {}, entry.number), ` ${entry.label} `, h("span", { class: "muted" }, entry.at.slice(0, 16).replace("T", " ")),
    entry.why ? h("div", { class: "error" }, entry.why) : null,
    entry.why ? h("button", { type: "button", class: "button small", onclick: () => drop(entry) }, word("drop")) : null)));
}

async function drop(entry) {
  if (!confirm(`${word("really")} ${entry.number} ${entry.label}`)) return;
  await forget(entry);
  await show();
}

async function keep(entry, photo) {
  await store.within(["queue", "photos", "drafts"], "readwrite", (tx) => {
    tx.objectStore("queue").put({ ...entry, hazard, number: root.dataset.number, account, at: new Date().toISOString() });
    if (photo) tx.objectStore("photos").put(photo);
    if (entry.draft) tx.objectStore("drafts").delete(entry.draft);
  });
  await show();
  sync();
}

async function keepPhoto(form) {
  const stage = form.elements.stage;
  for (const file of form.elements.file.files) {
    const blob = await fitting(file);
    const bytes = await blob.arrayBuffer();
    const name = await sha256(bytes);
    const label = `${word("photo")} · ${stage.selectedOptions[0].textContent}`;
    await keep({ id: `${hazard}:${stage.value}:${name}`, kind: "photo", sha256: name, label, address: `${form.dataset.upload}?stage=${encodeURIComponent(stage.value)}` }, { sha256: name, bytes, type: blob.type });
  }
  form.elements.file.value = "";
}

const draftId = (form) => `${hazard}:${form.dataset.api}`;

async function keepStep(form, submitter) {
  const body = asJson(form, submitter);
  body.detail = { ...body.detail, device_time: new Date().toISOString() };
  body.request = crypto.randomUUID();
  const label = form.querySelector("button").textContent.trim();
  await keep({ id: body.request, kind: "step", label, address: form.dataset.api, body: JSON.stringify(body), draft: draftId(form) });
  form.reset();
  form.closest("details")?.removeAttribute("open");
}

let typing = 0;
function keepDraft(form) {
  clearTimeout(typing);
  typing = setTimeout(() => {
    const values = {};
    for (const input of form.elements) if (input.name && input.type !== "hidden" && input.value) values[input.name] = input.value;
    store.put("drafts", { id: draftId(form), hazard, account, values });
  }, TYPING_MS);
}

async function restoreDrafts() {
  for (const form of document.querySelectorAll("form[data-on-site-step]")) {
    const draft = await store.get("drafts", draftId(form));
    if (!draft || draft.account !== account) continue;
    for (const [name, value] of Object.entries(draft.values)) if (form.elements[name]) form.elements[name].value = value;
    form.closest("details")?.setAttribute("open", "");
    form.prepend(h("p", { class: "help", role: "status" }, word("restored")));
  }
}

/** Pages, photographs and files of the shell are kept in this browser, so that they open in a shaft without signal. */
async function takeAlong() {
  const told = document.querySelector("[data-taken]");
  await navigator.serviceWorker.register("/ledger/site/worker.js", { scope: "/ledger/" });
  const cache = await caches.open(CACHE);
  const mark = `account-${account}`;
  if (!(await cache.match(`/ledger/site/${mark}`))) {
    for (const key of await cache.keys()) await cache.delete(key);
    await cache.put(`/ledger/site/${mark}`, new Response(""));
  }
  const shell = performance.getEntriesByType("resource").map((r) => new URL(r.name)).filter((u) => u.origin === location.origin && u.pathname.startsWith("/static/"));
  const pages = [...document.querySelectorAll("a[data-take]")].map((a) => a.getAttribute("href"));
  let taken = 0;
  for (const address of [location.pathname, ...shell.map((u) => u.pathname + u.search), ...pages]) {
    const answer = await fetch(address, { headers: { Accept: "text/html,*/*" } });
    if (!answer.ok || answer.redirected) continue;
    const kept = answer.clone();
    await cache.put(address, answer);
    if (!pages.includes(address)) continue;
    taken += 1;
    const found = new DOMParser().parseFromString(await kept.text(), "text/html");
    const more = [...found.querySelectorAll("script[src], link[rel=stylesheet]")].map((e) => e.getAttribute("src") ?? e.getAttribute("href"));
    for (const source of [...more, ...[...found.querySelectorAll("img[src^='/api/']")].map((e) => e.getAttribute("src"))]) {
      if (!(await cache.match(source))) await cache.add(source).catch(() => undefined);
    }
  }
  if (told) told.textContent = `${taken} / ${pages.length}`;
}

/** Without what keeping needs (an inner browser, a page that is not secure) the forms send at once, as on every other page. */
function sendAtOnce() {
  for (const form of document.querySelectorAll("form[data-on-site-step]")) {
    form.setAttribute("data-once", "");
    form.dataset.then = "reload";
  }
  say("unable");
}

async function start() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-on-site-step], form[data-upload]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (form.matches("[data-upload]")) keepPhoto(form);
    else keepStep(form, event.submitter);
  }, { capture: true });
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (form?.matches("form[data-on-site-step]")) keepDraft(form);
  });
  addEventListener("online", sync);
  root.querySelector("[data-again]").addEventListener("click", sync);
  await show();
  await restoreDrafts();
  navigator.storage?.persist?.();
  if (Date.now() - Date.parse(root.dataset.made) > OLD_MS) root.querySelector("[data-old]").hidden = false;
  sync();
  if (navigator.onLine) takeAlong().catch((error) => { if (!(error instanceof TypeError)) throw error; });
}

if (window.indexedDB && navigator.locks && crypto.subtle && "serviceWorker" in navigator) start();
else sendAtOnce();
