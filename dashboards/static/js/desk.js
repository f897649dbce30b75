// The desk: the queue and the chosen case renew when the feed says that something changed; an untaken incident rings.
import { coalesce, renew } from "./partials.js";
import { alarm } from "./sound.js";

const queue = document.getElementById("queue");
const both = coalesce(async () => {
  await renew("queue");
  document.getElementById("queue-count").textContent = queue.querySelectorAll("[data-item]").length;
  if (safeToRenew()) await renew("case");
});

// Nobody's half-written words are replaced: an open form waits until it is sent or closed.
function safeToRenew() {
  const place = document.getElementById("case");
  return !place.querySelector("details.action[open]") && !place.contains(document.activeElement?.closest?.("input, textarea, select") ?? null);
}

function ring() {
  alarm(Number(queue.dataset.unacknowledged) > 0);
}

for (const name of ["incident", "alarm", "call", "dispatch", "resync"]) document.addEventListener(`teshe:${name}`, both);
document.addEventListener("teshe:feed", (event) => {
  if (event.detail.state === "live") both();
});
document.addEventListener("teshe:sent", both);
queue.addEventListener("teshe:renewed", ring);
ring();

document.addEventListener("keydown", (event) => {
  if (!["ArrowDown", "ArrowUp", "j", "k"].includes(event.key) || event.target.closest?.("input, textarea, select, dialog")) return;
  const links = [...queue.querySelectorAll("a.queue-item")];
  if (!links.length) return;
  event.preventDefault();
  const now = links.indexOf(document.activeElement);
  const at = now >= 0 ? now : links.findIndex((link) => link.hasAttribute("aria-current"));
  const step = event.key === "ArrowDown" || event.key === "j" ? 1 : -1;
  links[Math.min(links.length - 1, Math.max(0, at + step))].focus();
});
