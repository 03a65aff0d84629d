import { expect, it } from "vitest";
import { CandidateQueue } from "../../../src/platform/browser/candidate-queue.ts";
import type { IceCandidate } from "../../../src/platform/platform.ts";

const native = (candidate: string): RTCIceCandidate =>
  ({ candidate, sdpMid: "0", sdpMLineIndex: 0, usernameFragment: "u" }) as RTCIceCandidate;

it("holds candidates until every description has reached its caller, in order", async () => {
  const seen: IceCandidate[] = [];
  const queue = new CandidateQueue((candidate) => seen.push(candidate));
  queue.hold();
  queue.hold();
  queue.push(native("candidate:1"));
  queue.push(native("candidate:2"));
  queue.releaseLater();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(seen).toEqual([]);
  const delivered = new Promise<void>((resolve) => {
    const poll = (): void => (seen.length === 2 ? resolve() : void setTimeout(poll, 1));
    poll();
  });
  queue.releaseLater();
  expect(seen).toEqual([]);
  await delivered;
  expect(seen.map(({ candidate }) => candidate)).toEqual(["candidate:1", "candidate:2"]);
});

it("says the end of candidates once, with the section of the last one", () => {
  const seen: IceCandidate[] = [];
  const queue = new CandidateQueue((candidate) => seen.push(candidate));
  queue.push(native("candidate:1"));
  queue.push(native(""));
  queue.push(null);
  expect(seen.slice(1)).toEqual([{ candidate: "", sdpMid: "0", sdpMLineIndex: 0, usernameFragment: "u" }]);
});

it("names the first section when gathering found nothing", () => {
  const seen: IceCandidate[] = [];
  new CandidateQueue((candidate) => seen.push(candidate)).push(null);
  expect(seen).toEqual([{ candidate: "", sdpMid: null, sdpMLineIndex: 0 }]);
});
