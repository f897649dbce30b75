// Replaces a part of the page by a fresh one from the server, keeping focus, scrolling and what is open.
// Children with data-item are matched by it, so an unchanged row is not touched.
import { refresh } from "./clocks.js";

function sync(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  const items = new Map([...old.children].filter((child) => child.dataset.item).map((child) => [child.dataset.item, child]));
  if (items.size === 0 && !fresh.querySelector(":scope > [data-item]")) {
    old.replaceChildren(...fresh.childNodes);
    return;
  }
  const wanted = [...fresh.children].map((child) => {
    const kept = items.get(child.dataset.item);
    return kept && kept.dataset.stamp === child.dataset.stamp && kept.className === child.className ? kept : child;
  });
  old.replaceChildren(...wanted);
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
