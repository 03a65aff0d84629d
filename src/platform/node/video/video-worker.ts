// What runs in a worker of video codecs: a host of codecs with a line to the main thread. Bundled into ../generated/.
import { parentPort, workerData } from "node:worker_threads";
import { VideoCodecHost } from "./codec-host.ts";
import { loadLibrary } from "./libav.ts";
import type { VideoCommand, VideoWorkerData } from "./video-messages.ts";

const port = parentPort;
if (port !== null) {
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
