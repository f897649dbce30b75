// Sending: photos first, then the record, then the signature. Each step is repeatable, and nothing leaves the queue
// before the server's receipt names the digest that was computed here.

import { deviceName } from "../js/device.js";
import { all, get, put, settle } from "./store.js";

const PIECE_BYTES = 128 * 1024;
const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 300_000;
let wait = FIRST_WAIT_MS;
let timer = 0;

class Refused extends Error {}
class LoggedOut extends Error {}

/** Ask the server. A lost network and a server in trouble throw TypeError: try again later. */
async function ask(path, options = {}) {
  const answer = await fetch(`/api/v1${path}`, { ...options, signal: AbortSignal.timeout(60_000), redirect: "error" });
  if (answer.status === 401) throw new LoggedOut();
  if (answer.status >= 500 || answer.status === 429) throw new TypeError(`status ${answer.status}`);
  return answer;
}

class Waiting extends TypeError {}

/** What became of a request that was handed over to the government side; until that is known, the entry waits here. */
async function outcome(entry, step) {
  const answer = await ask(`/link/requests/${entry.handed[step]}`);
  if (answer.status === 404) {
    delete entry.handed[step];
    throw new Waiting("unknown");
  }
  const { status, answer: said } = await answer.json();
  if (status === null) throw new Waiting("handed over");
  return new Response(status === 204 ? null : said, { status, headers: { "Content-Type": "application/json" } });
}

/** Ask once; where the answer is only a number, remember it and look for the outcome the next time. */
async function askOnce(entry, step, path, options) {
  entry.handed ??= {};
  if (entry.handed[step]) return outcome(entry, step);
  const answer = await ask(path, options);
  if (answer.status !== 202) return answer;
  entry.handed[step] = (await answer.json()).handed_over;
  await put("queue", entry);
  throw new Waiting("handed over");
}

async function words(answer) {
  const body = await answer.json().catch(() => ({}));
  const details = (body.errors ?? body.problems ?? []).map((p) => `${p.field}: ${p.reason}`).join("；");
  return details || body.detail || `${answer.status}`;
}

async function sendPhoto(unit, name, csrf) {
  const photo = await get("photos", name);
  const path = `/units/${encodeURIComponent(unit)}/photos/${name}`;
  const state = await ask(`${path}/state`);
  if (!state.ok) throw new Refused(await words(state));
  let { received, complete } = await state.json();
  if (complete) return;
  if (!photo) throw new Refused(`照片 ${name.slice(0, 8)} 不在本机，也未在服务器`);
  while (!complete) {
    const size = photo.bytes.byteLength;
    const answer = await ask(`${path}?offset=${received}&size=${size}`, {
      method: "PUT", headers: { "X-CSRF-Token": csrf }, body: photo.bytes.slice(received, received + PIECE_BYTES),
    });
    if (!answer.ok) throw new Refused(await words(answer));
    ({ received, complete } = await answer.json());
  }
}

async function file(entry, csrf) {
  const answer = await askOnce(entry, "record", "/records", {
    method: "POST", body: entry.canonical,
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf, "Idempotency-Key": entry.id },
  });
  if (!answer.ok) throw new Refused(await words(answer));
  const receipt = await answer.json();
  if (receipt.digest !== entry.digest) throw new Refused("服务器回执的摘要与本机不一致，记录保留在本机，请联系管理员");
  return receipt;
}

async function sign(entry, csrf, account) {
  const path = `/records/${entry.receipt.record_id}/signatures`;
  const answer = await askOnce(entry, "signature", path, {
    method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
    body: JSON.stringify({ digest: entry.digest, device: deviceName(), device_time: entry.signedAt }),
  });
  if (answer.ok) return;
  const mine = await ask(path);
  const found = mine.ok ? await mine.json() : [];
  if (!found.some((s) => s.account_id === account && s.digest === entry.digest)) throw new Refused(await words(answer));
}

async function send(entry, session) {
  // handed over: the photos went before it
  if (!entry.handed?.record) for (const name of entry.photos) await sendPhoto(entry.unit, name, session.csrf);
  if (!entry.receipt) {
    entry.receipt = await file(entry, session.csrf);
    await put("queue", entry);
  }
  await sign(entry, session.csrf, session.account);
  const others = (await all("queue")).filter((e) => e.id !== entry.id).flatMap((e) => e.photos);
  const drafts = JSON.stringify(await all("drafts"));
  const done = { id: entry.id, unit: entry.unit, name: entry.name, at: entry.signedAt, corrects: entry.draft?.corrects ?? null, ...entry.receipt };
  await settle(entry, done, entry.photos.filter((p) => !others.includes(p) && !drafts.includes(p)));
}

async function sendAll(tell) {
  const waiting = await all("queue");
  if (!waiting.length) return "empty";
  const answer = await ask("/field/shift");
  if (!answer.ok) throw new TypeError(`status ${answer.status}`);
  const session = await answer.json();
  const { name, ...rest } = session;
  await put("shift", { ...rest, name: "shift", worker: name });
  let refused = 0;
  let handed = 0;
  for (const entry of waiting.sort((a, b) => a.signedAt.localeCompare(b.signedAt))) {
    if (entry.account !== session.account) {
      await put("queue", { ...entry, state: "conflict", why: `由 ${entry.worker} 签名，请其本人登录后上传` });
      refused += 1;
      continue;
    }
    try {
      await send(entry, session);
    } catch (error) {
      if (error instanceof Waiting) {
        handed += 1;
        continue;
      }
      if (!(error instanceof Refused)) throw error;
      await put("queue", { ...entry, state: "conflict", why: error.message });
      refused += 1;
    }
    tell("sending");
  }
  if (handed) throw new Waiting("handed over");
  return refused ? "conflict" : "empty";
}

/** Send what waits, one tab at a time; after a failure again by itself, later each time. */
export function sync(tell) {
  clearTimeout(timer);
  return navigator.locks.request("teshe-field-sync", { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    try {
      tell("sending");
      tell(await sendAll(tell));
      wait = FIRST_WAIT_MS;
    } catch (error) {
      if (error instanceof LoggedOut) return tell("logged-out");
      if (!(error instanceof TypeError) && error.name !== "TimeoutError" && error.name !== "AbortError") throw error;
      tell("offline");
      timer = setTimeout(() => sync(tell), wait);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  });
}
