// What runs in a worker of video codecs: a host of codecs with a line to the main thread. Bundled into ../generated/.
import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { VideoCodecHost } from "./codec-host.ts";
import { loadLibrary } from "./libav.ts";
import type { VideoCommand, VideoWorkerData } from "./video-messages.ts";

/** Where cores are few, sound and packets go before pictures: they are little work, and late at once. */
const NICENESS = 5;

const port = parentPort;
if (port !== null) {
  // Linux takes this for the thread that asks, other systems for the whole process. It may be forbidden, and may stay so.
  if (process.platform === "linux") {
    try {
      setPriority(NICENESS);
    } catch {
      // all threads alike, then
    }
  }
  const { libraryUrl } = workerData as VideoWorkerData;
  const host = loadLibrary(libraryUrl).then(
    (library) =>
      new VideoCodecHost({
        library,
        now: () => performance.now(),
        post: (report, transfer) => port.postMessage(report, transfer),
        later: (work) => setImmediate(work),
      }),
  );
  // What is thrown in here ends the worker, and the main thread hears of it.
  port.on("message", (command: VideoCommand) => void host.then((ready) => ready.handle(command)));
}
