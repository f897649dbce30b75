// Replaces a part of the page by a fresh one from the server, keeping focus, scrolling and what is open.
// Children with data-item are matched by it, so an unchanged row is not touched.
import { refresh } from "./clocks.js";

// What was typed into a row that has changed meanwhile goes on in its successor, where that has the same field.
function carry(old, fresh) {
  for (const field of old.querySelectorAll("input[id]:not([type=hidden]), select[id], textarea[id]")) {
    const same = fresh.querySelector(`#${CSS.escape(field.id)}`);
    if (same && same.value !== field.value) same.value = field.value;
  }
}

function sync(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  const items = new Map([...old.children].filter((child) => child.dataset.item).map((child) => [child.dataset.item, child]));
  if (items.size === 0 && !fresh.querySelector(":scope > [data-item]")) {
    old.replaceChildren(...fresh.childNodes);
    return;
  }
  const wanted = [...fresh.children].map((child) => {
    const kept = items.get(child.dataset.item);
    if (kept && kept.dataset.stamp === child.dataset.stamp && kept.className === child.className) return kept;
    if (kept) carry(kept, child);
    return child;
  });
  // a row that stays is not moved: it may be the one in which somebody types, in the middle of a character
  const staying = new Set(wanted);
  for (const child of [...old.childNodes]) if (!staying.has(child)) child.remove();
  wanted.forEach((child, index) => {
    if (old.children[index] !== child) old.insertBefore(child, old.children[index] ?? null);
  });
}

// `still` is asked again when the answer is here: the person may have begun something meanwhile. True if it was renewed.
export async function renew(id, still = () => true) {
  const part = document.getElementById(id);
  const answer = await fetch(part.dataset.renew, { headers: { "X-Part": id }, redirect: "error" });
  if (!answer.ok) throw new Error(`${answer.status} ${part.dataset.renew}`);
  const text = await answer.text();
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById(id);
  if (!fresh) throw new Error(`no ${id} in ${part.dataset.renew}`);
  if (!still()) return false;
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  sync(part, fresh);
  for (const name of fresh.getAttributeNames()) part.setAttribute(name, fresh.getAttribute(name));
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
  refresh(part);
  part.dispatchEvent(new CustomEvent("teshe:renewed", { bubbles: true }));
  return true;
}

// Many events in a short time make one request, at most one per `gap`, and one is always sent after the last event.
export function coalesce(task, gap = 400) {
  let running = false;
  let again = false;
  return async function run() {
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      await task();
    } catch (error) {
      document.dispatchEvent(new CustomEvent("teshe:broken", { detail: { error } }));
    }
    await new Promise((resolve) => setTimeout(resolve, gap));
    running = false;
    if (again) {
      again = false;
      run();
    }
  };
}
