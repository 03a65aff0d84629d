// Five peers in one process and a mixer in another: each sends its own voice, and what each hears is looked for in what
// all have sent.
import { WebRtcTransport } from "remotemedia-webrtc";
import { SignalingServer } from "remotemedia-webrtc/signaling-server";
import { paced, pause, percentile, round, until } from "../shared/measure.mjs";
import { startProcess } from "../shared/own-process.mjs";
import { correlate, thinned, voice } from "../shared/voices.mjs";

const NAMES = ["alice", "bob", "carol", "dave", "erin"];
const SAMPLE_RATE = 48_000;
const BLOCK_MS = 20;
const BLOCK = (SAMPLE_RATE * BLOCK_MS) / 1000;
/** Connections, jitter buffers and the grid of the mix settle first. */
const WARM_UP_S = 3;
/** Stretches that are compared, one a second: short, for a buffer may play a little faster or slower in between. */
const STRETCH_MS = 600;
/** What is heard is looked for so long before and after the time at which it says it was spoken. */
const SEARCH_MS = 250;
/** Every so many samples are enough to tell voices apart. */
const THIN = 12;
/** Of four voices of one loudness each is half of the mix (1 / sqrt(4)). */
const HEARD = 0.3;
const NOT_HEARD = 0.12;

/** @returns how much of whom each peer hears: `ok` when that is all others and not itself */
export async function run({ seconds = 8, tell = () => undefined }) {
  const server = new SignalingServer({ port: 0, host: "127.0.0.1" });
  const { url } = await server.start();
  const mixer = startProcess(new URL("mixer.mjs", import.meta.url), url, "example");
  const peers = NAMES.map((name, index) => newPeer(url, name, index));
  await Promise.all(peers.map(({ transport }) => transport.start()));
  await until("the mixer in all five", () => peers.every(({ connected }) => connected));
  tell(`five peers and a mixer are connected; they talk for ${WARM_UP_S + seconds} s`);
  const beganUs = Date.now() * 1000;
  await paced(1000 / BLOCK_MS, WARM_UP_S + seconds, (index) => {
    for (const { transport, speak } of peers) {
      const samples = speak(index * BLOCK, BLOCK);
      const audio = { type: "audio", samples, sampleRate: SAMPLE_RATE, channels: 1 };
      transport.sendToPeer("mixer", audio).catch(() => undefined);
    }
  });
  await pause(300);
  for (const { transport } of peers) await transport.shutdown();
  const metrics = JSON.parse(await mixer.end());
  await server.close();
  return judge({ peers, beganUs, seconds, metrics }, tell);
}

function newPeer(signalingUrl, peerId, index) {
  const transport = new WebRtcTransport({
    ...{ signalingUrl, room: "example", peerId, networkMode: "lan", bindAddress: "127.0.0.1" },
    audio: { application: "audio" },
    allowPeers: ["mixer"], // the others come through the mixer alone
    logLevel: "error",
  });
  const peer = { peerId, transport, speak: voice(index), connected: false, heard: [] };
  transport.on("peerConnected", () => (peer.connected = true));
  void (async () => {
    await until(`${peerId} to start`, () => transport.state === "started");
    for await (const frame of transport.frames({ peerId: "mixer" })) peer.heard.push(frame);
  })();
  return peer;
}

function judge({ peers, beganUs, seconds, metrics }, tell) {
  const rows = peers.map(({ peerId, heard }) => {
    const found = NAMES.map(() => []);
    for (let second = WARM_UP_S; second < WARM_UP_S + seconds - 1; second++) {
      const sound = soundFrom(heard, beganUs + second * 1e6 - SEARCH_MS * 1000);
      for (const [index, { speak }] of peers.entries()) {
        const spoken = thinned(speak(second * SAMPLE_RATE, (STRETCH_MS * SAMPLE_RATE) / 1000), THIN);
        found[index].push(correlate(spoken, sound, SAMPLE_RATE / THIN, 2 * SEARCH_MS).correlation);
      }
    }
    const own = NAMES.indexOf(peerId);
    const shares = found.map((all, index) => round(percentile(all, index === own ? 1 : 0.5), 3));
    return { id: peerId, hears: Object.fromEntries(NAMES.map((name, index) => [name, shares[index]])) };
  });
  const of = (isOwn) =>
    rows.flatMap(({ id, hears }) =>
      NAMES.filter((name) => isOwn === (name === id)).map((name) => hears[name]),
    );
  const result = {
    peers: rows,
    othersLeast: Math.min(...of(false)),
    ownMost: Math.max(...of(true)),
    mixMsP95: round(metrics.nodes.mix.latencyP95Ms, 2),
  };
  tell("how much of whom each hears (of four equal voices each is 0.5, of the own one at most noise):");
  for (const { id, hears } of rows) {
    tell(`  ${id.padEnd(6)} ${NAMES.map((name) => `${name} ${hears[name].toFixed(2)}`).join("  ")}`);
  }
  return { ok: result.othersLeast > HEARD && result.ownMost < NOT_HEARD, ...result };
}

/** What a peer heard of what was spoken from this instant on, thinned. */
function soundFrom(frames, fromUs) {
  const first = Math.max(
    0,
    frames.findIndex(({ wallClockTimestampUs }) => wallClockTimestampUs >= fromUs),
  );
  const blocks = frames.slice(first, first + (STRETCH_MS + 2 * SEARCH_MS) / BLOCK_MS + 2);
  const all = new Float32Array(blocks.reduce((sum, { samples }) => sum + samples.length, 0));
  let at = 0;
  for (const { samples } of blocks) {
    all.set(samples, at);
    at += samples.length;
  }
  return thinned(all, THIN);
}
