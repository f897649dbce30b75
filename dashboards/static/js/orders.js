// The firm's orders: on the way and on site are sent with the phone's position of that press, where the phone gives one, and
// without it where it does not or takes too long. At no other moment is the position asked for.
const WAIT_MS = 4000;

function filled(form, coords) {
  form.elements["detail.lon"].value = coords.longitude;
  form.elements["detail.lat"].value = coords.latitude;
  form.elements["detail.accuracy_m"].value = Math.round(coords.accuracy);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-position]") || form.dataset.asked || !navigator.geolocation) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  form.dataset.asked = "1";
  const press = event.submitter;
  press?.setAttribute("aria-busy", "true");
  let sent = false;
  const send = (coords) => {
    if (sent) return;
    sent = true;
    if (coords) filled(form, coords);
    press?.removeAttribute("aria-busy");
    form.requestSubmit(press);
  };
  navigator.geolocation.getCurrentPosition(({ coords }) => send(coords), () => send(null), { enableHighAccuracy: true, timeout: WAIT_MS, maximumAge: 30000 });
  // a question that nobody answers delays no help
  setTimeout(() => send(null), WAIT_MS + 500);
}, true);
