// The progress made in this browser; kernels keep it in blocks of its own beside the lab's snapshot (storage.mjs).

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/**
 * Read it as the kernel wrote it: `steps` by their ids, and the drill's state.
 *
 * @param site The site's path, which names its database.
 */
export async function progress(site) {
  const name = `labkit:${site}`;
  if (!(await indexedDB.databases()).some((each) => each.name === name)) return { steps: {} };
  const database = await done(indexedDB.open(name));
  database.onversionchange = () => database.close();
  try {
    const store = database.transaction("lab").objectStore("lab");
    const blocks = await done(store.getAll(IDBKeyRange.bound(["progress", 0], ["progress", []])));
    return JSON.parse((await new Blob(blocks).text()) || '{"steps": {}}');
  } finally {
    database.close();
  }
}

/** The ids of the steps that were passed. */
export const passedIn = ({ steps }) => Object.keys(steps).filter((step) => steps[step].state === "passed");
