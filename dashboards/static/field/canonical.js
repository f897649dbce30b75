// The canonical form of a record (RFC 8785) as the server writes it, and its SHA-256.

/** JSON in the canonical form: names in UTF-16 order, ECMAScript numbers, no spaces. */
export function canonical(value) {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new RangeError("a number that JSON cannot hold");
    return JSON.stringify(value);
  }
  if (typeof value === "string") {
    if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(value)) throw new RangeError("half a character");
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object") throw new TypeError(`no JSON: ${typeof value}`);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

/** SHA-256 of bytes or of a text, lower-case hex. */
export async function sha256(content) {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].map((b) => b.toString(16).padStart(2, "0")).join("");
}

/** A moment as the server writes it: UTC, whole seconds. */
export const moment = (date) => `${date.toISOString().slice(0, 19)}Z`;

/** The record with every field that the canonical form has; photos, places and the drawing only where there are any. */
export function complete(record) {
  const sign = (s) => ({ lon: null, lat: null, datum: "unknown", accuracy_m: null, how: "manual", ...s });
  const made = {
    parts: [], found: "", corrects: null, ...record,
    workers: record.workers.map((w) => ({ certificate_no: null, ...w })),
    sign_in: sign(record.sign_in), sign_out: sign(record.sign_out),
    items: record.items.map(({ photos, ...i }) => ({ value: null, note: "", ...i, ...(photos?.length ? { photos } : {}) })),
  };
  if (!made.places?.length) delete made.places;
  if (!made.drawn) delete made.drawn;
  return made;
}

export const digestOf = (record) => sha256(canonical(complete(record)));
