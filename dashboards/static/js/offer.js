// What became of an offer: which cylinders stay and why. The codes that stay remain in the form.
import { renew } from "./partials.js";

const form = document.getElementById("offer");
const words = JSON.parse(document.getElementById("reasons")?.textContent ?? "{}");

document.addEventListener("teshe:sent", async (event) => {
  if (!form || event.detail.refused === undefined) return;
  const { offered, refused } = event.detail;
  if (!refused.length) {
    location.reload();
    return;
  }
  const told = form.querySelector("[data-told]");
  const list = document.createElement("ul");
  for (const item of refused) {
    const line = document.createElement("li");
    line.textContent = `${item.code}: ${item.reasons.map((reason) => words[reason] ?? reason).join("、")}`;
    list.append(line);
  }
  told.hidden = false;
  told.className = "flash bad";
  told.replaceChildren(`${words.offered} ${offered} · ${words.stayed} ${refused.length}`, list);
  form.elements.codes.value = refused.map((item) => item.code).join("\n");
  form.closest("details").open = true;
  await renew("list");
});
