// The lift stands beside the form as soon as six digits or some words of the place are typed, in one field.
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
  const text = event.target.value.trim();
  if (text.length >= 2) search(text, /^\d{6}$/.test(text) ? 0 : 250);
});
form.elements.place.addEventListener("input", (event) => {
  if (!/^\d{6}$/.test(form.elements.rescue_code.value.trim()) && event.target.value.trim().length >= 2) search(event.target.value.trim(), 300);
});
// what is no plate is the place in the caller's words: it is kept where it belongs
form.addEventListener("submit", () => {
  const { rescue_code: plate, place } = form.elements;
  const text = plate.value.trim();
  if (!text || /^\d{6}$/.test(text)) return;
  place.value = [text, place.value.trim()].filter(Boolean).join(" ");
  plate.value = "";
}, true);
aside.addEventListener("click", (event) => {
  const button = event.target.closest("[data-plate]");
  if (!button) return;
  form.elements.rescue_code.value = button.dataset.plate;
  search(button.dataset.plate, 0);
});
