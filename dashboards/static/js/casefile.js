// Photographs of a case: sent as they are, made smaller only when they are larger than is taken. What was chosen stays chosen when sending fails.
import { showProblem } from "./forms.js";
import { say } from "./texts.js";

const LARGEST = 8 * 1024 * 1024;
const LONGEST_SIDE = 3000;

async function fitting(file) {
  if (file.size <= LARGEST || !file.type.startsWith("image/")) return file;
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.88));
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-upload]")) return;
  event.preventDefault();
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  form.querySelector("[data-problem]")?.remove();
  try {
    const body = await fitting(form.elements.file.files[0]);
    const answer = await fetch(`${form.dataset.upload}?stage=${encodeURIComponent(form.elements.stage.value)}`, {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream", Accept: "application/json", "X-CSRF-Token": form.elements._csrf.value },
      body,
    });
    const said = await answer.json();
    if (answer.ok) {
      location.reload();
      return;
    }
    showProblem(form, [said.title, said.detail].filter(Boolean).join(": "));
  } catch {
    showProblem(form, say("network"));
  }
  form.removeAttribute("aria-busy");
});
