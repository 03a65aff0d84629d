// The pure hub behind the face of a server, on a virtual clock.
import type { JsonObject } from "../../src/runtime/data.ts";
import { Driver } from "../../src/runtime/driver.ts";
import type { AuthVerdict } from "../../src/signaling-server/auth.ts";
import { Hub } from "../../src/signaling-server/hub.ts";
import type { HubInput, HubOutput, HubStats } from "../../src/signaling-server/hub-io.ts";
import { DEFAULT_LIMITS } from "../../src/signaling-server/limits.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import type { RawPeer, World, WorldOptions } from "./raw-peer.ts";

export interface HubWorldOptions extends WorldOptions {
  allowedOrigins?: string[];
  /** Leave the hook's questions open: the test answers by {@link HubWorld.decide}. */
  undecided?: boolean;
  randomBytes?: (length: number) => Uint8Array;
}

/** A peer of the hub; everything that happened to it can be looked at. */
export class HubPeer implements RawPeer {
  readonly connection: number;
  readonly frames: JsonObject[] = [];
  closeCode: number | undefined;
  terminated = false;
  pings = 0;
  answersPings = true;
  readonly #world: HubWorld;

  constructor(world: HubWorld, connection: number) {
    this.#world = world;
    this.connection = connection;
  }

  sendText(text: string): void {
    this.#world.feed({ type: "message", connection: this.connection, text });
  }

  sendBinary(): void {
    this.#world.feed({ type: "binary", connection: this.connection });
  }

  next(): Promise<JsonObject> {
    const frame = this.frames.shift();
    return frame === undefined ? Promise.reject(new Error("no frame came")) : Promise.resolve(frame);
  }

  closed(): Promise<number> {
    const code = this.closeCode;
    return code === undefined ? Promise.reject(new Error("not closed")) : Promise.resolve(code);
  }

  vanish(code = 1006): void {
    this.#world.feed({ type: "close", connection: this.connection, code });
  }
}

export class HubWorld implements World {
  readonly clock = new VirtualClock();
  readonly tickets: number[] = [];
  readonly faults: unknown[] = [];
  readonly #options: HubWorldOptions;
  readonly #hub: Hub;
  readonly #driver: Driver<HubInput, HubOutput>;
  readonly #peers = new Map<number, HubPeer>();

  constructor(options: HubWorldOptions = {}) {
    this.#options = options;
    const random = new SeededRandom("hub");
    this.#hub = new Hub({
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      name: "test",
      version: "0",
      randomBytes: options.randomBytes ?? ((length) => random.bytes(length)),
      wallOffsetMs: this.clock.wallNow() - this.clock.now(),
      authenticates: options.authenticate !== undefined || options.undecided === true,
      allowedOrigins: options.allowedOrigins,
    });
    this.#driver = new Driver(this.#hub, this.clock, (output) => this.#effect(output));
  }

  /** Synchronous twin of `connect`. */
  open(ip = "10.0.0.1", origin?: string): HubPeer {
    const peer = new HubPeer(this, this.#peers.size + 1);
    this.#peers.set(peer.connection, peer);
    this.feed({ type: "open", connection: peer.connection, ip, origin });
    return peer;
  }

  connect(): Promise<RawPeer> {
    return Promise.resolve(this.open());
  }

  stop(): Promise<void> {
    this.#driver.close();
    return Promise.resolve();
  }

  feed(input: HubInput): void {
    this.#driver.handle(input);
  }

  decide(verdict: AuthVerdict): void {
    const ticket = this.tickets.shift();
    if (ticket === undefined) throw new Error("the hub has asked nothing");
    this.feed({ type: "authenticated", ticket, verdict });
  }

  stats(): HubStats {
    return this.#hub.stats();
  }

  #effect(output: HubOutput): void {
    if (output.type === "log") return;
    if (output.type === "fault") return void this.faults.push(output.error);
    if (output.type === "authenticate") return this.#ask(output);
    const peer = this.#peers.get(output.connection);
    if (peer === undefined) throw new Error(`no such connection: ${output.connection}`);
    if (output.type === "send") peer.frames.push(JSON.parse(output.text) as JsonObject);
    if (output.type === "close") peer.closeCode = output.code;
    if (output.type === "terminate") peer.terminated = true;
    if (output.type !== "ping") return;
    peer.pings += 1;
    if (peer.answersPings) this.feed({ type: "pong", connection: output.connection });
  }

  #ask({ ticket, question }: HubOutput & { type: "authenticate" }): void {
    this.tickets.push(ticket);
    const { authenticate } = this.#options;
    if (authenticate === undefined) return;
    let verdict: AuthVerdict = "failed";
    try {
      verdict = authenticate(question.token, question.peerId, question.room) ? "allowed" : "refused";
    } catch (error) {
      this.faults.push(error);
    }
    this.decide(verdict);
  }
}
