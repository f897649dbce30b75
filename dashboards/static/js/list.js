// A list that renews itself while nobody is typing in it.
import { coalesce, renew } from "./partials.js";

const again = coalesce(async () => {
  const list = document.getElementById("list");
  if (!list.contains(document.activeElement) || document.activeElement.matches("a, button")) await renew("list");
}, 1000);
for (const name of ["alarm", "incident", "dispatch", "resync"]) document.addEventListener(`teshe:${name}`, again);
document.addEventListener("teshe:sent", again);
