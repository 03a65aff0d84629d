import { afterEach, expect, it } from "vitest";
import { TransportError } from "../../../src/errors/errors.ts";
import { createBrowserPlatform } from "../../../src/platform/browser/browser-platform.ts";
import type { PeerLinkOptions } from "../../../src/platform/platform.ts";
import {
  AUDIO,
  audible,
  closePair,
  connect,
  End,
  makePair,
  sineBlock,
  writeBlocks,
  writeUntilHeard,
} from "./link-pair.ts";

const open: End[] = [];

function pair(options?: Partial<PeerLinkOptions>, answerer?: Partial<PeerLinkOptions>): { a: End; b: End } {
  const ends = makePair(options, answerer);
  open.push(ends.a, ends.b);
  return ends;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((end) => end.link.close()));
});

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "resolved",
    (error: unknown) => (error instanceof TransportError ? error.code : String(error)),
  );

it("connects two links of a page and reports every state once", async () => {
  const { a, b } = pair();
  await connect(a, b);
  expect(a.states).toEqual(["connecting", "connected"]);
  expect(a.faults).toEqual([]);
  expect(b.faults).toEqual([]);
});

it("reports candidates only after the description was returned, and their end with a place to belong to", async () => {
  const { a } = pair();
  await a.link.createOffer();
  expect(a.candidates).toEqual([]);
  await a.until(() => a.candidates.at(-1)?.candidate === "");
  expect(a.candidates[0]?.candidate).toMatch(/^candidate:/);
  expect(a.candidates.at(-1)).toMatchObject({ candidate: "", sdpMid: "0", sdpMLineIndex: 0 });
});

it("offers 127.0.0.1 to a page with granted media permissions", async () => {
  const { a } = pair();
  await a.link.createOffer();
  await a.until(() => a.candidates.length > 0);
  expect(a.candidates[0]?.candidate).toContain(" 127.0.0.1 ");
});

it("delivers written samples as Opus frames in order, both ways over one media section", async () => {
  const { a, b } = pair();
  const { answer } = await connect(a, b);
  expect(answer.match(/^m=audio /gm)).toHaveLength(1);
  await Promise.all([writeUntilHeard(a, b, 20), writeUntilHeard(b, a, 20)]);
  for (const end of [a, b]) {
    const frames = audible(end);
    expect(new Set(frames.map(({ ssrc }) => ssrc)).size).toBe(1);
    for (const [index, frame] of frames.entries()) {
      const before = frames[index - 1];
      if (before === undefined) continue;
      expect((frame.sequenceNumber - before.sequenceNumber) & 0xffff).toBeGreaterThan(0);
      expect((frame.rtpTimestamp - before.rtpTimestamp) >>> 0).toBe(960);
    }
  }
});

it("stamps arrivals on the page's clock", async () => {
  const { a, b } = pair();
  await connect(a, b);
  const beforeMs = performance.now();
  await writeUntilHeard(a, b, 5);
  for (const { arrivalMs } of audible(b)) {
    // The worker counts from its own start, here several hundred ms after the page's.
    expect(arrivalMs).toBeGreaterThan(beforeMs);
    expect(arrivalMs).toBeLessThanOrEqual(performance.now());
  }
});

it.each(["offerer", "answerer"])(
  "sends the capture times that the %s has written, on its wall clock",
  async (from) => {
    const { a, b } = pair();
    await connect(a, b);
    const [sender, receiver] = from === "offerer" ? [a, b] : [b, a];
    const hourUs = 3600e6;
    const startUs = (performance.timeOrigin + performance.now()) * 1000 + hourUs;
    for (let index = 0; audible(receiver).length < 20; index++) {
      sender.audio.write(sineBlock(index), 1, startUs + index * 20_000);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const { captureMs } of audible(receiver)) {
      // A frame begins with some written block or in its middle; the browser keeps whole ms.
      const offsetMs = ((captureMs ?? NaN) - startUs / 1000) % 10;
      expect(Math.min(Math.abs(offsetMs), Math.abs(10 - offsetMs))).toBeLessThan(1.1);
      expect(Math.abs((captureMs ?? NaN) - startUs / 1000)).toBeLessThan(10_000);
    }
  },
);

/** What the other side got of the frames that `sender` has told of: how far the two capture times are apart, ms. */
function captureErrors(sender: End, receiver: End): number[] {
  const received = new Map(receiver.frames.map((frame) => [frame.rtpTimestamp, frame]));
  return sender.marks.flatMap(({ ssrc, rtpTimestamp, captureMs }) => {
    const frame = received.get(rtpTimestamp);
    return frame?.captureMs === undefined || frame.ssrc !== ssrc ? [] : [captureMs - frame.captureMs];
  });
}

it.each(["offerer", "answerer"])("tells a few times a second what it sends as %s", async (from) => {
  const { a, b } = pair();
  await connect(a, b);
  const [sender, receiver] = from === "offerer" ? [a, b] : [b, a];
  await writeUntilHeard(sender, receiver, 60);
  await sender.until(() => sender.marks.length >= 4);
  expect(sender.marks.length).toBeLessThan(12);
  expect(receiver.marks).toEqual([]);
  const ages = sender.marks.map(({ captureMs }) => performance.timeOrigin + performance.now() - captureMs);
  expect(Math.min(...ages)).toBeGreaterThan(0);
  expect(Math.max(...ages)).toBeLessThan(30_000);
  // What it says is what goes out with the packets, there in whole ms.
  const errors = captureErrors(sender, receiver);
  expect(errors.length).toBeGreaterThan(2);
  expect(Math.max(...errors.map(Math.abs))).toBeLessThan(2);
});

it("tells to the microsecond when written samples were captured", async () => {
  const { a, b } = pair();
  await connect(a, b);
  // The browser cuts times to whole ms of a count of its own: one of these stamps it would cut by half a ms or more.
  for (const fraction of [0.2, 0.7]) {
    const told = a.marks.length;
    const startMs = Math.floor(performance.timeOrigin + performance.now()) + 1_000 + fraction;
    for (let index = 0; a.marks.length < told + 3; index++) {
      a.audio.write(sineBlock(index), 1, (startMs + index * 20) * 1000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const offsets = a.marks.slice(told + 1).map(({ captureMs }) => (captureMs - startMs) / 10);
    for (const pieces of offsets) expect(Math.abs(pieces - Math.round(pieces))).toBeLessThan(0.005);
  }
});

it("tells of a microphone too", async () => {
  const { a, b } = pair();
  await connect(a, b);
  const [track] = (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks();
  await a.audio.useTrack(track);
  await a.until(() => a.marks.length >= 4);
  track?.stop();
  for (const { ssrc, captureMs } of a.marks) {
    expect(ssrc).toBe(b.frames[0]?.ssrc);
    expect(performance.timeOrigin + performance.now() - captureMs).toBeLessThan(30_000);
  }
  expect(captureErrors(a, b).length).toBeGreaterThan(2);
  expect(Math.max(...captureErrors(a, b).map(Math.abs))).toBeLessThan(2);
});

it("sends although its worker cannot be loaded", async () => {
  const a = new End("a->b", createBrowserPlatform({ workerUrl: "/missing/worker.js" }));
  const b = new End("b->a", createBrowserPlatform());
  open.push(a, b);
  await connect(a, b);
  await writeUntilHeard(a, b, 10);
  expect(a.marks).toEqual([]);
  expect(a.faults).toMatchObject([{ code: "NOT_SUPPORTED" }]);
});

it("sends a microphone as it is, and written samples again after null", async () => {
  const { a, b } = pair();
  await connect(a, b);
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const [track] = stream.getAudioTracks();
  await a.audio.useTrack(track);
  await b.until(() => audible(b).length >= 10);
  await a.audio.useTrack(null);
  const ssrc = audible(b)[0]?.ssrc;
  await writeUntilHeard(a, b, 20);
  expect(audible(b).at(-1)?.ssrc).toBe(ssrc);
  track?.stop();
});

it("refuses what is no audio track", async () => {
  const { a } = pair();
  expect(await codeOf(a.audio.useTrack({}))).toBe("INVALID_DATA");
});

it("refuses samples that do not fill their channels", () => {
  const { a } = pair();
  expect(() => a.audio.write(new Float32Array(3), 2, 0)).toThrow(TransportError);
  expect(() => a.audio.write(new Float32Array(0), 1, 0)).toThrow(TransportError);
});

it("encodes at the bitrate of the options, and at another one after setBitrate", async () => {
  const { a, b } = pair({ audio: { ...AUDIO, bitrateKbps: 64 } });
  await connect(a, b);
  const meanBytes = async (): Promise<number> => {
    await writeUntilHeard(a, b, 40);
    const sizes = audible(b)
      .slice(-20)
      .map(({ payload }) => payload.length);
    return sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  };
  const first = await meanBytes();
  await a.audio.setBitrate(16);
  const second = await meanBytes();
  // 20 ms at 64 kbit/s are 160 bytes, at 16 kbit/s 40.
  expect(first).toBeGreaterThan(130);
  expect(first).toBeLessThan(190);
  expect(second).toBeLessThan(60);
});

it("sends stereo when the receiver wishes it, and mono when not", async () => {
  // RFC 6716 section 3.1: the third bit of the first byte says stereo.
  const isStereo = (payload: Uint8Array): boolean => ((payload[0] ?? 0) & 0b100) !== 0;
  const { a, b } = pair({ audio: { ...AUDIO, channels: 1 } }, { audio: { ...AUDIO, channels: 2 } });
  await connect(a, b);
  const stereo = { channels: 2 };
  await Promise.all([writeUntilHeard(a, b, 15, stereo), writeUntilHeard(b, a, 15, stereo)]);
  expect(isStereo(audible(b).at(-1)?.payload ?? new Uint8Array())).toBe(true);
  expect(isStereo(audible(a).at(-1)?.payload ?? new Uint8Array())).toBe(false);
});

it("sends next to nothing during silence with DTX, and every frame without", async () => {
  const silence = { block: () => new Float32Array(960) };
  const counts: Record<string, number> = {};
  for (const dtx of [true, false]) {
    const { a, b } = pair({ audio: { ...AUDIO, dtx } }, { audio: { ...AUDIO, dtx: false } });
    await connect(a, b);
    await writeUntilHeard(a, b);
    const before = audible(b).length;
    await writeBlocks(a, 75, silence);
    // What is under way arrives with this one.
    await writeUntilHeard(a, b);
    counts[String(dtx)] = audible(b).length - before;
    await closePair(a, b);
  }
  expect(counts.false).toBeGreaterThan(65);
  expect(counts.true).toBeLessThan(40);
});

it("says in its description what it wishes to receive", async () => {
  const { a } = pair({ audio: { ...AUDIO, channels: 2, fec: false, dtx: true } });
  const fmtp = /^a=fmtp:111 (.*)\r$/m.exec(await a.link.createOffer())?.[1]?.split(";");
  expect(fmtp).toContain("stereo=1");
  expect(fmtp).toContain("usedtx=1");
  expect(fmtp).not.toContain("useinbandfec=1");
});

it("works without audio, without channels, and with audio on one side only", async () => {
  const none = { a: new End("a", createBrowserPlatform(), withoutAudio()), b: pair().b };
  open.push(none.a);
  await connect(none.a, none.b);
  const { a, b } = pair({}, withoutAudio());
  const unheard = a.audio;
  await connect(a, b);
  expect(a.link.audio).toBe(undefined);
  unheard.write(sineBlock(0), 1, 0);
  const mediaOnly = pair({ channels: [] });
  await connect(mediaOnly.a, mediaOnly.b);
  expect([...a.faults, ...b.faults]).toEqual([]);
});

it("refuses every medium beside one audio stream", async () => {
  const { a } = pair();
  const foreign = new RTCPeerConnection();
  foreign.addTransceiver("video");
  foreign.addTransceiver("audio");
  foreign.addTransceiver("audio");
  await foreign.setLocalDescription();
  const answer = await a.link.createAnswer(foreign.localDescription?.sdp ?? "");
  expect(answer.match(/^(m=\w+|a=(sendrecv|sendonly|recvonly|inactive))/gm)).toEqual([
    "m=video",
    "a=inactive",
    "m=audio",
    "a=sendrecv",
    "m=audio",
    "a=inactive",
  ]);
  foreign.close();
});

it("negotiates once, as offerer or as answerer", async () => {
  const { a, b } = pair();
  const [offer] = await Promise.all([a.link.createOffer(), b.link.createOffer()]);
  expect(await codeOf(b.link.createAnswer(offer))).toBe("SDP_ERROR");
  expect(await codeOf(a.link.createOffer())).toBe("SDP_ERROR");
});

it("rejects descriptions that make no sense with SDP_ERROR, and audio without Opus with CODEC_MISMATCH", async () => {
  const { a, b } = pair();
  const offer = await a.link.createOffer();
  expect(await codeOf(a.link.acceptAnswer("rubbish"))).toBe("SDP_ERROR");
  expect(await codeOf(b.link.acceptAnswer(offer))).toBe("SDP_ERROR");
  expect(await codeOf(b.link.createAnswer(offer.replace("opus/48000/2", "G722/8000")))).toBe(
    "CODEC_MISMATCH",
  );
  expect(await codeOf(pair().b.link.createAnswer("v=0\r\nrubbish"))).toBe("SDP_ERROR");
});

it("reports a candidate that makes no sense as a fault and lives on", async () => {
  const { a, b } = pair();
  const rubbish = { candidate: "candidate:rubbish", sdpMid: "0", sdpMLineIndex: 0 };
  await connect(a, b);
  await a.link.addCandidate(rubbish);
  expect(a.faults).toEqual([expect.objectContaining({ code: "ICE_CANDIDATE_ERROR" })]);
  expect(a.link.state).toBe("connected");
});

it("knows bytes, round trip, candidates and what was sent", async () => {
  const { a, b } = pair();
  await connect(a, b);
  await writeUntilHeard(a, b, 30);
  const statistics = await a.link.statistics();
  expect(statistics.bytesSent).toBeGreaterThan(1000);
  expect(statistics.bytesReceived).toBeGreaterThan(100);
  expect(statistics.rttMs).toBeLessThan(100);
  expect(statistics.localCandidate).toMatch(/^host udp 127\.0\.0\.1:\d+$/);
  expect(statistics.remoteCandidate).toMatch(/^(host|prflx) udp 127\.0\.0\.1:\d+$/);
  expect(statistics.audioOut?.ssrc).toBe(audible(b)[0]?.ssrc);
  expect(statistics.audioOut?.packetsSent).toBeGreaterThan(20);
});

it("closes once: says closed, rejects what is under way, and is silent afterwards", async () => {
  const { a, b } = pair();
  await connect(a, b);
  const events: string[] = [];
  a.channel.listen({
    open: () => undefined,
    close: () => events.push("channel closed"),
    message: () => undefined,
  });
  await a.link.close();
  await a.link.close();
  expect(a.link.state).toBe("closed");
  expect(a.states.at(-1)).toBe("closed");
  expect(events).toEqual(["channel closed"]);
  expect(await codeOf(a.link.createOffer())).toBe("CONNECTION_FAILED");
  expect((await a.link.statistics()).bytesSent).toBe(null);
  await a.link.addCandidate({ candidate: "", sdpMid: "0", sdpMLineIndex: 0 });
  a.audio.write(sineBlock(0), 1, 0);
  const frames = a.frames.length;
  await writeBlocks(b, 5);
  expect(a.frames.length).toBe(frames);
  expect(a.faults).toEqual([]);
});

it("rejects a call that the browser would leave pending when the link is closed under it", async () => {
  const { a } = pair();
  const offering = codeOf(a.link.createOffer());
  await a.link.close();
  expect(await offering).toBe("CONNECTION_FAILED");
});

it("rejects server addresses that the browser refuses", () => {
  const platform = createBrowserPlatform();
  const iceServers = [{ urls: ["nonsense:host"] }];
  expect(() => new End("a", platform, { iceServers })).toThrow(TransportError);
});

function withoutAudio(): Partial<PeerLinkOptions> {
  // An explicit undefined would not compile: the option is absent, not empty.
  const options: Partial<PeerLinkOptions> = {};
  Object.defineProperty(options, "audio", { value: undefined, enumerable: true });
  return options;
}
