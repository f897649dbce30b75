// A map without tiles: outlines of the districts as schematic polygons, units as circles whose shape and word carry the priority.
// {districts: [{name, outline: [[lat, lon], ...], words}], points: [{lat, lon, name, words, severity, href, kind}], view?: "points"}
import "/static/vendor/leaflet/leaflet.js";
import { say } from "./texts.js";

const L = window.L;
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const radius = { critical: 10, high: 8, medium: 7, low: 6 };

function mark(point) {
  const colour = point.severity ? token(`--${point.severity}`) : token("--ink-3");
  if (point.kind === "station") {
    const half = 0.006;
    return L.rectangle([[point.lat - half, point.lon - half], [point.lat + half, point.lon + half]], { color: token("--act"), weight: 2, fillOpacity: 0.15 });
  }
  return L.circleMarker([point.lat, point.lon], {
    radius: radius[point.severity] ?? 3, color: colour, weight: point.severity ? 2 : 1, fillColor: colour,
    fillOpacity: point.severity ? 0.75 : 0.35,
  });
}

// Leaflet takes text as HTML; names come from people, so they go in as text nodes.
function words(...parts) {
  const element = document.createElement("span");
  parts.filter(Boolean).forEach((part, index) => {
    if (index) element.append(document.createElement("br"));
    element.append(String(part));
  });
  return element;
}

export function draw(box) {
  const data = JSON.parse(box.querySelector("script").textContent);
  const place = box.querySelector(".map");
  const map = box.tesheMap ?? L.map(place, { attributionControl: true, zoomSnap: 0.25, scrollWheelZoom: false, preferCanvas: true, fadeAnimation: false, zoomAnimation: false });
  box.tesheMap = map;
  map.attributionControl.setPrefix(false);
  box.tesheLayer?.remove();
  const layer = L.layerGroup().addTo(map);
  box.tesheLayer = layer;
  const outlines = [];
  for (const district of data.districts ?? []) {
    const shape = L.polygon(district.outline, { color: token("--map-line"), weight: 1.2, fillColor: token("--map-land"), fillOpacity: 1, interactive: Boolean(district.href) }).addTo(layer);
    shape.bindTooltip(words(district.name, district.words), { permanent: true, direction: "center", className: "district" });
    if (district.href) shape.on("click", () => location.assign(district.href));
    outlines.push(shape);
  }
  const points = (data.points ?? []).map((point) => {
    const circle = mark(point).addTo(layer);
    circle.bindTooltip(words(point.name, point.words));
    if (point.href) circle.on("click", () => location.assign(point.href));
    return circle;
  });
  if (!box.dataset.placed) {
    const wanted = data.view === "points" && points.length ? points : outlines.length ? outlines : points;
    if (wanted.length) map.fitBounds(L.featureGroup(wanted).getBounds().pad(0.02));
    else map.setView([33.64, 116.97], 9);
    if (data.view === "points" && points.length === 1) map.setZoom(11);
    if (outlines.length) map.attributionControl.addAttribution(say("schematic"));
    box.dataset.placed = "1";
  }
}

export function drawAll() {
  for (const box of document.querySelectorAll("[data-map]")) {
    draw(box);
    new ResizeObserver(() => box.tesheMap.invalidateSize()).observe(box);
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.querySelectorAll("[data-map]").forEach(draw));
}
