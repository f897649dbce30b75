// Tasks that the provincial platform drew: the file is sent as it is; what was chosen stays chosen when it is not taken.
import { once, post } from "./forms.js";

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-tasks]")) return;
  event.preventDefault();
  once(form, async () => {
    const query = new URLSearchParams({ title: form.elements.title.value, basis: form.elements.basis.value });
    const said = await post(form, `${form.dataset.tasks}?${query}`, form.elements.file.files[0]);
    if (said) location.assign(`/ledger/draws/${said.draw_id}`);
    return Boolean(said);
  });
});
