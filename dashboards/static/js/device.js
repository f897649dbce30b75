// What this phone calls itself in a signature: the browser's words and a number that stays in this browser.
const NAME = "teshe-device";

export function deviceName() {
  let number = localStorage.getItem(NAME);
  if (!number) {
    number = [...crypto.getRandomValues(new Uint8Array(12))].map((b) => b.toString(16).padStart(2, "0")).join("");
    localStorage.setItem(NAME, number);
  }
  return `${navigator.userAgent.replaceAll("#", "").slice(0, 170)} #${number}`;
}
