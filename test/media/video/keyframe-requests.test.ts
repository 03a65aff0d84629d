// How often a receiver asks for keyframes.
import { describe, expect, it } from "vitest";
import { KeyframeRequests } from "../../../src/media/video/keyframe-requests.ts";

/** When requests go out until `untilMs`, as a driver would find them. */
function times(requests: KeyframeRequests, untilMs: number): number[] {
  const found: number[] = [];
  for (let ms = requests.deadlineMs; ms <= untilMs; ms = requests.deadlineMs) {
    expect(requests.take(ms - 0.1)).toBe(false);
    expect(requests.take(ms)).toBe(true);
    found.push(Math.round(ms));
  }
  return found;
}

describe("requests for keyframes", () => {
  it("go out at once, then ever more rarely until a frame can be decoded", () => {
    const requests = new KeyframeRequests();
    requests.need(1000);
    expect(times(requests, 5000)).toEqual([1000, 1200, 1500, 1950, 2625, 3638]);
    requests.need(5000);
    expect(times(requests, 30_000).slice(-2)).toEqual([25_434, 28_434]);
    requests.decodable(false);
    expect(requests.deadlineMs).toBe(Infinity);
    requests.need(30_000);
    expect(times(requests, 30_100)).toEqual([30_000]);
  });

  it("wait for what can have come: a round trip and the sender's work", () => {
    const requests = new KeyframeRequests();
    requests.setRtt(400);
    requests.need(0);
    expect(times(requests, 2000)).toEqual([0, 500, 1250]);
  });

  it("lie 200 ms apart though frames come between them", () => {
    const requests = new KeyframeRequests();
    const found: number[] = [];
    for (let ms = 0; ms <= 1000; ms += 10) {
      requests.need(ms);
      if (requests.take(ms)) found.push(ms);
      requests.decodable(true);
    }
    expect(found).toEqual([0, 200, 400, 600, 800, 1000]);
  });

  it("give a keyframe that is coming time to become whole", () => {
    const requests = new KeyframeRequests();
    requests.need(0);
    requests.take(0);
    requests.begun(190);
    expect(requests.deadlineMs).toBe(390);
  });

  it("for a reader lie half a second apart, and only a keyframe answers them", () => {
    const requests = new KeyframeRequests();
    requests.ask(0);
    expect(requests.take(0)).toBe(true);
    requests.decodable(true);
    requests.ask(100);
    requests.ask(200);
    expect(requests.deadlineMs).toBe(500);
    expect(requests.take(500)).toBe(true);
    requests.decodable(false);
    expect(requests.deadlineMs).toBe(700);
    requests.decodable(true);
    expect(requests.deadlineMs).toBe(Infinity);
  });

  it("for a reader become urgent when nothing can be decoded", () => {
    const requests = new KeyframeRequests();
    requests.ask(0);
    requests.take(0);
    requests.decodable(true);
    requests.ask(100);
    requests.need(150);
    expect(requests.deadlineMs).toBe(200);
  });
});
