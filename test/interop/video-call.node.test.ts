// Two transports in Node that show each other moving pictures, straight and through a relay that loses and reorders:
// what is shown is what was encoded, to the pixel, or nothing.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SignalingServer } from "../../src/signaling-server/server.ts";
import type { Impairment } from "../../src/testing/impairment.ts";
import { ImpairmentRelay } from "../../src/testing/node/node.ts";
import { eventually, sleep, VideoPeer } from "./video-peer.ts";

/** Five seconds of pictures. */
const PICTURES = 75;

describe("a call with video", { timeout: 40_000, retry: 2 }, () => {
  const server = new SignalingServer({ port: 0, host: "127.0.0.1" });
  let url = "";
  /** A second try must not meet the peers of the first. */
  let rooms = 0;

  beforeAll(async () => {
    ({ url } = await server.start());
  });
  afterAll(() => server.close());

  const CASES: [name: string, impairment: Impairment | undefined, leastShown: number][] = [
    ["shows every picture as it was encoded", undefined, 0.99],
    [
      "shows no broken picture, and few less, where packets are lost and reordered",
      { loss: 0.05, delayMs: 20, reorder: 0.05, seed: 3 },
      0.95,
    ],
  ];

  it.each(CASES)("%s", async (name, impairment, leastShown) => {
    const relay = impairment === undefined ? undefined : new ImpairmentRelay(impairment);
    const room = { signalingUrl: url, room: `call-${++rooms}` };
    const alice = new VideoPeer({
      ...room,
      peerId: "alice",
      sender: 1,
      ...(relay !== undefined && { relay }),
    });
    const bob = new VideoPeer({ ...room, peerId: "bob", sender: 2 });
    await alice.join();
    await bob.join();
    await eventually("video both ways", () => alice.links.has("bob") && bob.links.has("alice"));

    await Promise.all([alice.show("bob", PICTURES), bob.show("alice", PICTURES)]);
    // Lost pictures may come late; what does not come in a second will not come.
    await sleep(1_000);

    for (const [sender, receiver] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      const verdict = await sender.judge(receiver);
      const lost = relay?.counters.lost ?? 0;
      console.log(`${name}: ${verdict.shown} of ${verdict.encoded}, ${lost} packets lost`);
      expect(verdict.unreadable).toBe(0);
      expect(verdict.different).toEqual([]);
      expect(verdict.leastPsnrDb).toBeGreaterThan(25);
      // An encoder on a busy machine may leave pictures out; of those it makes, hardly any is missing.
      expect(verdict.encoded).toBeGreaterThan(PICTURES / 2);
      expect(verdict.shown / verdict.encoded).toBeGreaterThanOrEqual(leastShown);
    }
    expect([...alice.errors, ...bob.errors]).toEqual([]);
    await alice.transport.shutdown();
    await bob.transport.shutdown();
    await relay?.close();
  });
});
