// Beside the queue: the title counts what nobody has taken and says when the feed has stopped; while it has, the lists are asked
// for over HTTP; folded groups stay as the seat left them; a reminder sounds while somebody inside waits for a word.
import { serverNow } from "./clocks.js";
import { remind } from "./sound.js";

const POLL_MS = 10_000;
const REMIND_MS = 20_000;
const part = (id) => document.getElementById(id);
let stale = false;
let name = document.title;
let reminded = 0;

function title() {
  const waiting = Number(part("queue").dataset.unacknowledged);
  const bare = document.title.replace(/^(⚠ )?(\(\d+\) )?/, "");
  name = bare || name;
  const wanted = `${stale ? "⚠ " : ""}${waiting ? `(${waiting}) ` : ""}${name}`;
  if (document.title !== wanted) document.title = wanted;
}

document.addEventListener("teshe:feed", (event) => {
  stale = event.detail.state === "stale";
  title();
});
setInterval(() => {
  if (stale && !document.hidden) document.dispatchEvent(new CustomEvent("teshe:resync"));
}, POLL_MS);

const open = new Map();
document.addEventListener("toggle", (event) => {
  const group = event.target.closest?.(".queue-group");
  if (group && event.target.matches(".queue-fold")) open.set(group.dataset.district, event.target.open);
}, true);

function keepFolds() {
  for (const group of document.querySelectorAll(".queue-group")) {
    const fold = group.querySelector(".queue-fold");
    if (fold && open.has(group.dataset.district)) fold.open = open.get(group.dataset.district);
  }
}

function remindOfThoseInside() {
  const late = [...document.querySelectorAll("[data-ring-back] time[data-until]")].some((time) => Date.parse(time.dataset.until) < serverNow());
  if (late && Date.now() - reminded >= REMIND_MS) {
    reminded = Date.now();
    remind();
  }
}

document.addEventListener("teshe:renewed", () => {
  keepFolds();
  title();
});
setInterval(() => {
  title();
  remindOfThoseInside();
}, 1000);
title();
