// A whole mesh in numbers: up to ten machines whose clocks are off send audio and video to each other over seeded links,
// and each reads all others through the library's synchronization, aligned. No payload, no sockets, no real time.
import { TransportError } from "../errors/errors.ts";
import { SyncManager } from "../sync/sync-manager.ts";
import type { SyncOptions } from "../sync/sync-config.ts";
import { LinkModel } from "./link-model.ts";
import type { LinkModelOptions } from "./link-model.ts";
import { linkPresets } from "./link-presets.ts";
import { MeshReceiver } from "./mesh-receiver.ts";
import { MeshRecord } from "./mesh-report.ts";
import type { MeshReport } from "./mesh-report.ts";
import { MachineClock, MeshSender } from "./mesh-sender.ts";
import { SeededRandom } from "./random.ts";

/** Settings of {@link simulateMesh}; each has a default. */
export interface MeshOptions {
  /** 2 to 10. Default 10. */
  peers?: number;
  /** Simulated time. Default 30 minutes. */
  durationMs?: number;
  /** Figures count from here on. Default 10 s. */
  warmUpMs?: number;
  seed?: number | string;
  /** The habits of every direction, or of each. Default the wifi preset. */
  link?: LinkModelOptions | ((from: number, to: number) => LinkModelOptions);
  /** 20 ms frames in packets of 200 bytes by default. */
  audio?: { readonly frameMs: number; readonly packetBytes: number };
  /** Clocks run up to this much fast or slow. Default 500. */
  skewPpm?: number;
  /** Wall clocks are up to this much off. Default 500. */
  offsetMs?: number;
  /** null: no video. Default 30 frames a second at 500 kbit/s. */
  video?: { readonly framerateFps: number; readonly bitrateKbps: number } | null;
  /** Of every receiver's synchronization. */
  sync?: SyncOptions;
  /** Called after every simulated minute. */
  onProgress?: (simulatedMs: number) => void;
}

/** Links take packets in order of time; within a step every machine has sent before anybody receives. */
const STEP_MS = 20;

const WALL_START_MS = 1_767_225_600_000;
const MINUTE_MS = 60_000;
const MAX_PEERS = 10;
const DEFAULT_AUDIO = { frameMs: 20, packetBytes: 200 };
const DEFAULT_VIDEO = { framerateFps: 30, bitrateKbps: 500 };

/**
 * Run a mesh and judge it against the truth. Equal options give an equal report, to the last digit of its digest.
 * @throws TransportError `INVALID_CONFIG` unless there are 2 to 10 peers and a duration above the warm-up
 */
export function simulateMesh(options: MeshOptions = {}): MeshReport {
  const { peers = MAX_PEERS, durationMs = 30 * MINUTE_MS, warmUpMs = 10_000, seed = 1 } = options;
  if (!(Number.isInteger(peers) && peers >= 2 && peers <= MAX_PEERS)) {
    throw new TransportError(
      "INVALID_CONFIG",
      `peers must be a whole number from 2 to ${MAX_PEERS}, got ${peers}`,
    );
  }
  if (!(durationMs > warmUpMs)) {
    throw new TransportError(
      "INVALID_CONFIG",
      `durationMs must be above warmUpMs (${warmUpMs}), got ${durationMs}`,
    );
  }
  const mesh = new Mesh(options, peers, warmUpMs, seed);
  try {
    for (let nowMs = 0; nowMs < durationMs; nowMs += STEP_MS) {
      mesh.step(nowMs, nowMs + STEP_MS);
      if ((nowMs + STEP_MS) % MINUTE_MS === 0) options.onProgress?.(nowMs + STEP_MS);
    }
    return mesh.report(durationMs);
  } finally {
    mesh.close();
  }
}

class Mesh {
  readonly #seed: number | string;
  readonly #record = new MeshRecord();
  readonly #senders: MeshSender[];
  readonly #receivers: MeshReceiver[];
  readonly #links: LinkModel[][];

  constructor(options: MeshOptions, peers: number, warmUpMs: number, seed: number | string) {
    this.#seed = seed;
    const everyone = Array.from({ length: peers }, (_, index) => index);
    this.#senders = everyone.map((index) => makeSender(options, `${seed}/machine ${index}`));
    const { link = linkPresets.wifi } = options;
    this.#links = everyone.map((from) =>
      everyone.map(
        (to) => new LinkModel(typeof link === "function" ? link(from, to) : link, `${seed}/${from} to ${to}`),
      ),
    );
    this.#receivers = everyone.map((index) => this.#makeReceiver(index, options, warmUpMs));
  }

  step(fromMs: number, untilMs: number): void {
    for (const receiver of this.#receivers) receiver.exchange(fromMs);
    const departures = this.#senders.map((sender) => sender.departures(untilMs));
    for (const receiver of this.#receivers) receiver.send(departures);
    for (const receiver of this.#receivers) receiver.advance(untilMs);
  }

  report(durationMs: number): MeshReport {
    const received = this.#receivers.map(({ audioReceived }) => audioReceived);
    const came = received.reduce((sum, each) => sum + each.came, 0);
    const late = received.reduce((sum, each) => sum + each.late, 0);
    const links = this.#links.flatMap((row, from) => row.filter((_, to) => to !== from));
    const about = { seed: this.#seed, peers: this.#senders.length, durationMs };
    return this.#record.report(
      about,
      came,
      late,
      links.map(({ counters }) => counters),
    );
  }

  close(): void {
    for (const receiver of this.#receivers) receiver.close();
  }

  #makeReceiver(own: number, options: MeshOptions, warmUpMs: number): MeshReceiver {
    const { clock } = this.#senders[own] as MeshSender;
    return new MeshReceiver({
      clock,
      frameMs: (options.audio ?? DEFAULT_AUDIO).frameMs,
      warmUpMs,
      record: this.#record,
      streams: this.#senders.flatMap((sender, from) => {
        if (from === own) return [];
        const sync = new SyncManager<number>(`peer-${from}`, options.sync, {
          wallOffsetMs: clock.wallOffsetMs,
          senderLookaheadSamples: 0,
        });
        const there = this.#links[from]?.[own] as LinkModel;
        const back = this.#links[own]?.[from] as LinkModel;
        return [{ from, sync, sender, there, back }];
      }),
    });
  }
}

function makeSender(options: MeshOptions, seed: string): MeshSender {
  const random = new SeededRandom(seed);
  const either = (limit: number): number => (2 * random.next() - 1) * limit;
  const { skewPpm = 500, offsetMs = 500 } = options;
  const startMs = random.integer(0, 1e6);
  return new MeshSender({
    clock: new MachineClock(startMs, WALL_START_MS + either(offsetMs), either(skewPpm)),
    random,
    audio: options.audio ?? DEFAULT_AUDIO,
    video: options.video === undefined ? DEFAULT_VIDEO : options.video,
    rtcpIntervalMs: options.sync?.rtcpIntervalMs ?? 5_000,
  });
}
