// What the phone keeps: the shift, drafts, the outgoing queue, photos, receipts. Every write is awaited to its commit.

/** A database of this browser: its name, and its stores with their keys. */
export function storeOf(database, stores) {
  let opened = null;

  function open() {
    opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(database, 1);
      request.onupgradeneeded = () => {
        for (const [name, keyPath] of Object.entries(stores)) request.result.createObjectStore(name, { keyPath });
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => { opened = null; reject(request.error); };
    });
    return opened;
  }

  /** Run work in one transaction; resolves after its commit with what work's request gave. */
  async function within(names, mode, work) {
    const db = await open();
    return new Promise((resolve, reject) => {
      const tx = db.transaction(names, mode, { durability: "strict" });
      const request = work(tx);
      tx.oncomplete = () => resolve(request?.result);
      tx.onabort = () => reject(tx.error);
    });
  }

  return {
    within,
    get: (store, key) => within([store], "readonly", (tx) => tx.objectStore(store).get(key)),
    all: (store) => within([store], "readonly", (tx) => tx.objectStore(store).getAll()),
    put: (store, value) => within([store], "readwrite", (tx) => tx.objectStore(store).put(value)),
    remove: (store, key) => within([store], "readwrite", (tx) => tx.objectStore(store).delete(key)),
  };
}

const field = storeOf("teshe-field", { shift: "name", drafts: "id", queue: "id", photos: "sha256", receipts: "id" });
export const { get, all, put, remove } = field;

/** A draft becomes an outgoing record: both or neither. */
export const enqueue = (entry) => field.within(["drafts", "queue"], "readwrite", (tx) => {
  tx.objectStore("queue").put(entry);
  tx.objectStore("drafts").delete(entry.id);
});

/** A record leaves the queue with the server's receipt in its place: both or neither. */
export const settle = (entry, receipt, photos) => field.within(["queue", "receipts", "photos"], "readwrite", (tx) => {
  tx.objectStore("receipts").put(receipt);
  tx.objectStore("queue").delete(entry.id);
  for (const name of photos) tx.objectStore("photos").delete(name);
});
