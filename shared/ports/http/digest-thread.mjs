// A thread that hashes files by one algorithm while they grow: it reads behind the writer, from the page cache. Several
// files take turns, so that a large one holds up no small one. Plain JavaScript: it runs without a compiler.
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";

const TURN_BYTES = 8 * 2 ** 20;
const block = Buffer.allocUnsafeSlow(2 ** 18);
/** By the number that the other side gave: { fd, hash, done, upto, ended }. */
const files = new Map();
let turning = false;

parentPort.on("message", ({ id, file, upto, ended, dropped }) => {
  try {
    if (dropped) return forget(id);
    if (!files.has(id))
      files.set(id, { fd: openSync(file, "r"), hash: createHash(workerData.algorithm), done: 0 });
    Object.assign(files.get(id), { upto, ended });
    if (!turning) turn();
  } catch (error) {
    fail(id, error);
  }
});

function turn() {
  for (const [id, file] of files) {
    try {
      work(id, file);
    } catch (error) {
      fail(id, error);
    }
  }
  turning = [...files.values()].some(({ done, upto }) => done < upto);
  if (turning) setImmediate(turn);
}

function work(id, file) {
  const end = Math.min(file.upto, file.done + TURN_BYTES);
  while (file.done < end) {
    const count = readSync(file.fd, block, 0, Math.min(block.length, end - file.done), file.done);
    if (count === 0) throw new Error("the file is shorter than was said");
    file.hash.update(block.subarray(0, count));
    file.done += count;
  }
  if (file.done < file.upto || !file.ended) return parentPort.postMessage({ id, done: file.done });
  forget(id);
  parentPort.postMessage({ id, digest: file.hash.digest("hex") });
}

function fail(id, error) {
  forget(id);
  parentPort.postMessage({ id, error: error.message });
}

function forget(id) {
  const file = files.get(id);
  files.delete(id);
  if (file !== undefined) closeSync(file.fd);
}
