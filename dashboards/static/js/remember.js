// What is typed again and again (the two officers with their numbers) stands there next time; this browser only, and it can be changed.
const PLACE = "teshe.remembered.";

for (const input of document.querySelectorAll("input[data-remember]")) {
  if (!input.value) input.value = localStorage.getItem(PLACE + input.dataset.remember) ?? "";
}

document.addEventListener("submit", (event) => {
  for (const input of event.target.querySelectorAll("input[data-remember]")) {
    if (input.value.trim()) localStorage.setItem(PLACE + input.dataset.remember, input.value.trim());
  }
}, { capture: true });
