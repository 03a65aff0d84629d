// What the native side must survive, as one program with a task for an argument. Each task ends by letting the
// process run out: a process that hangs or crashes has failed. Results are lines of JSON.
import { createHash } from "node:crypto";
import { createNodePlatform } from "../../../src/platform/node/node-platform.ts";
import type { PeerLinkOptions } from "../../../src/platform/platform.ts";
import { connect, RecordedLink } from "../../contract/link-pair.ts";
import type { LinkFixture } from "../../contract/link-pair.ts";
import { RawPeer } from "./raw-peer.ts";

const platform = createNodePlatform();
const fixture: LinkFixture = { left: platform, right: platform };

/** The packet that stops the native receive thread where a connection has two tracks: an SDES chunk without an end. */
const MALFORMED_SDES = Buffer.from("81ca00030000000101c8414141414141", "hex");

const tasks: Record<string, () => Promise<void>> = {
  cycles,
  connects,
  exit,
  sdes,
  garbage,
  fleeting,
  flood,
  survivor,
  victim,
};

/** 100 pairs, one after another; the resident set after a warm-up of 40 and at the end. */
async function cycles(): Promise<void> {
  for (let cycle = 1; cycle <= 100; cycle++) {
    const [a, b] = pair();
    await connect(fixture, a, b);
    a.channel("data").send(new Uint8Array(10_000));
    await Promise.all([a.link.close(), b.link.close()]);
    if (cycle === 40 || cycle === 100) {
      globalThis.gc?.();
      await pause(50);
      print({ cycle, rss: process.memoryUsage().rss });
    }
  }
}

/** How long 100 pairs take to connect. */
async function connects(): Promise<void> {
  const times: number[] = [];
  for (let count = 0; count < 100; count++) {
    const [a, b] = pair();
    const startMs = performance.now();
    await connect(fixture, a, b);
    times.push(performance.now() - startMs);
    await Promise.all([a.link.close(), b.link.close()]);
  }
  times.sort((x, y) => x - y);
  print({ medianMs: times[50], maxMs: times[99], slow: times.filter((ms) => ms > 900).length });
}

/** Leave with everything open. */
async function exit(): Promise<void> {
  const [a, b] = pair();
  await connect(fixture, a, b);
  process.exit(0);
}

/** A foreign peer offers audio, video and data, and sends malformed RTCP; other links must not feel it. */
async function sdes(): Promise<void> {
  const [bystander, other] = pair();
  await connect(fixture, bystander, other);
  for (const kinds of [
    ["audio"],
    ["audio", "video"],
    ["audio", "audio"],
    ["audio", "audio", "video", "video"],
  ]) {
    const victimLink = open("victim");
    const raw = new RawPeer(kinds);
    await raw.connectTo(victimLink);
    for (let count = 0; count < 5; count++) raw.sendRtcp(MALFORMED_SDES);
    await pause(100);
    const before = { victim: victimLink.rtp.length, bystander: other.rtp.length };
    for (let count = 0; count < 20; count++) {
      raw.sendRtp(rtp(count));
      sendRtp(bystander, rtp(count));
      await pause(2);
    }
    await pause(100);
    print({
      kinds,
      tracks: raw.openTracks,
      victim: victimLink.rtp.length - before.victim,
      bystander: other.rtp.length - before.bystander,
      state: victimLink.link.state,
    });
    await victimLink.link.close();
    await raw.close();
  }
  await Promise.all([bystander.link.close(), other.link.close()]);
}

/** Nonsense of every kind, 200 times each; the link must go on. */
async function garbage(): Promise<void> {
  const target = open("target");
  const raw = new RawPeer(["audio"]);
  await raw.connectTo(target);
  for (let count = 0; count < 200; count++) {
    raw.sendRtp(noise(`rtp${count}`, 1 + (count % 60)));
    raw.sendRtcp(Buffer.concat([Buffer.from([0x80, 200 + (count % 8)]), noise(`rtcp${count}`, count % 60)]));
    await target.link.addCandidate({
      candidate: count % 2 === 0 ? noise(`c${count}`, 40).toString("latin1") : mutate(CANDIDATE, `c${count}`),
      sdpMid: "0",
      sdpMLineIndex: 0,
    });
  }
  const template = await validOffer();
  const codes: Record<string, number> = {};
  for (let count = 0; count < 200; count++) {
    const sdp =
      count % 4 === 0 ? noise(`sdp${count}`, 500).toString("latin1") : mutate(template, `sdp${count}`);
    const link = open(`garbage${count}`);
    const code = await link.link.createAnswer(sdp).then(
      () => "answered",
      (error: unknown) => String((error as { code?: unknown }).code),
    );
    codes[code] = (codes[code] ?? 0) + 1;
    await link.link.close();
  }
  const before = target.rtp.length;
  raw.sendRtp(rtp(1));
  await pause(100);
  print({ codes, faults: target.faults.length, state: target.link.state, heard: target.rtp.length - before });
  await target.link.close();
  await raw.close();
}

/** In-band channels that open and close at once: the native side forgets to report the end of some. */
async function fleeting(): Promise<void> {
  const link = open("target");
  const raw = new RawPeer([]);
  await raw.connectTo(link);
  for (let count = 0; count < 10; count++) raw.openChannel(`fleeting${count}`).close();
  for (let count = 0; count < 20; count++) {
    const channel = raw.openChannel(`short${count}`);
    await pause(count % 3);
    channel.close();
  }
  await pause(100);
  print({ state: link.link.state });
  await link.link.close();
  await raw.close();
}

/** More in-band channels than anybody needs. */
async function flood(): Promise<void> {
  const link = open("target");
  const raw = new RawPeer([]);
  await raw.connectTo(link);
  for (let count = 0; count < 40; count++) raw.openChannel(`flood${count}`);
  while (link.link.state !== "closed") await pause(5);
  print({
    channels: link.inband.length,
    faults: link.faults.map((error) => (error as { code?: string }).code),
  });
  await link.link.close();
  await raw.close();
}

/** One end of a link to another process, which will be killed; and a pair of its own, which must not mind. */
async function survivor(): Promise<void> {
  const [a, b] = pair();
  await connect(fixture, a, b);
  const link = open("survivor");
  let orphaned = false;
  process.on("message", (message: { answer?: string; orphaned?: boolean }) => {
    if (message.answer !== undefined) void link.link.acceptAnswer(message.answer).then(trickle);
    if (message.orphaned === true) orphaned = true;
  });
  const trickle = (): void => {
    link.onCandidate = (candidate) => process.send?.({ candidate });
    for (const candidate of link.candidates) link.onCandidate(candidate);
  };
  process.on("message", (message: { candidate?: never }) => {
    if (message.candidate !== undefined) void link.link.addCandidate(message.candidate);
  });
  process.send?.({ offer: await link.link.createOffer() });
  while (link.link.state !== "connected") await pause(5);
  process.send?.({ connected: true });
  while (!orphaned) {
    sendRtp(link, rtp(0));
    await pause(5);
  }
  const before = b.rtp.length;
  for (let count = 0; count < 100; count++) {
    sendRtp(link, rtp(count));
    sendRtp(a, rtp(count));
    await pause(5);
  }
  await pause(100);
  const startMs = performance.now();
  await link.link.close();
  print({ heard: b.rtp.length - before, closedInMs: performance.now() - startMs });
  await Promise.all([a.link.close(), b.link.close()]);
  process.disconnect();
}

async function victim(): Promise<void> {
  const link = open("victim");
  process.on("message", (message: { offer?: string; candidate?: never }) => {
    if (message.offer !== undefined) void answer(message.offer);
    if (message.candidate !== undefined) void link.link.addCandidate(message.candidate);
  });
  const answer = async (offer: string): Promise<void> => {
    process.send?.({ answer: await link.link.createAnswer(offer) });
    link.onCandidate = (candidate) => process.send?.({ candidate });
    for (const candidate of link.candidates) link.onCandidate(candidate);
  };
  process.send?.({ ready: true });
}

function pair(): [RecordedLink, RecordedLink] {
  return [open("left"), open("right")];
}

function open(name: string): RecordedLink {
  const options: PeerLinkOptions = {
    name,
    iceServers: [],
    iceTransportPolicy: "all",
    bindAddress: "127.0.0.1",
    audio: { ssrc: 0x1111_1111, cname: name, channels: 1, fec: true, dtx: false, bitrateKbps: 64 },
    channels: [{ label: "data", id: 102, ordered: true }],
  };
  return new RecordedLink(platform, options);
}

function sendRtp(link: RecordedLink, packet: Uint8Array): void {
  const audio = link.link.audio;
  if (audio?.level === "packet") audio.sendRtp(packet);
}

let sequenceNumber = 0;

/** A valid packet; every one has a sequence number of its own, as SRTP drops repetitions. */
function rtp(mark: number): Buffer {
  const packet = Buffer.alloc(52, mark);
  packet.writeUInt16BE(0x806f, 0);
  packet.writeUInt16BE(sequenceNumber++ & 0xffff, 2);
  packet.writeUInt32BE(0x1111_1111, 8);
  return packet;
}

const CANDIDATE = "candidate:1 1 UDP 2114977791 127.0.0.1 43651 typ host";

async function validOffer(): Promise<string> {
  const link = open("offerer");
  const offer = await link.link.createOffer();
  await link.link.close();
  return offer;
}

/** Repeatable noise. */
function noise(seed: string, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
    createHash("sha256").update(`${seed}/${index}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, length);
}

/** The text with three bytes changed, or a piece cut out or doubled. */
function mutate(text: string, seed: string): string {
  const dice = noise(seed, 16);
  const at = (index: number): number => Math.floor((dice.readUInt16BE(index * 2) / 0x1_0000) * text.length);
  const [from, to] = [at(0), at(1)].sort((x, y) => x - y) as [number, number];
  if ((dice[15] ?? 0) % 3 === 0) return text.slice(0, from) + text.slice(to);
  if ((dice[15] ?? 0) % 3 === 1) return text.slice(0, to) + text.slice(from);
  const bytes = Buffer.from(text, "latin1");
  for (const index of [2, 3, 4]) bytes[at(index)] = dice[index + 8] ?? 0;
  return bytes.toString("latin1");
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function print(result: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

await tasks[process.argv[2] ?? ""]?.();
