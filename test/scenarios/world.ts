// A room in virtual time: simulated platforms, the real signaling hub, real transports, real Opus.
import type { WebRtcTransportOptions } from "../../src/config/config.ts";
import { Hub } from "../../src/signaling-server/hub.ts";
import type { HubOptions } from "../../src/signaling-server/hub.ts";
import { DEFAULT_LIMITS } from "../../src/signaling-server/limits.ts";
import type { Socket } from "../../src/platform/platform.ts";
import { Driver } from "../../src/runtime/driver.ts";
import type { LinkModelOptions } from "../../src/testing/link-model.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { SimulatedNetwork } from "../../src/testing/simulated-platform.ts";
import type { ClockError } from "../../src/testing/skewed-clock.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { loadMedia } from "../../src/transport/load-media.ts";
import { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";

export const SIGNALING_URL = "ws://signaling.test/";

/** Loading and warming up the codec takes seconds on a loaded machine. */
export const WARM_UP_TIMEOUT_MS = 60_000;

/** What a world is made with. */
interface WorldOptions {
  seed?: number;
  hub?: Partial<HubOptions>;
  /** The habits of every path. */
  link?: LinkModelOptions;
}

export class World {
  readonly clock = new VirtualClock();
  readonly network: SimulatedNetwork;
  readonly #transports: WebRtcTransport[] = [];
  readonly #closeServer: () => void;

  private constructor(seed: number, hub: Partial<HubOptions>, link: LinkModelOptions) {
    this.network = new SimulatedNetwork({ clock: this.clock, seed, link });
    this.#closeServer = serve(this.network, this.clock, seed, hub);
  }

  /** Load codec and engine, once before all scenarios: that is real work and belongs to none of them. */
  static async warmUp(): Promise<void> {
    await loadMedia();
  }

  static open({ seed = 1, hub = {}, link = { delayMs: 1 } }: WorldOptions = {}): World {
    return new World(seed, hub, link);
  }

  /** @param clockError of its machine */
  transport(peerId: string, options: WebRtcTransportOptions = {}, clockError?: ClockError): WebRtcTransport {
    const transport = new WebRtcTransport(
      {
        signalingUrl: SIGNALING_URL,
        peerId,
        room: "room",
        networkMode: "lan",
        logLevel: "silent",
        ...options,
      },
      this.network.platform(peerId, clockError),
    );
    this.#transports.push(transport);
    return transport;
  }

  /** Start transports one after the other and let them connect. */
  async join(...peerIds: string[]): Promise<WebRtcTransport[]> {
    const joined: WebRtcTransport[] = [];
    for (const peerId of peerIds) {
      const transport = this.transport(peerId);
      await this.clock.until(transport.start());
      joined.push(transport);
    }
    await this.clock.run(1_000);
    return joined;
  }

  /** Shut everything down. @returns what is left over, which should be nothing */
  async close(): Promise<{ openLinks: number; pendingTimers: number }> {
    await this.clock.until(Promise.all(this.#transports.map((transport) => transport.shutdown())));
    await this.clock.run(2_000);
    this.#closeServer();
    return { openLinks: this.network.openLinks, pendingTimers: this.clock.pending };
  }
}

/** Serve the hub at SIGNALING_URL. */
function serve(
  network: SimulatedNetwork,
  clock: VirtualClock,
  seed: number,
  options: Partial<HubOptions>,
): () => void {
  const random = new SeededRandom(`${seed}/hub`);
  const sockets = new Map<number, Socket>();
  const connections = new Map<Socket, number>();
  let last = 0;
  const hub = new Hub({
    limits: DEFAULT_LIMITS,
    name: "simulated",
    version: "0",
    randomBytes: (length) => random.bytes(length),
    wallOffsetMs: clock.wallNow() - clock.now(),
    authenticates: false,
    ...options,
  });
  const driver = new Driver(hub, clock, (output) => {
    if (output.type === "send") sockets.get(output.connection)?.send(output.text);
    if (output.type === "close") sockets.get(output.connection)?.close(output.code, output.reason);
    if (output.type === "fault") throw output.error;
  });
  const unlisten = network.listen(SIGNALING_URL, {
    open: (socket, client) => {
      const connection = ++last;
      sockets.set(connection, socket);
      connections.set(socket, connection);
      driver.handle({ type: "open", connection, ip: client, origin: undefined });
    },
    message: (socket, text) => {
      const connection = connections.get(socket);
      if (connection !== undefined) driver.handle({ type: "message", connection, text });
    },
    close: (socket, code) => {
      const connection = connections.get(socket);
      if (connection !== undefined) driver.handle({ type: "close", connection, code });
    },
  });
  return () => {
    unlisten();
    driver.close();
  };
}

/** A voice-like, non-periodic block of 20 ms at 48 kHz. */
export function speech(seed: number, index: number): Float32Array {
  return Float32Array.from({ length: 960 }, (_, i) => {
    const t = (index * 960 + i) / 48_000;
    return 0.3 * Math.sin(2 * Math.PI * (200 + 40 * seed + 60 * Math.sin(3 * t + seed)) * t);
  });
}

/** Let `transport` speak `frames` blocks of 20 ms from now on, while the clock runs. */
export function speak(world: World, transport: WebRtcTransport, frames: number, seed = 1): void {
  const startMs = world.clock.now();
  for (let i = 0; i < frames; i++) {
    world.clock.setTimer(startMs + i * 20, () => {
      void transport.broadcast({ type: "audio", samples: speech(seed, i), sampleRate: 48_000, channels: 1 });
    });
  }
}
