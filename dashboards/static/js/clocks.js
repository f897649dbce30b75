// Clocks that run: data-since counts up, data-until counts down and over, data-ago is light-weight.
// Server time is taken from the page, so a wrong clock on the desk PC does not move a 30-minute clock.
import { say } from "./texts.js";

const made = document.querySelector(".foot time, [data-server-now]");
const offset = made ? Date.parse(made.dateTime || made.dataset.serverNow) - Date.now() : 0;

export const serverNow = () => Date.now() + offset;

const two = (n) => String(n).padStart(2, "0");

export function duration(ms, fine = false) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (seconds < 60) return say("s", { s: seconds });
  if (minutes < 60) return fine ? say("ms", { m: minutes, s: two(seconds % 60) }) : say("m", { m: minutes });
  if (hours < 48) return say("hm", { h: hours, m: two(minutes % 60) });
  return say("d", { d: Math.floor(hours / 24) });
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function refresh(root = document) {
  const now = serverNow();
  for (const element of root.querySelectorAll("time[data-since]")) {
    write(element, say("for", { duration: duration(now - Date.parse(element.dataset.since)) }));
  }
  for (const element of root.querySelectorAll("time[data-ago]")) {
    write(element, say("ago", { duration: duration(now - Date.parse(element.dataset.ago)) }));
  }
  for (const element of root.querySelectorAll("time[data-until]")) {
    const left = Date.parse(element.dataset.until) - now;
    element.classList.toggle("over", left < 0);
    element.classList.toggle("near", left >= 0 && left < Number(element.dataset.near || 600) * 1000);
    write(element, say(left < 0 ? "over" : "left", { duration: duration(Math.abs(left), true) }));
  }
  for (const element of root.querySelectorAll("progress[data-from]")) {
    const from = Date.parse(element.dataset.from);
    const share = (now - from) / (Date.parse(element.dataset.to) - from);
    element.max = 1;
    element.value = Math.min(1, Math.max(0, share));
    element.classList.toggle("over", share >= 1);
    element.classList.toggle("near", share >= 2 / 3 && share < 1);
  }
  for (const element of root.querySelectorAll("[data-wall-clock]")) {
    write(element, new Date(now).toLocaleTimeString("zh-CN", { timeZone: "Asia/Shanghai", hour12: false }));
  }
}

export function startClocks() {
  refresh();
  setInterval(refresh, 1000);
}
