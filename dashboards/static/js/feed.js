// The live feed, as docs/desk-feed.md describes it. {type: "entry", seq, kind, at, data}; {type: "heartbeat", seq, at, read_at,
// trouble} each 5 s: everything up to its number has been sent before it; {type: "resync", seq}: something was missed, so
// everything is shown afresh, and the feed goes on from that number.
// After a gap it resumes from the last number it knows. When nothing came for 12 s, or the server says that it cannot be
// believed (trouble: database, sequencer, incidents), the page says so, loudly.
// Other modules listen on document for "teshe:<kind>", "teshe:resync" and "teshe:feed" (live | connecting | stale).
import { say } from "./texts.js";

const STALE_AFTER_MS = 12_000;
const LONGEST_WAIT_MS = 15_000;
const WHY = { database: "feedWhyDatabase", sequencer: "feedWhySequencer", incidents: "feedWhyIncidents", silent: "feedWhySilent", refused: "feedWhyRefused" };
const REFUSED = new Set([4401, 4403]);

export class Feed {
  constructor(chip) {
    this.chip = chip;
    this.seq = chip.dataset.after === undefined ? null : Number(chip.dataset.after);
    this.lastHeard = Date.now();
    this.lastData = null;
    this.attempts = 0;
    this.state = "connecting";
    this.banner = document.getElementById("feed-banner");
    this.banner?.querySelector("[data-feed-retry]")?.addEventListener("click", () => this.reconnect());
    addEventListener("online", () => this.reconnect());
    setInterval(() => this.watch(), 1000);
    this.connect();
  }

  connect() {
    const address = new URL(this.chip.dataset.address, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    if (this.seq !== null) address.searchParams.set("after", this.seq);
    const socket = new WebSocket(address);
    this.socket = socket;
    socket.addEventListener("message", (event) => {
      if (this.socket === socket) this.hear(JSON.parse(event.data));
    });
    socket.addEventListener("close", (event) => {
      if (this.socket !== socket) return;
      if (REFUSED.has(event.code)) this.show("stale", "refused");
      this.attempts += 1;
      const wait = Math.min(LONGEST_WAIT_MS, 500 * 2 ** Math.min(this.attempts, 5)) * (0.7 + 0.6 * Math.random());
      this.timer = setTimeout(() => this.connect(), wait);
      if (this.state === "live") this.show("connecting");
    });
  }

  reconnect() {
    clearTimeout(this.timer);
    const old = this.socket;
    this.socket = null;
    old?.close();
    this.connect();
  }

  hear(message) {
    this.lastHeard = Date.now();
    this.attempts = 0;
    if (message.type === "resync") {
      this.seq = message.seq;
      document.dispatchEvent(new CustomEvent("teshe:resync"));
    } else if (message.type === "heartbeat") {
      this.seq = Math.max(this.seq ?? 0, message.seq);
      if (message.trouble) return this.show("stale", message.trouble);
    } else if (message.seq !== undefined) {
      if (this.seq !== null && message.seq <= this.seq) return;
      this.seq = message.seq;
      document.dispatchEvent(new CustomEvent(`teshe:${message.kind}`, { detail: message }));
      if (this.state === "stale") return; // only a heartbeat says that all is well again
    }
    this.lastData = message.at ?? this.lastData;
    this.show("live");
  }

  watch() {
    if (Date.now() - this.lastHeard > STALE_AFTER_MS) this.show("stale", "silent");
  }

  show(state, why = "") {
    this.chip.title = this.lastData ?? "";
    if (state === this.state && why === this.why) return;
    this.state = state;
    this.why = why;
    this.chip.dataset.state = state;
    this.chip.textContent = say({ live: "feedLive", connecting: "feedConnecting", stale: "feedStale" }[state]);
    document.documentElement.classList.toggle("feed-stale", state === "stale");
    if (this.banner) {
      this.banner.hidden = state !== "stale";
      const last = this.banner.querySelector("[data-feed-last]");
      if (last) last.textContent = this.lastData ? new Date(this.lastData).toLocaleTimeString("zh-CN", { timeZone: "Asia/Shanghai", hour12: false }) : "—";
      const reason = this.banner.querySelector("[data-feed-why]");
      if (reason) reason.textContent = why ? say(WHY[why] ?? "feedWhySilent") : "";
    }
    document.dispatchEvent(new CustomEvent("teshe:feed", { detail: { state, why } }));
  }
}

export function startFeed(chip) {
  return new Feed(chip);
}
