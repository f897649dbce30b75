// A map without tiles: outlines of the districts as schematic polygons, units as circles whose shape and word carry the priority.
// {districts: [{name, outline: [[lat, lon], ...], words}], points: [{lat, lon, name, words, severity, href, kind}], view?: "points"}
import "/static/vendor/leaflet/leaflet.js";
import { say } from "./texts.js";

const L = window.L;
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const size = { critical: 22, high: 20, medium: 16, low: 16 };
// The same shapes as everywhere: diamond, triangle, disc, ring.
const shape = {
  critical: "M8 .6 15.4 8 8 15.4.6 8Z",
  high: "M8 1.4 15.4 14.6H.6Z",
  medium: "M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2Z",
  low: "M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2Zm0 2.6a4.2 4.2 0 1 1 0 8.4 4.2 4.2 0 0 1 0-8.4Z",
};

function mark(point) {
  // a team where it is: arrived is full, set out is hollow
  if (point.kind === "team" || point.kind === "setting-out") {
    const icon = L.divIcon({ className: `mark team ${point.kind}`, html: point.kind === "team" ? "▪" : "▸", iconSize: [16, 16] });
    return L.marker([point.lat, point.lon], { icon, keyboard: false, title: point.name });
  }
  if (point.kind === "station") {
    const icon = L.divIcon({ className: "mark station", html: "+", iconSize: [18, 18] });
    return L.marker([point.lat, point.lon], { icon, keyboard: false });
  }
  const severity = shape[point.severity] ? point.severity : "low";
  const className = `mark sev-${severity}${point.chosen ? " chosen" : ""}`;
  const html = `<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${shape[severity]}"/></svg>`;
  const icon = L.divIcon({ className, html, iconSize: [size[severity], size[severity]] });
  return L.marker([point.lat, point.lon], { icon, keyboard: Boolean(point.href), title: point.name, alt: point.name, zIndexOffset: severity === "critical" ? 500 : 0 });
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
  const map = box.tesheMap ?? L.map(place, { attributionControl: true, zoomSnap: 0.1, scrollWheelZoom: false, fadeAnimation: false, zoomAnimation: false });
  box.tesheMap = map;
  map.attributionControl.setPrefix(false);
  box.tesheLayer?.remove();
  const layer = L.layerGroup().addTo(map);
  box.tesheLayer = layer;
  const outlines = [];
  for (const district of data.districts ?? []) {
    const shape = L.polygon(district.outline, { color: token("--map-line"), weight: 1.2, fillColor: token("--map-land"), fillOpacity: 1, interactive: Boolean(district.href) }).addTo(layer);
    shape.bindTooltip(words(district.name, district.words), { permanent: true, direction: "center", className: "district", opacity: 1 });
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
    const focus = points.filter((_, index) => data.points[index].focus);
    const wanted = focus.length > 1 ? focus : data.view === "points" && points.length ? points : outlines.length ? outlines : points;
    if (wanted.length) map.fitBounds(L.featureGroup(wanted).getBounds().pad(wanted === outlines ? 0.02 : 0.25), { maxZoom: 13 });
    else map.setView([33.64, 116.97], 9);
    if (data.view === "points" && points.length === 1) map.setZoom(11);
    map.attributionControl.addAttribution(say("schematic"));
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
