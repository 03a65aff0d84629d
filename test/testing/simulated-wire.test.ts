// Delivery over paths with habits: datagrams suffer them, reliable parcels only take longer.
import { describe, expect, it } from "vitest";
import type { LinkModelOptions } from "../../src/testing/link-model.ts";
import { SimulatedWire } from "../../src/testing/simulated-wire.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

const SEED = 3;
const PARCELS = 400;

/** Send parcels every 10 ms. @returns the numbers in the order of their coming, and how many have left the sender */
function send(link: LinkModelOptions, reliable: boolean): { received: number[]; departed: number } {
  const clock = new VirtualClock();
  const wire = new SimulatedWire(clock, link, SEED);
  const received: number[] = [];
  let departed = 0;
  for (let number = 0; number < PARCELS; number++) {
    wire.send({
      from: "a",
      to: "b",
      reliable,
      byteLength: 100,
      deliver: () => received.push(number),
      depart: () => departed++,
    });
    clock.advance(10);
  }
  clock.advance(60_000);
  return { received, departed };
}

const everyone = Array.from({ length: PARCELS }, (_, number) => number);
const rough: LinkModelOptions = {
  delayMs: 30,
  jitter: { meanMs: 20 },
  loss: 0.1,
  reorder: { probability: 0.1, extraMs: 60 },
  duplication: 0.1,
};

describe(`the simulated wire (seed ${SEED})`, () => {
  it("brings reliable parcels once, all of them, in order", () => {
    expect(send(rough, true)).toEqual({ received: everyone, departed: PARCELS });
  });

  it("loses, reorders and duplicates datagrams, and the sender is rid of each of them once", () => {
    const { received, departed } = send(rough, false);
    const different = new Set(received);
    expect(different.size).toBeLessThan(PARCELS);
    expect(different.size).toBeGreaterThan(PARCELS * 0.8);
    expect(received.length).toBeGreaterThan(different.size);
    expect(received).not.toEqual([...received].sort((a, b) => a - b));
    expect(departed).toBe(PARCELS);
  });

  it("sends again after an outage what must not be lost", () => {
    const outage = { delayMs: 30, outages: [{ fromMs: 500, toMs: 2_500 }] };
    expect(send(outage, true).received).toEqual(everyone);
    expect(send(outage, false).received.length).toBe(PARCELS - 200);
  });

  it("gives each direction habits of its own", () => {
    const clock = new VirtualClock();
    const wire = new SimulatedWire(clock, { delayMs: 5 }, SEED);
    wire.setLink("a", "b", { delayMs: 100 });
    expect(wire.roundTripMs("a", "b")).toBe(105);
    const came: string[] = [];
    const parcel = (from: string, to: string): void =>
      wire.send({
        from,
        to,
        reliable: false,
        byteLength: 10,
        deliver: () => came.push(`${from} ${clock.now()}`),
      });
    parcel("a", "b");
    parcel("b", "a");
    clock.advance(200);
    expect(came).toEqual(["b 5", "a 100"]);
  });
});

describe("a way of its own for video", () => {
  it("has habits of its own once it was made, and shares the other's before", () => {
    const clock = new VirtualClock();
    const wire = new SimulatedWire(clock, { delayMs: 10 }, SEED);
    const arrivals: string[] = [];
    const sendBoth = (): void => {
      for (const medium of [undefined, "video"] as const) {
        const deliver = (): void => void arrivals.push(`${medium ?? "rest"} ${clock.now()}`);
        wire.send({ from: "a", to: "b", reliable: false, byteLength: 100, medium, deliver });
      }
      clock.advance(100);
    };
    sendBoth();
    wire.setLink("a", "b", { delayMs: 50 }, "video");
    sendBoth();
    wire.setLink("a", "b", { delayMs: 20 });
    sendBoth();
    const expected = ["rest 10", "video 10", "rest 110", "video 150", "rest 220", "video 250"];
    expect(arrivals).toEqual(expected);
  });

  it("is cut and healed with the rest", () => {
    const clock = new VirtualClock();
    const wire = new SimulatedWire(clock, { delayMs: 10 }, SEED);
    wire.setLink("a", "b", { delayMs: 50 }, "video");
    let delivered = 0;
    wire.cut("a", "b");
    for (const medium of [undefined, "video"] as const) {
      wire.send({
        from: "a",
        to: "b",
        reliable: true,
        byteLength: 9,
        medium,
        deliver: () => void delivered++,
      });
    }
    clock.advance(1_000);
    expect(delivered).toBe(0);
    wire.heal("b", "a");
    clock.advance(1_000);
    expect(delivered).toBe(2);
  });
});
