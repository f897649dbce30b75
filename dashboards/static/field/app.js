// 现场维保: today's lifts, drafts and what waits to be sent. Opens and works without network.

import * as camera from "./camera.js";
import { h, position } from "./dom.js";
import { moment } from "./canonical.js";
import { again, begin, liftOf } from "./form.js";
import { all, enqueue, get, put, remove } from "./store.js";
import { sync } from "./sync.js";
import { show } from "./visit.js";

const main = document.getElementById("main");
const queue = document.getElementById("queue");
const STATES = { empty: "", sending: "正在上传…", offline: "无网络，稍后自动再传", "logged-out": "登录已过期，请登录后上传", conflict: "有记录需要处理" };
const MOST_TOLD = 3;
let shift = null;
let sending = "empty";
let inVisit = false;
let release = null;
let arriving = false;
let lastWords = "";

/** What this browser lacks for working without network; empty when it has all. */
async function lacking() {
  if (!("serviceWorker" in navigator) || !("locks" in navigator) || !crypto.subtle) return "离线存储";
  try {
    await get("shift", "shift");
    await navigator.serviceWorker.register("/field/worker.js", { scope: "/field" });
    await navigator.serviceWorker.ready;
    return "";
  } catch (error) {
    // without network the registered worker stays; without one this form would lose what is typed
    const there = await navigator.serviceWorker.getRegistration("/field").catch(() => undefined);
    return there?.active && error.name !== "InvalidStateError" ? "" : "离线存储";
  }
}

async function tell(state) {
  sending = state;
  const waiting = await all("queue");
  queue.textContent = waiting.length ? `本机 ${waiting.length} 条待上传` : "本机无待上传";
  queue.dataset.state = waiting.length ? state : "empty";
  if (!inVisit) await home();
}

async function loadShift() {
  try {
    const answer = await fetch("/api/v1/field/shift", { signal: AbortSignal.timeout(15_000) });
    if (answer.status === 401) sending = "logged-out";
    if (answer.ok) {
      const { name, ...rest } = await answer.json();
      await put("shift", { ...rest, name: "shift", worker: name });
    }
  } catch (error) {
    if (!(error instanceof TypeError) && error.name !== "TimeoutError") throw error;
    sending = "offline";
  }
  shift = await get("shift", "shift");
}

async function openVisit(draft) {
  inVisit = true;
  lastWords = "";
  const name = `teshe-field-draft-${draft.id}`;
  const mine = await new Promise((resolve) => {
    navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      resolve(Boolean(lock));
      return lock ? new Promise((free) => { release = free; }) : undefined;
    });
  });
  if (!mine) takeOver(name, draft.id);
  await shown(draft.id, mine);
}

async function shown(id, mine) {
  const fresh = await get("drafts", id);
  if (!fresh) return done("这份草稿已提交");
  // a template that got a new version meanwhile: what was answered stays, what is new is open
  if (!shift.checklists[fresh.annex]) fresh.annex = shift.lifts.find((l) => l.id === fresh.unit)?.annex;
  if (!shift.checklists[fresh.annex]) return done("这台设备已不在今天的电梯中，或维保模板已撤回。草稿保留在本机。");
  show({ shift, main, done, scanButton }, fresh, mine);
}

/** Another window has the draft, or a closed one has not let go of it yet: go on here as soon as it does. */
function takeOver(name, id) {
  const left = new AbortController();
  release = () => left.abort();
  navigator.locks.request(name, { signal: left.signal }, (lock) => new Promise((free) => {
    release = free;
    if (lock) shown(id, true);
  })).catch((error) => { if (error.name !== "AbortError") throw error; });
}

async function done(words = "") {
  inVisit = false;
  camera.close();
  release?.();
  release = null;
  if (typeof words === "string") lastWords = words;
  scrollTo(0, 0);
  await tell(sending);
  sync(tell);
}

function scanButton(then) {
  if (!("BarcodeDetector" in window)) return null;
  if (camera.possible()) return h("button", { class: "button", "data-scan": true, onclick: (e) => scanNow(e.target, then) }, "扫码");
  return h("label", { class: "button" }, "扫码", h("input", {
    type: "file", accept: "image/*", capture: "environment", class: "hidden-file",
    onchange: async (e) => {
      const bitmap = e.target.files[0] && await createImageBitmap(e.target.files[0]).catch(() => null);
      const [code] = bitmap ? await new BarcodeDetector({ formats: ["qr_code"] }).detect(bitmap) : [];
      if (code) then(code.rawValue);
      else alertLine("没有识别到二维码，请靠近重拍，或输入电梯码");
    },
  }));
}

/** Scan with the running camera: no photo, no second tap. */
async function scanNow(button, then) {
  const before = camera.opened();
  const refused = await camera.open();
  if (refused) return alertLine(`${refused} 也可以输入电梯码。`);
  const stop = new AbortController();
  const box = h("div", { class: "place" }, camera.view(), h("button", { class: "button quiet", onclick: () => stop.abort() }, "取消扫码"));
  button.after(box);
  const code = await camera.scan(stop.signal);
  box.remove();
  if (!before) camera.close();
  return code ? then(code) : undefined;
}

const alertLine = (text) => { const line = document.getElementById("alert"); if (line) line.textContent = text; };

async function arrive(text) {
  const lift = liftOf(shift.lifts, text);
  if (!lift) return text.trim().length >= 6 ? alertLine(`本单位没有电梯码 ${text.trim()} 的电梯，请核对铭牌`) : undefined;
  if (arriving) return undefined; // one sign-in at a time, however often the plate is read
  arriving = true;
  try { return await signIn(lift); } finally { arriving = false; }
}

async function signIn(lift) {
  const open = (await all("drafts")).find((d) => d.unit === lift.id && d.account === shift.account);
  if (open) return openVisit(open);
  if (!lift.annex) return alertLine("这台设备的维保项目由制造单位规定，模板尚未批准或指定，请在电脑“维保模板”中导入，或用 Excel 报送");
  inVisit = true;
  main.replaceChildren(h("p", { class: "note" }, "正在签到并定位…"));
  const draft = begin(lift, { name: shift.worker, account: shift.account }, { at: moment(new Date()), how: "plate", ...(await position()) });
  await put("drafts", draft);
  return openVisit(draft);
}

async function home() {
  if (!shift) {
    main.replaceChildren(h("p", { class: "note bad" }, sending === "logged-out" ? "请先登录。" : "本机还没有今天的电梯，请在有网络时打开一次。"), h("a", { class: "button primary wide", href: "/login?next=/field" }, "登录"));
    return;
  }
  const [drafts, waiting, receipts] = await Promise.all([all("drafts"), all("queue"), all("receipts")]);
  if (inVisit) return; // a visit was opened meanwhile: its screen stays
  const state = (lift) => {
    if (drafts.some((d) => d.unit === lift.id)) return "草稿";
    const sent = waiting.find((e) => e.unit === lift.id);
    if (sent) return sent.state === "conflict" ? "需处理" : "待上传";
    return receipts.some((r) => r.unit === lift.id && r.at.slice(0, 10) === moment(new Date()).slice(0, 10)) ? "已上传" : lift.due_on ? `到期 ${lift.due_on}` : "无记录";
  };
  const typed = document.getElementById("plate")?.value ?? "";
  const caret = document.activeElement?.id === "plate" ? document.activeElement.selectionStart : null;
  main.replaceChildren(
    lastWords ? h("p", { class: "note", role: "status" }, lastWords) : "",
    sending !== "empty" && STATES[sending] ? h("p", { class: `note ${sending}`, role: "status" }, STATES[sending], sending === "logged-out" ? h("a", { href: "/login?next=/field" }, " 登录") : null) : "",
    h("label", { class: "value" }, "扫码或输入电梯码签到", h("input", { id: "plate", inputmode: "numeric", autocomplete: "off", maxlength: 40, value: typed, oninput: (e) => arrive(e.target.value) })),
    scanButton(arrive) ?? "", h("p", { id: "alert", class: "error", role: "alert" }),
    ...waiting.map((e) => h("section", { class: `place ${e.state}` }, h("h2", {}, e.name, h("span", {}, e.state === "conflict" ? "需处理" : e.receipt ? "已报送，待签名" : "待上传")),
      e.why ? h("p", { class: "error" }, e.why) : null,
      e.state === "conflict" && !e.receipt ? h("button", { class: "button", onclick: () => reopen(e.id) }, "改回草稿") : null)),
    ...(shift.disputed ?? []).filter((r) => !waiting.some((e) => e.draft?.corrects === r.id) && !receipts.some((e) => e.corrects === r.id)).map((r) => h("section", { class: "place conflict" },
      h("h2", {}, r.name, h("span", {}, "使用单位有异议")), h("p", {}, r.reason),
      h("button", { class: "button", "data-correct": r.id, onclick: () => correct(r) }, "更正这份记录"))),
    ...receipts.filter((r) => r.warnings?.length && moment(new Date()).slice(0, 10) === r.at.slice(0, 10)).slice(-MOST_TOLD).map((r) => h("section", { class: "place", "data-warned": r.id },
      h("h2", {}, r.name, h("span", {}, "已上传，平台提示")), h("ul", {}, r.warnings.map((w) => h("li", {}, w))))),
    h("h2", {}, `今天的电梯（${shift.lifts.length}${shift.complete ? "" : "，只列最先到期的"}）`),
    h("ol", { class: "lifts" }, shift.lifts.map((lift) => h("li", {}, h("button", {
      class: "lift", "data-unit": lift.id,
      onclick: () => { const d = drafts.find((x) => x.unit === lift.id && x.account === shift.account); if (d) openVisit(d); else { alertLine(`到 ${lift.name} 后扫码或输入电梯码 ${lift.plate ?? lift.id}`); document.getElementById("plate").focus(); } },
    }, h("b", {}, lift.name), h("span", { class: "muted" }, lift.address), h("span", { class: "state" }, state(lift)))))),
    h("p", { class: "muted" }, `数据更新于 ${new Date(shift.at).toLocaleString("zh-CN")} · ${shift.worker}`));
  if (caret === null) return;
  const plate = document.getElementById("plate");
  plate.focus({ preventScroll: true });
  plate.setSelectionRange(caret, caret);
}

/** A correction is a new record of the same visit that names the one it corrects. */
async function correct(record) {
  const open = (await all("drafts")).find((d) => d.corrects === record.id && d.account === shift.account);
  if (open) return openVisit(open);
  const lift = liftOf(shift.lifts, record.unit);
  if (!lift?.annex) return alertLine("这台设备不在本机今天的电梯中，请在电脑上更正");
  const draft = again(record, lift, { name: shift.worker, account: shift.account });
  await put("drafts", draft);
  return openVisit(draft);
}

/** A refused record is opened again under the same key: if it was filed after all, the server says so. */
const reopen = (id) => navigator.locks.request("teshe-field-sync", async () => {
  const entry = await get("queue", id);
  if (!entry) return;
  await put("drafts", entry.draft);
  await remove("queue", id);
  await tell(sending);
});

async function start() {
  const lack = await lacking();
  if (lack) {
    queue.textContent = "不能离线";
    main.replaceChildren(h("p", { class: "note bad", role: "alert" }, "请在浏览器打开并添加到桌面"),
      /MicroMessenger/i.test(navigator.userAgent) ? h("p", {}, "您是在微信中打开的。") : "",
      h("p", {}, `当前应用（如微信）不支持${lack}，为免丢失，不在这里开始填写。点右上角“…”选“在浏览器打开”。`),
      h("p", {}, "使用单位确认记录、公众查询仍可在这里使用。"), h("a", { class: "button wide", href: "/use-unit" }, "使用单位确认"));
    return;
  }
  const kept = await navigator.storage?.persist?.().catch(() => false);
  document.body.dataset.persisted = String(Boolean(kept));
  await loadShift();
  await tell(sending);
  sync(tell);
  addEventListener("online", () => sync(tell));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) sync(tell); });
  queue.addEventListener("click", () => sync(tell));
  document.body.dataset.ready = "yes";
}

start();
