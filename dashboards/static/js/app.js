// What every page loads: running clocks, forms that survive a double press, keys, and the parts a page asks for by its markup.
import { startClocks } from "./clocks.js";
import { protectForms } from "./forms.js";
import { startKeys } from "./keys.js";

startClocks();
protectForms();
startKeys();

document.querySelector("[data-autofocus]")?.focus();

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const opener = event.target.closest("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
});

const needs = (selector) => document.querySelector(selector) !== null;
if (needs("[data-device]")) import("./device.js").then((module) => document.querySelectorAll("[data-device]").forEach((f) => { f.value = module.deviceName(); }));
if (needs("#feed")) import("./feed.js").then((module) => module.startFeed(document.getElementById("feed")));
if (needs("[data-chart]")) import("./charts.js").then((module) => module.drawAll());
if (needs("[data-map]")) import("./map.js").then((module) => module.drawAll());
