// The first half of the site's service worker: the site works without network after the first visit.
// (The second half is JupyterLite's, which serves the kernels' files.)

const FILES = new Set({{files}});
const SCOPE = new URL("./", location.href);
const VERSION = `labkit-${SCOPE.pathname}-{{version}}`;

const fileOf = (url) => {
  const address = new URL(url);
  if (address.origin !== SCOPE.origin || !address.pathname.startsWith(SCOPE.pathname)) return null;
  const path = decodeURI(address.pathname.slice(SCOPE.pathname.length));
  const file = path === "" || path.endsWith("/") ? `${path}index.html` : path;
  return FILES.has(file) ? file : null;
};

/**
 * What is kept of a file, or what the site answers, which is kept as it arrives: a page counts its bytes meanwhile.
 *
 * @param event The request that waits for it; without one, the promise is fulfilled when the file is kept.
 */
async function kept(file, event) {
  const cache = await caches.open(VERSION);
  const address = new URL(encodeURI(file), SCOPE).href;
  const found = await cache.match(address);
  if (found) return found;
  const response = await fetch(address, { cache: "no-cache" });
  if (response.status !== 200) return response;
  const keeping = cache.put(address, response.clone()).catch(() => {});
  if (event) event.waitUntil(keeping);
  else await keeping;
  return response;
}

async function missingFiles() {
  const cache = await caches.open(VERSION);
  const there = new Set((await cache.keys()).map((request) => fileOf(request.url)));
  // Most systems have a font for each language; what a page fetches of the site's own is kept when it comes.
  return [...FILES].filter((file) => !there.has(file) && !file.startsWith("fonts/"));
}

/** Keep what is not kept yet. Returns whether there was such a thing. */
async function keepAll() {
  const missing = await missingFiles();
  const some = missing.length > 0;
  const worker = async () => {
    for (let file = missing.pop(); file; file = missing.pop()) await kept(file);
  };
  await Promise.all([worker(), worker(), worker()]);
  return some;
}

self.addEventListener("activate", (event) => {
  const old = (name) => name.startsWith(`labkit-${SCOPE.pathname}-`) && name !== VERSION;
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name)))));
});

self.addEventListener("message", (event) => {
  const answer = (anew) => event.source?.postMessage({ labkit: "kept", anew });
  if (event.data?.labkit === "keep") event.waitUntil(keepAll().then(answer, () => {}));
  if (event.data?.labkit === "kept?") {
    event.waitUntil(missingFiles().then((missing) => missing.length || answer(false), () => {}));
  }
  if (event.data?.labkit === "renew") event.waitUntil(self.skipWaiting());
  if (event.data?.labkit === "release") release();
  if (event.data?.labkit === "tabs") event.waitUntil(otherTabs(event.source).then((urls) => event.source?.postMessage({ labkit: "tabs", urls })));
});

/** The addresses of the site's open pages but one. */
async function otherTabs(one) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  return pages.filter(({ id, url }) => id !== one.id && url.startsWith(SCOPE.href)).map(({ url }) => url);
}

// A new version waits until this one's requests have ended. JupyterLite's half passes a kernel's request for a file on to
// the kernel's page, and never ends it if that page is gone.
let release;
let released;
const holdRequests = () => (released = new Promise((resolve) => {
  release = () => {
    resolve(Response.error());
    holdRequests();
  };
}));
holdRequests();

// JupyterLite's half would take over at once: then the old version's pages got the new one's files.
self.addEventListener("install", (event) => event.stopImmediatePropagation());

self.addEventListener("fetch", (event) => {
  const file = event.request.method === "GET" ? fileOf(event.request.url) : null;
  if (!file) {
    const answer = event.respondWith.bind(event);
    event.respondWith = (response) => answer(Promise.race([response, released]));
    return;
  }
  event.stopImmediatePropagation();
  event.respondWith(kept(file, event));
});

