// The desk: queue and case renew when the feed says that something changed; choosing an incident swaps the panes in place,
// so that the sound, the feed and the seat's own work go on; an untaken incident rings.
import { refresh } from "./clocks.js";
import { draw } from "./map.js";
import { coalesce, renew } from "./partials.js";
import { startLine } from "./line.js";
import { alarm } from "./sound.js";

const part = (id) => document.getElementById(id);

// Nobody's half-written words are replaced, and no form that is being sent: the case waits until it is sent or closed.
let waiting = false;

function safeToRenew() {
  const place = part("case");
  return !place.querySelector("details.action[open], [aria-busy=true]") && !(document.activeElement?.matches("input, textarea, select") && place.contains(document.activeElement));
}

function ring() {
  alarm(Number(part("queue").dataset.unacknowledged) + Number(part("line").dataset.ringing) > 0);
  part("queue-count").textContent = part("queue").querySelectorAll("[data-item]").length;
}

const both = coalesce(async () => {
  await renew("queue");
  // calls ring and break off while a seat types: rows that have not changed are not touched, and what was typed is carried over
  await renew("line");
  ring();
  await renew("side", () => !part("side").querySelector("[aria-busy=true]"));
  waiting = !(safeToRenew() && (await renew("case", safeToRenew)));
});
setInterval(() => {
  if (waiting && safeToRenew()) both();
}, 500);

async function choose(address, remember) {
  const answer = await fetch(address, { redirect: "error" }).catch(() => null);
  if (!answer?.ok) {
    location.assign(address);
    return;
  }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["queue", "case", "side"]) part(id).replaceWith(document.adoptNode(fresh.getElementById(id)));
  const box = document.querySelector(".desk-map [data-map]");
  box.querySelector("script").textContent = fresh.querySelector(".desk-map script").textContent;
  delete box.dataset.placed;
  draw(box);
  document.body.className = fresh.body.className;
  document.title = fresh.title;
  if (remember) history.pushState(null, "", address);
  part("case").scrollTop = 0;
  refresh();
  ring();
  const chosen = part("queue").querySelector("[aria-current]");
  if (document.activeElement === document.body || document.activeElement === null) chosen?.focus({ preventScroll: true });
}

for (const name of ["incident", "alarm", "call", "dispatch", "line", "two_hours", "possible_accident", "dead_letter", "resync"]) document.addEventListener(`teshe:${name}`, both);
document.addEventListener("teshe:sent", both);
document.addEventListener("teshe:feed", (event) => {
  if (event.detail.state === "live") both();
});
ring();
startLine();

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.queue-item, a.back-to-queue");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  choose(link.href, true);
});
addEventListener("popstate", () => choose(location.href, false));

document.addEventListener("keydown", (event) => {
  if (!["ArrowDown", "ArrowUp", "j", "k"].includes(event.key) || event.target.closest?.("input, textarea, select, dialog")) return;
  const links = [...part("queue").querySelectorAll("a.queue-item")].filter((link) => link.getClientRects().length > 0);
  if (!links.length) return;
  event.preventDefault();
  const now = links.indexOf(document.activeElement);
  const at = now >= 0 ? now : links.findIndex((link) => link.hasAttribute("aria-current"));
  const step = event.key === "ArrowDown" || event.key === "j" ? 1 : -1;
  links[Math.min(links.length - 1, Math.max(0, at + step))].focus();
});
