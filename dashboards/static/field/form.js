// What a visit is made of: which items are due, what is still open, and the record that is signed. No page, no store.

import { complete, moment } from "./canonical.js";

export const RESULTS = { pass: "合格", fail: "不合格", fixed: "已处理", not_applicable: "不适用" };
export const LEVELS = { half_month: "半月", quarter: "季度", half_year: "半年", year: "年度" };

/** A new visit of a lift, signed in. */
export const begin = (lift, session, sign) => ({
  id: crypto.randomUUID(), unit: lift.id, plate: lift.plate, name: lift.name, annex: lift.annex, level: "half_month",
  worker: session.name, account: session.account, sign_in: sign, places: {}, items: {}, found: "", parts: "", others: [], rev: 0,
});

/** A draft that corrects a record: what it said, its times and its pictures, to be changed and signed again. */
export const again = (record, lift, session) => {
  const { content } = record;
  const passed = Object.fromEntries((content.places ?? []).map((p) => [p.place, { at: p.at, photos: p.photos }]));
  return {
    ...begin(lift, session, content.sign_in), level: content.level, corrects: record.id, sign_out: content.sign_out, places: passed,
    items: Object.fromEntries(content.items.map(({ id, ...rest }) => [id, { photos: [], ...rest }])),
    found: content.found, others: content.workers.filter((w) => w.name !== session.name),
    parts: content.parts.map((p) => (p.quantity === 1 ? p.name : `${p.name}×${p.quantity}`)).join("；"),
  };
};

/** Parts as they are written down: 门滑块×2；轿厢灯. */
export const partsOf = (text) => text.split(/[;；\n]/).map((p) => p.trim()).filter(Boolean).map((piece) => {
  const [, name, count] = /^(.*?)\s*[×x*]\s*(\d+(?:\.\d+)?)$/i.exec(piece) ?? [null, piece, "1"];
  return { name, quantity: Number(count), note: "" };
});

/** The lift of a scanned or typed plate: its six digits, its unit number, or the address in its QR code. */
export function liftOf(lifts, text) {
  const wanted = text.trim().replace(/[?#].*$/, "").split("/").pop().toUpperCase();
  return wanted ? lifts.find((l) => l.plate === wanted || l.id.toUpperCase() === wanted) : undefined;
}

/** What an item's result is now: said of itself, or passed with its place; undefined while it is open. */
export function answerOf(draft, item) {
  const own = draft.items[item.id];
  if (own?.result) return own;
  return !item.one_by_one && draft.places[item.place] ? { result: "pass", value: null, note: "" } : undefined;
}

export const within = (measure, value) =>
  (measure.low === null || value >= measure.low) && (measure.high === null || value <= measure.high);

export const limits = (m) =>
  `${m.low === null ? "" : `≥ ${m.low} `}${m.high === null ? "" : `≤ ${m.high} `}${m.unit}`;

/** What must still be done before signing, in words. */
export function missing(draft, items) {
  const found = [];
  for (const item of items) {
    const answer = answerOf(draft, item);
    if (!answer && !item.condition_zh) found.push(`${item.id} ${item.name_zh}`);
    else if (answer && ["fail", "not_applicable"].includes(answer.result) && !answer.note.trim()) found.push(`${item.id} 请写明原因`);
    else if (answer && item.measure && ["pass", "fail"].includes(answer.result) && !Number.isFinite(answer.value)) found.push(`${item.id} 请填写测量值`);
  }
  return found;
}

/** The record of a finished visit, with every field of its canonical form. */
export const recordOf = (draft, items, signOut, drawn, now) => complete({
  unit_id: draft.unit, level: draft.level, workers: [{ name: draft.worker, certificate_no: draft.certificate ?? null }, ...(draft.others ?? [])], sign_in: draft.sign_in,
  sign_out: draft.sign_out ?? signOut, parts: partsOf(draft.parts ?? ""), corrects: draft.corrects ?? null,
  submitted_at: moment(now), found: draft.found, drawn,
  places: Object.entries(draft.places).map(([place, p]) => ({ place, at: p.at, photos: p.photos })),
  items: items.flatMap((item) => {
    const answer = answerOf(draft, item);
    return answer ? [{ id: item.id, result: answer.result, value: answer.value ?? null, note: answer.note ?? "", photos: answer.photos ?? [] }] : [];
  }),
});
