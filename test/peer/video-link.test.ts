// The second connection to a peer: which side begins, what happens when it does not come about, and when it goes.
import { describe, expect, it } from "vitest";
import type { VideoSignal } from "../../src/channels/video-signals.ts";
import { resolveConfig } from "../../src/config/config.ts";
import { TransportError } from "../../src/errors/errors.ts";
import { VideoLink } from "../../src/peer/video-link.ts";
import type { VideoLinkOptions } from "../../src/peer/video-link.ts";
import type { VideoCodecName } from "../../src/platform/video-codecs.ts";
import { SimulatedNetwork } from "../../src/testing/simulated-platform.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

const SIGNAL_MS = 5;

interface Side {
  readonly link: VideoLink;
  readonly log: string[];
}

/** Alice and Bob, whose signals take 5 ms. */
function setUp(codecs: Partial<Record<string, VideoCodecName[]>> = {}, told = codecs) {
  const clock = new VirtualClock();
  const network = new SimulatedNetwork({ clock, seed: 3, link: { delayMs: 10 } });
  const sides = new Map<string, Side>();
  const state = { signals: 0, broken: false };
  const codecsOf = (name: string, from = codecs): VideoCodecName[] => from[name] ?? ["VP9", "VP8"];
  const side = (localId: string, remoteId: string): Side => {
    const log: string[] = [];
    const options: VideoLinkOptions = {
      platform: network.platform(localId),
      config: resolveConfig({ video: { enabled: true }, networkMode: "lan", iceTimeoutSecs: 5 }),
      ...{ localId, remoteId, iceServers: [], codecs: codecsOf(localId) },
      theirCodecs: ["opus", ...codecsOf(remoteId, told)],
      signal: (signal: VideoSignal) => {
        if (state.broken) throw new TransportError("DATA_CHANNEL_ERROR", "the channel has closed");
        state.signals++;
        clock.setTimer(clock.now() + SIGNAL_MS, () => sides.get(remoteId)?.link.receive(signal));
      },
      ...{ onFrame: () => undefined, onSenderReport: () => undefined, onSent: () => undefined },
      onDemand: () => undefined,
      onUp: ({ codec }) => void log.push(`up ${codec}`),
      onDown: () => void log.push("down"),
      onFault: ({ code }) => void log.push(code),
    };
    const made = { link: new VideoLink(options), log };
    sides.set(localId, made);
    return made;
  };
  const [alice, bob] = [side("alice", "bob"), side("bob", "alice")];
  const start = async (ms = 500): Promise<void> => {
    for (const { link } of [bob, alice]) link.start();
    await clock.run(ms);
  };
  const close = async (): Promise<void> => {
    await clock.until(Promise.all([alice.link.close(), bob.link.close()]));
    await clock.run(1_000);
    expect([network.openLinks, clock.pending], "left over").toEqual([0, 0]);
  };
  return { clock, network, alice, bob, state, start, close };
}

describe("a link for video", () => {
  it("comes about once both have begun, offered by the smaller name alone", async () => {
    const { network, alice, bob, start, close } = setUp();
    bob.link.start();
    await start();
    expect([alice.log, bob.log]).toEqual([["up VP9"], ["up VP9"]]);
    expect(network.openLinks).toBe(2);
    expect([alice.link.media?.codec, bob.link.media?.level]).toEqual(["VP9", "packet"]);
    expect(await alice.link.statistics()).toMatchObject({ audioOut: null });
    await close();
    expect(await alice.link.statistics()).toBeUndefined();
    expect([alice.log, bob.log]).toEqual([
      ["up VP9", "down"],
      ["up VP9", "down"],
    ]);
    expect(alice.link.media).toBeUndefined();
  });

  it("comes back by itself when it fails, and again", async () => {
    const { clock, network, alice, bob, start, close } = setUp();
    await start();
    for (let i = 0; i < 3; i++) {
      expect(network.failVideo("alice", "bob")).toBe(2);
      await clock.run(1_500);
    }
    const life = ["up VP9", "down", "up VP9", "down", "up VP9", "down", "up VP9"];
    expect([alice.log, bob.log]).toEqual([life, life]);
    await close();
  });

  it("is tried less and less often while it does not come about, and that is told once", async () => {
    const { clock, network, alice, bob, state, start, close } = setUp();
    network.partition("alice", "bob");
    await start(60_000);
    expect(alice.log).toEqual(["NAT_TRAVERSAL_FAILED"]);
    const { signals } = state;
    await clock.run(60_000);
    // One attempt of 5 s after each pause of 10: four words each side.
    expect(state.signals - signals).toBeLessThan(40);
    network.heal("alice", "bob");
    await clock.run(20_000);
    expect([alice.log.at(-1), bob.log.at(-1)]).toEqual(["up VP9", "up VP9"]);
    await close();
  });

  it("is not begun where no codec is common, and both are told which there are", async () => {
    const { network, alice, bob, state, start, close } = setUp({ alice: ["VP9"], bob: ["H264", "VP8"] });
    await start(60_000);
    expect([alice.log, bob.log]).toEqual([["CODEC_MISMATCH"], ["CODEC_MISMATCH"]]);
    expect([state.signals, network.openLinks]).toEqual([0, 0]);
    await close();
  });

  it("is given up where the other side has not what it says", async () => {
    const { clock, network, alice, bob, state, start, close } = setUp({ alice: ["VP9"], bob: ["H264"] }, {});
    await start();
    expect([alice.log, bob.log]).toEqual([["PEER_REJECTED"], ["CODEC_MISMATCH"]]);
    const { signals } = state;
    await clock.run(60_000);
    expect(state.signals).toBe(signals);
    expect(network.openLinks).toBe(0);
    await close();
  });

  it("goes with the channel of its signals, and says no more", async () => {
    const { clock, alice, state, start, close } = setUp();
    await start();
    state.broken = true;
    await clock.until(alice.link.close());
    alice.link.receive({ kind: "offer", sdp: "v=0", connectionId: "x", requestId: "y" });
    alice.link.start();
    await clock.run(5_000);
    expect(alice.log).toEqual(["up VP9", "down"]);
    state.broken = false;
    await close();
  });

  it("takes what makes no sense for what it is", async () => {
    const { clock, alice, bob, start, close } = setUp();
    await start();
    const ids = { connectionId: "x", requestId: "y" };
    const candidate = { candidate: "nonsense", sdpMid: null, sdpMLineIndex: null };
    for (const signal of [
      { kind: "answer", sdp: "nonsense", ...ids },
      { kind: "candidate", candidate, ...ids },
      { kind: "disconnect", connectionId: "z", reason: "unknown" },
      { kind: "offer", sdp: "nonsense", ...ids },
    ] as const) {
      bob.link.receive(signal);
    }
    await clock.run(1_000);
    expect(bob.log).toEqual(["up VP9", "SDP_ERROR"]);
    expect(alice.log).toEqual(["up VP9"]);
    await close();
  });
});
