// A process of some of a run's peers: started by the first process, told what to do over IPC, and gone when that goes.
import { describeError } from "../../errors/errors.ts";
import type { FromPeers, ToPeers } from "./ipc-messages.ts";
import { PeerHost } from "./peer-host.ts";

/** Leaving takes a transport up to 5 s; what takes longer is stuck. */
const STOP_LIMIT_MS = 8_000;
const EXIT_FAILED = 1;

let host: PeerHost | undefined;
let stopping = false;

process.on("message", (message: ToPeers) => {
  obey(message).catch((error: unknown) => {
    process.stderr.write(`demo: a process of peers failed: ${describeError(error)}\n`);
    process.exit(EXIT_FAILED);
  });
});
// The first process has ended, however it did: nobody would ever end this one.
process.on("disconnect", () => void stop(0));
// Ctrl-C in a terminal reaches every process of it; the first one decides what becomes of the run.
process.on("SIGINT", () => undefined);

async function obey(message: ToPeers): Promise<void> {
  switch (message.type) {
    case "plan":
      host = await PeerHost.open({
        plan: message.plan,
        own: message.own,
        processes: message.processes,
        events: {
          connected: (from, to) => say({ type: "connected", from, to }),
          trouble: (text) => say({ type: "trouble", text }),
          word: say,
        },
      });
      return say({ type: "ready" });
    case "start": {
      const { peerId } = message;
      const fault = await host?.start(peerId).then(() => undefined, describeError);
      return say({ type: "started", peerId, fault });
    }
    case "report":
      if (host !== undefined) say({ type: "report", id: message.id, report: host.report(message.live) });
      return;
    case "stop":
      return stop(message.samples);
    default:
      host?.hear(message);
  }
}

async function stop(samples: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  // Not held back by what keeps the process alive, nor does it do so itself.
  setTimeout(() => process.exit(EXIT_FAILED), STOP_LIMIT_MS).unref();
  const recorded = await host?.stop(samples);
  if (!process.connected) process.exit();
  process.send?.({ type: "stopped", recorded } satisfies FromPeers, () => process.exit());
}

/** Nothing is said to a first process that has gone. */
function say(message: FromPeers): void {
  if (process.connected) process.send?.(message);
}
