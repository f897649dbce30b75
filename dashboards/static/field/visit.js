// One visit on the screen: places, exceptions, values, signature. Every tap is kept before the screen shows it.

import * as camera from "./camera.js";
import { canonical, moment, sha256 } from "./canonical.js";
import { h, pad, position } from "./dom.js";
import { LEVELS, RESULTS, answerOf, limits, liftOf, missing, recordOf, within } from "./form.js";
import { PhotoError, take, takeDrawing } from "./photo.js";
import { enqueue, get, put } from "./store.js";

/** Show a visit. ``host``: shift, main, say(text), done(). ``mine`` false: another window has this draft open. */
export function show(host, draft, mine) {
  const items = () => host.shift.checklists[draft.annex]?.[draft.level] ?? [];
  const errors = h("p", { class: "error", role: "alert" });
  let saving = Promise.resolve();

  let drawn = -1;
  const draw = () => {
    if (drawn === draft.rev) return; // nothing changed: a signature being drawn stays
    drawn = draft.rev;
    const groups = Map.groupBy ? Map.groupBy(items(), (i) => i.place) : grouped(items());
    const scroll = scrollY;
    const typing = typingNow();
    const running = camera.opened() ? camera.view() : null;
    const open = new Set([...document.querySelectorAll("details[open]")].map((d) => d.dataset.place));
    host.main.replaceChildren(...head(), shutter(running), ...[...groups].map(([p, list]) => place(p, list, open.has(p))), more(open), finish(), errors);
    if (running?.paused) running.play();
    typing?.restore();
    scrollTo(0, scroll);
  };
  const keep = (change) => {
    change(draft);
    draft.rev += 1;
    saving = saving.then(async () => {
      await put("drafts", draft);
      draw();
    }).catch((error) => { errors.textContent = `没有存到本机：${error.message}。请勿关闭页面，清理手机空间后再点一次。`; });
    return saving;
  };
  const kept = async (taken, then) => {
    try { await then(await take(taken)); } catch (error) {
      if (!(error instanceof PhotoError) && error.name !== "QuotaExceededError") throw error;
      errors.textContent = error instanceof PhotoError ? error.message : "手机空间不足，照片没有存下，请清理后重拍。";
    }
  };
  const photo = (label, name, then) => camera.opened() ? h("button", {
    class: "button primary", "data-shoot": name, disabled: !mine, onclick: async () => kept(await camera.shoot(), then),
  }, label) : h("label", { class: "button primary" }, label, h("input", {
    type: "file", accept: "image/*", capture: "environment", class: "hidden-file", "data-photo": name, disabled: !mine,
    onchange: (e) => (e.target.files[0] ? kept(e.target.files[0], then) : undefined),
  }));

  const head = () => [
    mine ? null : h("p", { class: "note bad", role: "alert" }, "此草稿已在另一窗口打开，这里只能查看。请关闭另一窗口后重新打开。"),
    h("button", { class: "button quiet", onclick: host.done }, "‹ 返回"),
    h("h1", {}, draft.name),
    h("p", { class: "muted" }, `${draft.plate ?? draft.unit} · 签到 ${new Date(draft.sign_in.at).toLocaleTimeString("zh-CN")}${draft.sign_in.lon === undefined ? " · 无定位" : ""}`),
    h("div", { class: "segments", role: "group", "aria-label": "维保级别" }, Object.entries(LEVELS).map(([level, word]) =>
      h("button", { "aria-pressed": String(draft.level === level), disabled: !mine, onclick: () => keep((d) => { d.level = level; }) }, word))),
  ].filter(Boolean);

  const redraw = () => { drawn = -1; draw(); };
  const openCamera = async () => { errors.textContent = await camera.open(); redraw(); };
  const shutter = (running) => running ? h("section", { class: "place" }, running)
    : camera.possible() && mine ? h("button", { class: "button wide", "data-camera": true, onclick: openCamera }, "打开相机，一键拍照") : "";

  /** Who else worked, which parts, what was found: needed now and then, so folded. */
  const more = (open) => h("section", { class: "place" }, h("details", { "data-place": "more", open: open.has("more") },
    h("summary", {}, `同行人员、更换部件、发现问题${(draft.others ?? []).length ? `（同行 ${draft.others.length} 人）` : ""}`),
    h("div", { class: "people" }, (host.shift.people ?? []).filter((p) => p.name !== draft.worker).map((person) => h("label", { class: "choice" },
      h("input", {
        type: "checkbox", disabled: !mine, "data-person": person.name, checked: (draft.others ?? []).some((o) => o.name === person.name && o.certificate_no === person.certificate_no),
        onchange: (e) => keep((d) => {
          const rest = (d.others ?? []).filter((o) => o.name !== person.name || o.certificate_no !== person.certificate_no);
          d.others = e.target.checked ? [...rest, person] : rest;
        }),
      }), ` ${person.name}`))),
    h("p", { class: "muted" }, "同行人员须用本人账号登录后在记录页签名。"),
    text("parts", "更换部件（如 门滑块×2；轿厢灯）"), text("found", "发现的问题或隐患")));
  const text = (field, label) => h("label", { class: "value" }, label, h("textarea", {
    rows: 2, maxlength: 1000, disabled: !mine, "data-text": field, oninput: (e) => keep((d) => { d[field] = e.target.value; }),
  }, draft[field] ?? ""));

  const place = (name, list, open) => {
    const passed = draft.places[name];
    const left = list.filter((i) => !answerOf(draft, i) && !i.condition_zh).length;
    return h("section", { class: `place${left ? "" : " done"}`, "data-place": name },
      h("h2", {}, host.shift.places[name], h("span", { class: "muted" }, left ? `还有 ${left} 项` : "✓ 完成")),
      passed
        ? h("p", { class: "muted" }, `已拍照通过 ${new Date(passed.at).toLocaleTimeString("zh-CN")} · 照片 ${passed.photos.length}`)
        : photo(`拍照并通过 ${list.filter((i) => !i.one_by_one).length} 项`, name, (sha) => keep((d) => { d.places[name] = { at: moment(new Date()), photos: [sha] }; })),
      list.filter((i) => i.one_by_one).map(row),
      h("details", { "data-place": name, open }, h("summary", {}, "逐项查看 / 填写例外"), list.filter((i) => !i.one_by_one).map(row)));
  };

  const row = (item) => {
    const answer = answerOf(draft, item);
    const set = (more) => keep((d) => { d.items[item.id] = { result: "", value: null, note: "", photos: [], ...d.items[item.id], ...more }; });
    return h("div", { class: "item", "data-item": item.id },
      h("b", {}, `${item.name_zh}`), h("p", { class: "muted" }, item.requirement_zh, item.condition_zh ? `（${item.condition_zh}）` : ""),
      item.measure ? h("label", { class: "value" }, `测量值 ${limits(item.measure)}`, h("input", {
        type: "number", step: "any", inputmode: "decimal", value: answer?.value ?? "", disabled: !mine, "data-value": item.id,
        oninput: (e) => {
          const value = e.target.value === "" ? null : Number(e.target.value);
          if (value === null) return set({ value, result: "" });
          const good = within(item.measure, value);
          set({ value, result: good ? "pass" : "fail", note: good ? "" : `测量值 ${value} ${item.measure.unit}，要求 ${limits(item.measure)}` });
        },
      })) : null,
      h("div", { class: "segments" }, Object.entries(RESULTS).map(([result, word]) => h("button", {
        "aria-pressed": String(answer?.result === result), "data-result": result, disabled: !mine, onclick: () => set({ result }),
      }, word))),
      answer && answer.result !== "pass" ? h("div", {}, h("label", { class: "value" }, "原因 / 说明", h("input", {
        value: answer.note, maxlength: 500, disabled: !mine, "data-note": item.id, oninput: (e) => set({ note: e.target.value }),
      })), photo(`添加照片（${answer.photos?.length ?? 0}）`, item.id, (sha) => set({ photos: [...(answer.photos ?? []), sha] }))) : null);
  };

  const finish = () => {
    const open = missing(draft, items());
    if (open.length) return h("section", { class: "place" }, h("h2", {}, `还有 ${open.length} 项`), h("ul", {}, open.slice(0, 6).map((t) => h("li", {}, t))));
    let signed = false;
    let plate = "";
    const submit = h("button", { class: "button primary wide", id: "submit", disabled: true, onclick: () => send(submit, plate, drawing.canvas) }, "签退、签名并提交");
    const wrong = h("p", { class: "error", role: "alert", id: "plate-wrong" });
    const ready = () => {
      const lift = liftOf(host.shift.lifts, plate);
      wrong.textContent = draft.corrects || lift?.id === draft.unit || (!lift && plate.trim().length < 6) ? ""
        : `${lift ? `这是“${lift.name}”的电梯码` : `本单位没有电梯码 ${plate.trim()}`}，签到的是“${draft.name}”：请到该电梯处扫码或输入 ${draft.plate ?? draft.unit}。已填内容都在。`;
      submit.disabled = !(mine && signed && (draft.corrects || lift?.id === draft.unit));
    };
    const drawing = pad((yes) => { signed = yes; ready(); });
    return h("section", { class: "place" }, h("h2", {}, draft.corrects ? "更正" : "签退"),
      draft.corrects ? h("p", { class: "muted" }, "更正沿用原来的签到、签退时间，请重新签名。") : h("label", { class: "value" }, `再次扫码或输入电梯码`, h("input", { id: "plate-out", inputmode: "numeric", autocomplete: "off", oninput: (e) => { plate = e.target.value; ready(); } })),
      draft.corrects ? null : host.scanButton((text) => { plate = text; document.getElementById("plate-out").value = text; ready(); }),
      wrong, h("p", { class: "muted" }, `${draft.worker} 在此手写签名`), drawing.canvas,
      h("button", { class: "button quiet", onclick: drawing.clear }, "重签"), submit);
  };

  const send = async (button, plate, canvas) => {
    button.disabled = true;
    await saving;
    const now = new Date();
    const stored = await get("drafts", draft.id);
    if (!stored || stored.rev !== draft.rev) {
      errors.textContent = "这份草稿已在别处改过或提交，请返回后重新打开。";
      return;
    }
    const signOut = draft.sign_out ?? { at: moment(now), how: "plate", ...(await position()) };
    const record = recordOf(draft, items(), signOut, await takeDrawing(canvas), now);
    const text = canonical(record);
    const photos = [...new Set([...(record.places ?? []).flatMap((p) => p.photos), ...record.items.flatMap((i) => i.photos ?? []), record.drawn])];
    await enqueue({
      id: draft.id, unit: draft.unit, name: draft.name, account: draft.account, worker: draft.worker, canonical: text,
      digest: await sha256(text), photos, signedAt: moment(now), state: "waiting", why: "", draft,
    });
    host.done("已签名，存于本机，有网络时自动上传");
  };

  draft.certificate ??= (host.shift.people ?? []).find((p) => p.name === draft.worker)?.certificate_no;
  draw();
  if (mine && camera.possible() && camera.chosen()) openCamera();
}

/** The field that is being typed into, so that drawing again takes neither its text nor the keyboard away. */
function typingNow() {
  const { value, dataset, selectionStart: caret } = document.activeElement ?? {};
  const [name, id] = dataset?.value ? ["value", dataset.value] : dataset?.note ? ["note", dataset.note] : dataset?.text ? ["text", dataset.text] : [];
  return name && {
    restore() {
      const again = document.querySelector(`[data-${name}="${CSS.escape(id)}"]`);
      if (!again) return;
      again.value = value;
      again.focus({ preventScroll: true });
      if (name !== "value") again.setSelectionRange(caret, caret);
    },
  };
}

function grouped(list) {
  const found = new Map();
  for (const item of list) found.set(item.place, [...(found.get(item.place) ?? []), item]);
  return found;
}
