// Photographs of a case: sent as they are, made smaller only when they are larger than is taken. What was chosen stays chosen when sending fails.
import { once, post } from "./forms.js";
import "./remember.js";

const LARGEST = 8 * 1024 * 1024;
const LONGEST_SIDE = 3000;

export async function fitting(file) {
  if (file.size <= LARGEST || !file.type.startsWith("image/")) return file;
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.88));
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-upload]")) return;
  event.preventDefault();
  once(form, async () => {
    const address = `${form.dataset.upload}?stage=${encodeURIComponent(form.elements.stage.value)}`;
    const said = await post(form, address, fitting(form.elements.file.files[0]));
    if (said) location.reload();
    return Boolean(said);
  });
});
