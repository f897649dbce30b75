// The course of one signal: fetched when chosen, drawn by charts.js. The API answers {points: [[time, value|null], ...]} or rows.
import { drawAll, setData } from "./charts.js";

const choice = document.querySelector("[data-history]");
const figure = document.querySelector("#course [data-chart]");

async function load() {
  const option = choice.selectedOptions[0];
  const to = new Date();
  const from = new Date(to.getTime() - 6 * 3600 * 1000);
  const query = new URLSearchParams({ signals: option.value, from: from.toISOString(), to: to.toISOString() });
  const answer = await fetch(`${choice.dataset.history}?${query}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) {
    figure.querySelector("figcaption").textContent = String(answer.status);
    return;
  }
  const body = await answer.json();
  const rows = body.readings ?? body.rows ?? body.points ?? [];
  const points = rows.map((row) => (Array.isArray(row) ? row : [row.server_time ?? row.ts ?? row.at, (row.values ?? row)[option.value] ?? null]));
  setData(figure, { unit: option.dataset.unit, series: [{ name: option.textContent, points }] });
}

if (choice && figure) {
  drawAll();
  choice.addEventListener("change", load);
  load();
}
