// All units: circles with their number, single units as marks that lead to their page. Works without tiles.
import "/static/vendor/leaflet/leaflet.js";
import { say } from "./texts.js";

const L = window.L;
const box = document.querySelector("[data-citymap]");
const data = JSON.parse(box.querySelector("script").textContent);
const count = document.querySelector("[data-count]");
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const map = L.map(box.querySelector(".map"), { zoomSnap: 0.5, fadeAnimation: false, zoomAnimation: false, maxZoom: 18 });
map.attributionControl.setPrefix(false);

const outlines = (data.districts ?? []).map((district) => {
  const shape = L.polygon(district.outline, { color: token("--map-line"), weight: 1.2, fillColor: token("--map-land"), fillOpacity: data.tiles ? 0 : 1, interactive: false }).addTo(map);
  const name = document.createElement("span");
  name.textContent = district.name;
  return shape.bindTooltip(name, { permanent: true, direction: "center", className: "district", opacity: 1 });
});
if (data.tiles) L.tileLayer(data.tiles.address, { attribution: data.tiles.attribution.replace(/[<>&]/g, ""), maxZoom: 18 }).addTo(map);
else map.attributionControl.addAttribution(say("schematic"));
if (outlines.length) map.fitBounds(L.featureGroup(outlines).getBounds());
else map.setView([33.64, 116.97], 9);

const layer = L.layerGroup().addTo(map);

function marked(cell) {
  const name = document.createElement("span");
  if (cell.units === 1) {
    name.textContent = cell.name;
    const icon = L.divIcon({ className: `unit-mark${cell.status === "in_use" ? "" : " idle"}`, iconSize: [12, 12] });
    const mark = L.marker([cell.lat, cell.lon], { icon, title: cell.name, alt: cell.name });
    mark.bindTooltip(name);
    return mark.on("click keypress", (event) => {
      if (event.type === "click" || event.originalEvent.key === "Enter") location.assign(`/units/${encodeURIComponent(cell.id)}`);
    });
  }
  const size = Math.round(22 + 6 * Math.log10(cell.units) ** 1.5);
  const text = document.createElement("span");
  text.textContent = cell.units > 9999 ? `${Math.round(cell.units / 1000)}k` : String(cell.units);
  const icon = L.divIcon({ className: "unit-cell", html: text, iconSize: [size, size] });
  const zoom = () => map.setView([cell.lat, cell.lon], Math.min(map.getZoom() + 2, 18));
  return L.marker([cell.lat, cell.lon], { icon, title: text.textContent, alt: text.textContent }).on("click", zoom);
}

let asked = 0;
async function load() {
  const mine = ++asked;
  const bounds = map.getBounds();
  const query = new URLSearchParams(location.search);
  const clamp = (value, most) => Math.max(-most, Math.min(most, value)).toFixed(6);
  query.set("west", clamp(bounds.getWest(), 180));
  query.set("east", clamp(bounds.getEast(), 180));
  query.set("south", clamp(bounds.getSouth(), 90));
  query.set("north", clamp(bounds.getNorth(), 90));
  try {
    const answer = await fetch(`${data.cells}?${query}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const body = await answer.json();
    if (mine !== asked) return;
    layer.clearLayers();
    for (const cell of body.cells) marked(cell).addTo(layer);
    count.textContent = body.units.toLocaleString("en");
    box.querySelector(".flash")?.remove();
  } catch {
    if (mine !== asked || box.querySelector(".flash")) return;
    count.textContent = "—";
    const problem = document.createElement("div");
    problem.className = "flash bad";
    problem.setAttribute("role", "alert");
    problem.textContent = box.dataset.problem;
    box.prepend(problem);
  }
}
map.on("moveend", load);
load();
new ResizeObserver(() => map.invalidateSize()).observe(box);
