// Elements without markup strings: nothing that was typed can become a tag.

/** h("button", { class: "big", onclick }, "text", child) */
export function h(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

/** The place now; nulls where the phone does not know or may not say. Asked for at sign-in and sign-out only. */
export const position = () => new Promise((resolve) => {
  if (!navigator.geolocation) return resolve({});
  navigator.geolocation.getCurrentPosition(
    ({ coords: c }) => resolve({ lon: c.longitude, lat: c.latitude, datum: "wgs84", accuracy_m: c.accuracy }),
    () => resolve({}),
    { enableHighAccuracy: true, timeout: 5_000, maximumAge: 0 },
  );
});

/** A field to draw a signature on; ``drawn()`` says whether there is one. */
export function pad(onDrawn) {
  const canvas = h("canvas", { class: "pad", width: 640, height: 240, "aria-label": "手写签名", tabindex: "0" });
  const ink = canvas.getContext("2d");
  let drawing = false;
  const at = (e) => {
    const box = canvas.getBoundingClientRect();
    return [((e.clientX - box.left) * canvas.width) / box.width, ((e.clientY - box.top) * canvas.height) / box.height];
  };
  Object.assign(ink, { lineWidth: 5, lineCap: "round", strokeStyle: "#111" });
  canvas.addEventListener("pointerdown", (e) => { drawing = true; canvas.setPointerCapture(e.pointerId); ink.beginPath(); ink.moveTo(...at(e)); });
  canvas.addEventListener("pointermove", (e) => { if (drawing) { ink.lineTo(...at(e)); ink.stroke(); onDrawn(true); } });
  canvas.addEventListener("pointerup", () => { drawing = false; });
  return { canvas, clear: () => { ink.clearRect(0, 0, canvas.width, canvas.height); onDrawn(false); } };
}
