// The firm's orders: on site is sent with the phone's position where the phone gives one, and without it where it does not.
const WAIT_MS = 4000;

function fill() {
  for (const form of document.querySelectorAll("form[data-position]")) {
    if (form.dataset.asked || !navigator.geolocation) continue;
    form.dataset.asked = "1";
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        form.elements["detail.lon"].value = coords.longitude;
        form.elements["detail.lat"].value = coords.latitude;
        form.elements["detail.accuracy_m"].value = Math.round(coords.accuracy);
      },
      () => {},
      { enableHighAccuracy: true, timeout: WAIT_MS, maximumAge: 60000 },
    );
  }
}

fill();
document.addEventListener("teshe:renewed", fill);
