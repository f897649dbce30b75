// A double press sends once; a lost connection loses nothing; leaving a half-filled form asks first.
import { say } from "./texts.js";

function busy(form, on) {
  for (const button of form.querySelectorAll("button:not([type=button])")) {
    if (on) {
      button.dataset.label = button.textContent;
      button.setAttribute("aria-busy", "true");
    } else if (button.dataset.label) {
      button.textContent = button.dataset.label;
      button.removeAttribute("aria-busy");
    }
  }
}

export function protectForms() {
  const sent = new WeakSet();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-once]")) return;
    if (sent.has(form)) {
      event.preventDefault();
      return;
    }
    if (!navigator.onLine) {
      event.preventDefault();
      showProblem(form, say("network"));
      return;
    }
    sent.add(form);
    busy(form, true);
    if (event.submitter) event.submitter.textContent = say("sending");
  });
  // A page that comes back from the history may be sent again.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("form[data-auto] select, form[data-auto] input")) event.target.form.requestSubmit();
  });
}

export function showProblem(form, text) {
  let place = form.querySelector("[data-problem]");
  if (!place) {
    place = document.createElement("div");
    place.className = "flash bad";
    place.dataset.problem = "";
    place.setAttribute("role", "alert");
    form.prepend(place);
  }
  place.textContent = text;
}
