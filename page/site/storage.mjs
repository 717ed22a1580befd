// What the lab keeps in this browser: one snapshot for all notebooks and tabs of the site, in IndexedDB.
//
// Each notebook has a kernel, so a cluster, of its own. A cell first takes the lab (a Web Lock), looks whether another
// kernel has written a newer snapshot, runs, writes what it changed, and gives the lab back. Python's calls are
// synchronous and IndexedDB's are not: `read` and `write` use a copy in memory, which `enter` fills and `leave` writes.
// Bytes lie there in blocks (below [name, number]), of which only those are written that have changed.

const t = (english) => english; // marks what the page shows in the learner's language (loading.js)
const WORDS = {
  memory: t("This browser keeps nothing for this site, so your progress ends when you close or reload this page. A private window, or a setting that blocks the site's data, does that."),
  full: t("The browser has no more room for this site: what you do from here on ends with this page. Free some space (or leave the private window), then run any cell: it will be kept again."),
  waits: t("A cell of another notebook or tab is running. This one waits until it is done."),
  conflict: t("Another tab has changed the lab meanwhile, so what this cell changed was not kept. Run it again."),
};

const BLOCK = 1 << 15; // Chromium writes what is larger than 64 KiB into a file of its own

const split = (bytes) => {
  const count = Math.ceil(bytes.length / BLOCK);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * BLOCK, (index + 1) * BLOCK));
};

const join = (blocks) => {
  const bytes = new Uint8Array(blocks.reduce((sum, { length }) => sum + length, 0));
  blocks.forEach((block, index) => bytes.set(block, index * BLOCK));
  return bytes;
};

/** The keys of a name's blocks, from a number on. */
const keysOf = (name, from = 0) => IDBKeyRange.bound([name, from], [name, []]);

const finished = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

export class Kept {
  lasts = false;
  #database = null;
  #memory = new Map();
  #written = new Map(); // what the database has, as this kernel knows it
  #changed = new Set();
  #version = 0;
  #entered = 0;
  #entering = null;
  #giveBack = null;

  /**
   * Open what this site keeps; without storage everything stays in memory, and the page says so.
   *
   * @param name Of the database, the lock and so on: one for each site.
   * @param tell What to call with messages to the page.
   */
  static async open(name, tell) {
    const kept = new Kept(name, tell);
    try {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore("lab");
      kept.#database = await finished(request);
      // "Start over" deletes the database, here or in another tab.
      kept.#database.onversionchange = () => kept.#database.close();
      kept.lasts = true;
    } catch {
      kept.say("memory");
    }
    return kept;
  }

  constructor(name, tell) {
    this.name = name;
    this.tell = tell;
  }

  say(id, text = WORDS[id]) {
    this.tell({ what: "notice", id, text });
  }

  /** The newest bytes of a name that this kernel has seen; undefined, which Python takes as None, if there are none. */
  read(name) {
    return this.#memory.get(name);
  }

  /** Replace a name's bytes. They are written when the cell ends. */
  write(name, bytes) {
    this.#memory.set(name, bytes);
    this.#changed.add(name);
  }

  /** Take the lab for a cell. Returns whether another kernel has changed it since. */
  enter() {
    if (this.#entered++ === 0) this.#entering = this.#take();
    return this.#entering;
  }

  /** Write what has changed and give the lab back, once the last of those who entered leaves. */
  async leave() {
    if (--this.#entered) return;
    const giveBack = this.#giveBack;
    this.#giveBack = null;
    try {
      if (this.#changed.size) await this.#flush();
    } finally {
      giveBack?.();
    }
  }

  async #take() {
    if (!this.lasts) return false;
    if (navigator.locks) {
      const waits = setTimeout(() => this.say("waits"), 700);
      await new Promise((taken, failed) => {
        navigator.locks.request(this.name, () => new Promise((giveBack) => taken((this.#giveBack = giveBack)))).catch(failed);
      });
      clearTimeout(waits);
      this.say("waits", "");
    }
    return this.#refresh().catch(() => false);
  }

  async #refresh() {
    const store = this.#database.transaction("lab").objectStore("lab");
    const version = (await finished(store.get("version"))) ?? 0;
    if (version === this.#version) return false;
    const keys = await finished(store.getAllKeys());
    this.#written.clear();
    for (const name of new Set(keys.filter(Array.isArray).map(([key]) => key))) {
      this.#written.set(name, join(await finished(store.getAll(keysOf(name)))));
    }
    this.#written.forEach((bytes, name) => this.#memory.set(name, bytes));
    this.#version = version;
    this.#changed.clear();
    return true;
  }

  /** Put those blocks that the database does not have. */
  #put(store, name, bytes) {
    const [before, after] = [this.#written.get(name) ?? new Uint8Array(), bytes].map(split);
    after.forEach((block, index) => {
      if (!before[index] || indexedDB.cmp(block, before[index])) store.put(block.slice(), [name, index]);
    });
    store.delete(keysOf(name, after.length));
  }

  /** Write, unless another kernel has written since this one looked (which a Web Lock prevents where there is one). */
  async #flush() {
    if (!this.lasts) return this.#changed.clear();
    try {
      const transaction = this.#database.transaction("lab", "readwrite");
      const version = (await finished(transaction.objectStore("lab").get("version"))) ?? 0;
      if (version !== this.#version) {
        transaction.abort();
        this.say("conflict");
        return this.#changed.clear();
      }
      const store = transaction.objectStore("lab");
      const written = [...this.#changed].map((name) => [name, this.#memory.get(name)]);
      written.forEach(([name, bytes]) => this.#put(store, name, bytes));
      store.put(version + 1, "version");
      await new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error);
      });
      written.forEach(([name, bytes]) => this.#written.set(name, bytes));
      this.#version = version + 1;
      this.#changed.clear();
      this.say("full", "");
      this.tell({ what: "kept" });
    } catch (error) {
      this.say("full", error?.name === "QuotaExceededError" ? WORDS.full : `${WORDS.full} (${error?.name})`);
    }
  }
}
