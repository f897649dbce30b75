// The lift stands beside the form as soon as six digits or some words of the place are typed.
const form = document.getElementById("call");
const aside = document.getElementById("lift");
let timer = null;
let wanted = "";

async function look(text) {
  if (text === wanted) return;
  wanted = text;
  const answer = await fetch(`${aside.dataset.address}?q=${encodeURIComponent(text)}`);
  if (!answer.ok || text !== wanted) return;
  const card = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("lift-card");
  if (card) aside.replaceChildren(card);
}

function search(text, wait) {
  clearTimeout(timer);
  timer = setTimeout(() => look(text).catch(() => {}), wait);
}

form.elements.rescue_code.addEventListener("input", (event) => {
  const digits = event.target.value.replace(/\D/g, "").slice(0, 6);
  if (digits !== event.target.value) event.target.value = digits;
  if (digits.length >= 3) search(digits, digits.length === 6 ? 0 : 250);
});
form.elements.place.addEventListener("input", (event) => {
  if (form.elements.rescue_code.value.length < 6 && event.target.value.trim().length >= 2) search(event.target.value.trim(), 300);
});
aside.addEventListener("click", (event) => {
  const button = event.target.closest("[data-plate]");
  if (!button) return;
  form.elements.rescue_code.value = button.dataset.plate;
  search(button.dataset.plate, 0);
});
