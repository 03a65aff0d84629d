// Effects of a negotiation on native connections: in order, each connection closed once, and no failure lost.
import { describe, expect, it } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import { Connector } from "../../src/peer/connector.ts";
import type { Live, LiveReports } from "../../src/peer/connector.ts";
import type { PeerLink } from "../../src/platform/platform.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

const IDS = { connectionId: "c1", requestId: "r1" };
const CANDIDATE = { candidate: "candidate:1", sdpMid: "0", sdpMLineIndex: 0 };

/** What may go wrong, or take its time. */
interface Faults {
  open?: () => Promise<void>;
  createOffer?: () => Promise<string>;
  sendOffer?: () => Promise<void>;
  close?: () => Promise<void>;
}

function setUp(faults: Faults = {}, [localId, remoteId] = ["alice", "bob"]) {
  const clock = new VirtualClock();
  const log: string[] = [];
  const reports: LiveReports[] = [];
  const says = (word: string) => (): Promise<string> => {
    log.push(word);
    return Promise.resolve(`sdp of ${word}`);
  };
  const open = async (told: LiveReports, connectionId: string): Promise<Live> => {
    log.push(`open ${connectionId}`);
    reports.push(told);
    await faults.open?.();
    const link = {
      createOffer: () => faults.createOffer?.() ?? says("offer")(),
      createAnswer: says("answer"),
      acceptAnswer: says("accept"),
      addCandidate: says("candidate"),
    } as unknown as PeerLink;
    const close = async (): Promise<void> => {
      log.push(`close ${connectionId}`);
      await faults.close?.();
    };
    return { link, close };
  };
  const connector = new Connector<Live>(
    {
      ...{ clock, localId, remoteId, open },
      iceTimeoutMs: () => 5_000,
      signals: {
        sendOffer: (sdp) => faults.sendOffer?.() ?? (log.push(`send ${sdp}`), Promise.resolve()),
        sendAnswer: (sdp) => (log.push(`send ${sdp}`), Promise.resolve()),
        sendCandidate: ({ candidate }) => void log.push(`send ${candidate}`),
        sendDisconnect: (reason) => void log.push(`send goodbye: ${reason}`),
      },
    },
    {
      stateChange: (state) => void log.push(state),
      connected: (_, connectionId) => void log.push(`up ${connectionId}`),
      failed: (code, message) => void log.push(`failed: ${code}, ${message}`),
      ended: (reason) => void log.push(`ended: ${reason}`),
      fault: (error) => void log.push(`fault: ${(error as Error).message}`),
    },
  );
  const settle = (): Promise<void> => clock.run(1);
  return { clock, connector, log, reports, settle };
}

describe("a connector", () => {
  it("carries an offer through, candidates behind it, and closes what it opened", async () => {
    const { connector, log, reports, settle, clock } = setUp();
    connector.handle({ type: "connect", ...IDS });
    await settle();
    reports[0]?.candidate(CANDIDATE);
    connector.handle({ type: "candidate", candidate: CANDIDATE, ...IDS });
    connector.handle({ type: "answer", sdp: "theirs", ...IDS });
    await settle();
    reports[0]?.state("connected");
    reports[0]?.ready();
    expect(connector.lives).toHaveLength(1);
    connector.handle({ type: "disconnect", reason: "user_requested" });
    connector.dispose();
    await settle();
    await connector.settled();
    expect(log).toEqual([
      ...["gatheringIce", "open c1", "offer", "send sdp of offer", "connecting", "send candidate:1"],
      ...["accept", "candidate", "up c1", "connected"],
      ...["send goodbye: user_requested", "ended: user_requested", "closed", "close c1"],
    ]);
    expect(connector.lives).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it("answers", async () => {
    const { connector, log, settle } = setUp({}, ["bob", "alice"]);
    connector.handle({ type: "offer", sdp: "theirs", ...IDS });
    await settle();
    expect(log).toEqual(["connecting", "open c1", "answer", "send sdp of answer"]);
    expect([connector.idle, connector.offering, connector.state]).toEqual([false, false, "connecting"]);
    connector.dispose();
  });

  const failure = (): Promise<never> => Promise.reject(new TransportError("SDP_ERROR", "nonsense"));

  it.each<[string, Faults, string[]]>([
    ["cannot be opened", { open: failure }, ["send goodbye: error", "failed: SDP_ERROR, nonsense"]],
    [
      "makes no offer",
      { createOffer: failure },
      ["send goodbye: error", "close c1", "failed: SDP_ERROR, nonsense"],
    ],
    [
      "cannot tell its offer",
      { sendOffer: () => Promise.reject(new Error("gone")) },
      ["send goodbye: error", "close c1", "failed: CONNECTION_FAILED, gone"],
    ],
  ])("ends an attempt whose connection %s, with the reason", async (_, faults, expected) => {
    const { connector, log, settle, clock } = setUp(faults);
    connector.handle({ type: "connect", ...IDS });
    await settle();
    await connector.settled();
    for (const entry of expected) expect(log).toContain(entry);
    expect(log).toContain("failed");
    expect([connector.idle, connector.lives.length, clock.pending]).toEqual([true, 0, 0]);
  });

  it("closes a connection that is ready only after it was given up, and tells what went wrong in that", async () => {
    let opened = (): void => undefined;
    const faults = {
      open: () => new Promise<void>((resolve) => (opened = resolve)),
      close: () => Promise.reject(new Error("stuck")),
    };
    const { connector, log, settle } = setUp(faults);
    connector.handle({ type: "connect", ...IDS });
    await settle();
    connector.handle({ type: "disconnect", reason: "user_requested" });
    expect(log).not.toContain("close c1");
    opened();
    await connector.settled();
    expect(log.slice(-2)).toEqual(["close c1", "fault: stuck"]);
  });

  it("rejects, so that it is not tried again, what cannot be coded", async () => {
    const mismatch = new TransportError("CODEC_MISMATCH", "nothing in common");
    const { connector, log, settle } = setUp({ createOffer: () => Promise.reject(mismatch) });
    connector.handle({ type: "connect", ...IDS });
    await settle();
    expect(log).toContain("send goodbye: rejected");
    connector.dispose();
  });

  it("counts words about connections that are no more", () => {
    const { connector } = setUp();
    connector.handle({ type: "answer", sdp: "old", ...IDS });
    connector.handle({ type: "candidate", candidate: CANDIDATE, ...IDS });
    connector.handle({ type: "remote-disconnect", connectionId: "c0", reason: "timeout" });
    expect(connector.counters.staleSignals).toBe(3);
    connector.dispose();
  });
});
