// Looks again every second while the work goes on. A look that fails is made again; the time of the data stands in the part.
import { renew } from "./partials.js";

const part = document.getElementById("job");
let pause = 1000;

async function look() {
  if (!part.hasAttribute("data-watch")) return;
  try {
    part.removeAttribute("data-watch");
    await renew("job");
    pause = 1000;
  } catch {
    part.setAttribute("data-watch", "");
    pause = Math.min(pause * 2, 15_000);
  }
  setTimeout(look, pause);
}
setTimeout(look, pause);
