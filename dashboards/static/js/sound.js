// The alarm sound repeats until everything is acknowledged. A browser that blocks sound must not be silent about it.
let context = null;
let timer = null;
let wanted = false;

const banner = () => document.getElementById("sound-banner");

function tone(start, frequency) {
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.type = "triangle";
  oscillator.frequency.value = frequency;
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(0.22, start + 0.02);
  gain.gain.setValueAtTime(0.22, start + 0.16);
  gain.gain.linearRampToValueAtTime(0, start + 0.22);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(start);
  oscillator.stop(start + 0.24);
}

function ring() {
  if (!context || context.state !== "running") return;
  const now = context.currentTime;
  tone(now, 880);
  tone(now + 0.26, 660);
  tone(now + 0.52, 880);
}

function notice() {
  const place = banner();
  if (place) place.hidden = !(wanted && context?.state !== "running");
}

async function unlock() {
  if (!wanted || !context) return;
  try {
    await context.resume();
  } catch {
    // stays blocked: the notice stays visible
  }
  notice();
  ring();
}

export function alarm(on) {
  if (on === wanted) return;
  wanted = on;
  if (on) {
    context ??= new AudioContext();
    context.onstatechange = notice;
    timer ??= setInterval(ring, 2500);
    context.resume().catch(() => {});
    setTimeout(notice, 300);
    ring();
  } else {
    clearInterval(timer);
    timer = null;
    notice();
  }
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-sound-enable]") || wanted) unlock();
});
document.addEventListener("keydown", () => unlock());
