// Rooms with video in virtual time: cameras that number their pictures, and viewers that write down what they are shown.
import { beforeAll } from "vitest";
import type { WebRtcTransportOptions } from "../../src/config/config.ts";
import type { TransportError } from "../../src/errors/errors.ts";
import type { PictureFrame, VideoData } from "../../src/runtime/data.ts";
import type { ClockError } from "../../src/testing/skewed-clock.ts";
import { loadVideoCode } from "../../src/transport/load-video.ts";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { WARM_UP_TIMEOUT_MS } from "./world.ts";
import type { World } from "./world.ts";

export const FPS = 30;
export const FRAME_MS = 1000 / FPS;

const [WIDTH, HEIGHT] = [160, 90];
/** Luma of a column that stands for a bit. */
const [DARK, BRIGHT] = [40, 200];
const COLUMNS = 16;

/** Called once by a test file: load what video needs, which is real work and belongs to none of its tests. */
export function warmUpVideo(): void {
  beforeAll(async () => void (await loadVideoCode()), WARM_UP_TIMEOUT_MS);
}

/** A gray picture whose sixteen columns are the bits of its number. */
export function numbered(number: number, timestampUs?: number, width = WIDTH, height = HEIGHT): VideoData {
  const chroma = ((width + 1) >> 1) * ((height + 1) >> 1);
  const data = new Uint8Array(width * height + 2 * chroma).fill(128);
  for (let x = 0; x < width; x++) {
    const bit = Math.floor((x * COLUMNS) / width);
    data[x] = ((number >> bit) & 1) === 1 ? BRIGHT : DARK;
  }
  for (let y = 1; y < height; y++) data.copyWithin(y * width, 0, width);
  return {
    ...{ type: "video", data, width, height, format: "I420" },
    ...(timestampUs !== undefined && { timestampUs }),
  };
}

/** The number a picture was made with; undefined when it is no such picture. */
export function numberOf({ planes: [luma], width, height }: PictureFrame): number | undefined {
  let number = 0;
  for (let bit = 0; bit < COLUMNS; bit++) {
    const column = Math.floor(((bit + 0.5) * width) / COLUMNS);
    const value = luma[(height >> 1) * width + column];
    if (value === BRIGHT) number |= 1 << bit;
    else if (value !== DARK) return undefined;
  }
  return number;
}

/** Takes a picture every 1/30 s and sends it to all. */
export class Camera {
  /** True time, ms, of each picture, by number. */
  readonly capturedMs: number[] = [];
  /** What sends were rejected with. */
  readonly refusals: string[] = [];
  readonly #world: World;
  readonly #transport: WebRtcTransport;
  #cancel: () => void = () => undefined;

  /** @param size of the pictures */
  constructor(world: World, transport: WebRtcTransport, size: readonly [number, number] = [WIDTH, HEIGHT]) {
    this.#world = world;
    this.#transport = transport;
    const { clock } = world;
    const platformClock = world.network.platform(transport.peerId).clock;
    const startMs = clock.now();
    const shoot = (): void => {
      const number = this.capturedMs.length;
      this.capturedMs.push(clock.now());
      this.#cancel = clock.setTimer(startMs + (number + 1) * FRAME_MS, shoot);
      void this.#send(numbered(number, Math.round(platformClock.wallNow() * 1000), ...size));
    };
    this.#cancel = clock.setTimer(startMs, shoot);
  }

  /** Run the clock for so long, and stop. */
  async playFor(ms: number): Promise<void> {
    await this.#world.clock.run(ms);
    this.stop();
  }

  stop(): void {
    this.#cancel();
  }

  async #send(picture: VideoData): Promise<void> {
    try {
      const { failedPeers } = await this.#transport.broadcast(picture);
      for (const { error } of failedPeers) this.refusals.push(error.code);
    } catch (error) {
      this.refusals.push((error as TransportError).code);
    }
  }
}

/** A picture as a viewer saw it. */
export interface Sight {
  readonly picture: Omit<PictureFrame, "planes">;
  readonly number: number | undefined;
  /** True time. */
  readonly atMs: number;
}

/** Looks at a peer's pictures. */
export class Viewer {
  readonly sights: Sight[] = [];
  readonly #abort = new AbortController();
  readonly done: Promise<void>;

  constructor(world: World, transport: WebRtcTransport, peerId?: string) {
    const { signal } = this.#abort;
    this.done = (async () => {
      for await (const frame of transport.frames({ kind: "video", peerId, signal })) {
        const { planes, ...picture } = frame;
        this.sights.push({ picture, number: numberOf({ ...picture, planes }), atMs: world.clock.now() });
      }
    })();
  }

  get numbers(): (number | undefined)[] {
    return this.sights.map(({ number }) => number);
  }

  stop(): void {
    this.#abort.abort();
  }
}

/** What a transport tells about video, and what goes wrong. */
export class Diary {
  readonly entries: string[] = [];
  readonly errors: TransportError[] = [];

  constructor(transport: WebRtcTransport) {
    transport.on("videoConnected", ({ peerId, codec }) => this.entries.push(`up ${peerId} ${codec}`));
    transport.on("videoDisconnected", ({ peerId }) => this.entries.push(`down ${peerId}`));
    transport.on("error", (error) => this.errors.push(error));
  }

  get codes(): string[] {
    return this.errors.map(({ code }) => code);
  }
}

/** Let transports with video join, one after the other, and get connected. */
export async function joinWithVideo(
  world: World,
  peerIds: readonly string[],
  options: WebRtcTransportOptions = {},
  clockErrors: Readonly<Record<string, ClockError>> = {},
): Promise<WebRtcTransport[]> {
  const joined: WebRtcTransport[] = [];
  for (const peerId of peerIds) {
    const transport = world.transport(peerId, { video: { enabled: true }, ...options }, clockErrors[peerId]);
    await world.clock.until(transport.start());
    joined.push(transport);
  }
  await world.clock.run(1_500);
  return joined;
}

/** Whether numbers rise one by one from the first. */
export function isGapless(numbers: readonly (number | undefined)[]): boolean {
  return numbers.every((number, i) => number === (numbers[0] ?? NaN) + i);
}

/** Pictures that a decoder could not decode, of one peer; the simulated ones notice every missing reference. */
export function undecodable(world: World, peerId: string): number {
  return world.network.videoCodecs(peerId)?.counters.undecodable ?? NaN;
}

/** The value below which this share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
