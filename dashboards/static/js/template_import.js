// A manufacturer's template is sent as it is; what is wrong with it is said row by row, and the file stays chosen.
import { once, post } from "./forms.js";

const form = document.getElementById("template-import");
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  once(form, async () => {
    const file = form.elements.file.files[0];
    const query = new URLSearchParams({ file_name: file.name });
    for (const name of ["name", "variety_code", "manufacturer", "source"]) query.set(name, form.elements[name].value.trim());
    const made = await post(form, `/api/v1/templates?${query}`, file);
    if (made) location.assign(`/templates/${made.id}`);
    return Boolean(made);
  });
});
