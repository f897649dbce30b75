// Keys of a page: any element with data-key="d" is pressed by that key, unless someone is typing. "/" goes to the search field.
const typing = (element) => element?.matches?.("input, textarea, select, [contenteditable]") ?? false;

function press(element) {
  if (element.matches("summary")) {
    const details = element.parentElement;
    details.open = !details.open;
    if (details.open) details.querySelector("textarea, input:not([type=hidden]), select, button")?.focus();
    return;
  }
  if (element.matches("input, textarea, select")) {
    element.focus();
    return;
  }
  element.click();
}

export function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      if (typing(event.target)) event.target.blur();
      const open = document.querySelector("details.action[open], details.menu[open]");
      if (open) {
        open.open = false;
        open.querySelector("summary")?.focus();
      }
      return;
    }
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!/^([a-z0-9/?]|Arrow(Up|Down))$/.test(name)) return;
    const element = [...document.querySelectorAll(`[data-key="${name}"]`)].find((found) => found.getClientRects().length > 0);
    if (element) {
      event.preventDefault();
      press(element);
    }
  });
}
