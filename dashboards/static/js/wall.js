// The wall renews itself when the feed says that something changed, and every half minute for its figures.
import { coalesce } from "./partials.js";
import { refresh } from "./clocks.js";

const renewWall = coalesce(async () => {
  const answer = await fetch(location.pathname + location.search, { redirect: "error" });
  if (!answer.ok) throw new Error(String(answer.status));
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const selector of [".wall-stats", ".wall-queue", ".wall .panel header h2 .count"]) {
    const [old, next] = [document.querySelector(selector), fresh.querySelector(selector)];
    if (!old !== !next) return location.reload();
    if (old && !old.isEqualNode(next)) old.replaceWith(next);
  }
  refresh();
}, 1000);

for (const name of ["incident", "call", "dispatch", "resync"]) document.addEventListener(`teshe:${name}`, renewWall);
setInterval(renewWall, 30_000);
