// What scenarios of single transports share: a world for each of them, and what calls reject with.
import { afterEach, beforeAll, expect } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import type { RuntimeData } from "../../src/runtime/data.ts";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { speech, WARM_UP_TIMEOUT_MS, World } from "./world.ts";

/** The world of the running test. */
export let world: World;

/** Called once by a test file: every test of it begins with {@link open} or {@link pair}, and must leave nothing. */
export function closeEachWorld(): void {
  beforeAll(() => World.warmUp(), WARM_UP_TIMEOUT_MS);
  afterEach(async () => {
    expect(await world.close(), "left over after shutdown").toEqual({ openLinks: 0, pendingTimers: 0 });
  });
}

export function open(options: Parameters<typeof World.open>[0] = {}): void {
  world = World.open(options);
}

/** Alice and Bob in a new world, connected. */
export async function pair(): Promise<[WebRtcTransport, WebRtcTransport]> {
  open();
  return (await world.join("alice", "bob")) as [WebRtcTransport, WebRtcTransport];
}

/** A block of 20 ms. */
export function audio(index = 0): RuntimeData {
  return { type: "audio", samples: speech(1, index), sampleRate: 48_000, channels: 1 };
}

/** The code a promise rejects with, for a clock that is run elsewhere. */
export function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "resolved",
    (error: unknown) => (error as TransportError).code,
  );
}

/** The code a promise rejects with; runs the clock until it does. */
export async function rejection(promise: Promise<unknown>): Promise<string> {
  try {
    await world.clock.until(promise);
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    expect(error.suggestion.length).toBeGreaterThan(10);
    return error.code;
  }
  return "resolved";
}
