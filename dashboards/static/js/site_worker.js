// On-site pages without network: the network first; what was taken along only where it does not answer. Answers of the API are
// never kept, but for the photographs of a case.
const CACHE = "teshe-site";
const PATIENCE_MS = 6_000;
const PAGE = /^\/ledger\/(site|hazards\/\d+\/site)$/;
const PICTURE = /^\/api\/v1\/hazards\/\d+\/files\/\d+$/;

const mine = (request, url) =>
  request.mode === "navigate" ? PAGE.test(url.pathname) : url.pathname.startsWith("/static/") || (request.destination === "image" && PICTURE.test(url.pathname));

async function fromNetwork(request) {
  const answer = await fetch(request);
  if (answer.ok && !answer.redirected) (await caches.open(CACHE)).put(request, answer.clone());
  return answer;
}

function late() {
  return new Promise((_, reject) => setTimeout(() => reject(new TypeError("late")), PATIENCE_MS));
}

async function answerOf(request) {
  const network = fromNetwork(request);
  try {
    return await Promise.race([network, late()]);
  } catch {
    const kept = await (await caches.open(CACHE)).match(request, { ignoreVary: true, ignoreSearch: request.mode === "navigate" });
    if (!kept) return network; // slow is not gone: what was not taken along is waited for
    network.catch(() => undefined);
    return kept;
  }
}

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method === "GET" && url.origin === location.origin && mine(event.request, url)) event.respondWith(answerOf(event.request));
});
