// The port's implementation for Node: `ws` for signaling, node-datachannel's native API for peer connections.
// One JavaScript environment of a process may load it, the main thread or one worker; the addon aborts in a second.
import { randomBytes } from "node:crypto";
import type { Clock } from "../../runtime/time.ts";
import type { Platform } from "../platform.ts";
import { startNodeMediaWorker } from "./media-worker.ts";
import { createNodeClock } from "./node-clock.ts";
import { NodePeerLink } from "./peer-link.ts";
import { startNodePipelineWorker } from "./pipeline-worker.ts";
import { openNodeSocket } from "./websocket.ts";

/** How the Node platform may be changed. */
export interface NodePlatformOptions {
  /** Stamps arrivals and sets timers; the process's own by default. */
  clock?: Clock | undefined;
  /** Stand between the library and the platform, e.g. to impair its connections; called once, for each transport. */
  decorate?: ((platform: Platform) => Platform) | undefined;
}

/** Node as a platform: links of level `packet`, which obey `bindAddress`. */
export function createNodePlatform(options: NodePlatformOptions = {}): Platform {
  const clock = options.clock ?? createNodeClock();
  const platform = nodePlatform(clock);
  return options.decorate?.(platform) ?? platform;
}

function nodePlatform(clock: Clock): Platform {
  return {
    name: "node",
    clock,
    canBind: true,
    // A copy: small results of randomBytes are views of a pool that others share.
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
    openSocket: openNodeSocket,
    openPeerLink: (linkOptions, events) => new NodePeerLink(linkOptions, clock, events),
    startMediaWorker: startNodeMediaWorker,
    startPipelineWorker: startNodePipelineWorker,
    loadVideoCodecs: async () => {
      // Most programs have no video: its codecs are looked for when they are wanted.
      const { createNodeVideoCodecs } = await import("./video/node-video-codecs.ts");
      return createNodeVideoCodecs();
    },
  };
}
