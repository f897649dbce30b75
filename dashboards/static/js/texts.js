// The few sentences the browser writes itself come from the page, in the page's language.
const texts = JSON.parse(document.getElementById("texts")?.textContent || "{}");

export function say(name, values = {}) {
  return (texts[name] || name).replace(/%\((\w+)\)s/g, (_, key) => String(values[key] ?? ""));
}
