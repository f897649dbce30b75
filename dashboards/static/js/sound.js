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

// One soft call: those inside wait for a word. It never takes the place of the alarm.
export function remind() {
  if (wanted || !pressed()) return;
  context ??= new AudioContext();
  if (context.state !== "running") return void context.resume().catch(notice);
  tone(context.currentTime, 520);
  tone(context.currentTime + 0.3, 520);
}

function notice() {
  const place = banner();
  if (place) place.hidden = !(wanted && context?.state !== "running");
}

// Before the first press on a page a browser refuses to make a sound, and says so in the console when one tries.
const pressed = () => navigator.userActivation?.hasBeenActive ?? false;

async function unlock() {
  if (!wanted) return;
  context ??= new AudioContext();
  context.onstatechange = notice;
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
    timer ??= setInterval(ring, 2500);
    if (pressed()) unlock();
  } else {
    clearInterval(timer);
    timer = null;
  }
  notice();
}

for (const kind of ["click", "keydown"]) {
  document.addEventListener(kind, () => {
    if (wanted && context?.state !== "running") unlock();
  });
}
