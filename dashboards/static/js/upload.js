// A file is sent as it is; the page of the job shows how far it is. What was chosen stays chosen when sending fails.
import { once, post } from "./forms.js";

const form = document.getElementById("upload");
const sending = form.querySelector("[data-sending]");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  once(form, async () => {
    sending.hidden = false;
    const file = form.elements.file.files[0];
    const query = new URLSearchParams({ file_name: file.name });
    // a firm has one list to hand in: its own
    const source = form.elements.source?.value;
    if (source) query.set("source", source);
    if (source === "firm" && form.elements.firm.value) query.set("firm", form.elements.firm.value);
    for (const name of ["create_organisations", "again"]) if (form.elements[name]?.checked) query.set(name, "true");
    const body = await post(form, `${form.dataset.address}?${query}`, file);
    if (body) location.assign(`/imports/${body.id}`);
    else sending.hidden = true;
    return Boolean(body);
  });
});
