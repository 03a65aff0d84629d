// Some peers of the soak in one process: they talk, hear all others, and tell their parent now and then how they are.
// Node with --expose-gc; the parent talks to it over IPC and ends it by `leave`.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { ConferenceMixer, WebRtcTransport } from "remotemedia-webrtc";

const SAMPLE_RATE = 48_000;
const { peerIds, signalingUrl, chunkMs, frameMs, mixes, reportMs, peers } = JSON.parse(process.argv[2]);
const CHUNK_SAMPLES = (SAMPLE_RATE * chunkMs) / 1000;
const MIB = 2 ** 20;

const loop = monitorEventLoopDelay({ resolution: 10 });
loop.enable();
const heard = { frames: 0, samples: 0, missing: 0, blocks: 0, incomplete: 0 };
const errors = { unhandled: 0, faults: 0, sends: 0, last: "" };
const cpuBegin = process.cpuUsage();
const beganMs = performance.now();

function note(kind, error) {
  errors[kind]++;
  errors.last = String(error?.message ?? error);
}
const transports = peerIds.map((peerId) => {
  const transport = new WebRtcTransport({
    signalingUrl,
    peerId,
    room: "soak",
    networkMode: "lan",
    bindAddress: "127.0.0.1",
    // Ten peers must fit two cores: an encoder in voice mode takes twice the time.
    audio: { frameMs, application: "audio", fec: false },
    logLevel: "silent",
  });
  transport.on("error", (error) => note("faults", error));
  return transport;
});
process.on("unhandledRejection", (error) => note("unhandled", error));
process.on("uncaughtException", (error) => note("unhandled", error));

/** A gliding voice, without end. */
function voiceOf(peerId) {
  const pitch = 300 + 17 * (peerId.codePointAt(peerId.length - 1) ?? 0);
  let phase = 0;
  let index = 0;
  return () => {
    const samples = new Float32Array(CHUNK_SAMPLES);
    for (let i = 0; i < samples.length; i++, index++) {
      const t = index / SAMPLE_RATE;
      phase += (2 * Math.PI * (pitch + 40 * Math.sin(t))) / SAMPLE_RATE;
      samples[i] = 0.2 * (0.55 + 0.45 * Math.sin(9 * t)) * (Math.sin(phase) + 0.4 * Math.sin(2 * phase));
    }
    phase %= 2 * Math.PI * 1000;
    return samples;
  };
}

function talk(transport) {
  const voice = voiceOf(transport.peerId);
  const startMs = performance.now();
  const startUs = (performance.timeOrigin + startMs) * 1000;
  let sent = 0;
  return setInterval(
    () => {
      // By the clock and not by the timer, which loses a millisecond now and then.
      for (; sent * chunkMs <= performance.now() - startMs; sent++) {
        const samples = voice();
        if (transport.listPeers().length === 0) continue;
        // Stamped, so that what a busy machine makes late is not taken for sound ahead of its time.
        const timestampUs = Math.round(startUs + sent * chunkMs * 1000);
        transport
          .broadcast({ type: "audio", samples, sampleRate: SAMPLE_RATE, channels: 1, timestampUs })
          .catch((error) => note("sends", error));
      }
    },
    Math.max(1, Math.min(chunkMs, 10)),
  );
}

async function listen(transport) {
  for await (const { samples, missingBefore } of transport.frames()) {
    heard.frames++;
    heard.samples += samples.length;
    heard.missing += missingBefore;
  }
}

async function mix(transport) {
  const mixer = new ConferenceMixer();
  for await (const block of transport.alignedFrames()) {
    heard.blocks++;
    if (block.peers.length < peers - 1 || block.missing.length > 0) heard.incomplete++;
    for (const { samples, listeners } of mixer.mix(block).mixes) {
      const data = {
        type: "audio",
        samples,
        sampleRate: SAMPLE_RATE,
        channels: 1,
        timestampUs: block.captureUs,
      };
      transport.broadcast(data, { only: listeners }).catch((error) => note("sends", error));
    }
  }
  mixer.close();
}

function report() {
  global.gc();
  global.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage(cpuBegin);
  const inbound = transports.flatMap((each) => each.stats().peers.map(({ audio }) => audio?.inbound));
  const sum = (name) => inbound.reduce((total, counters) => total + (counters?.[name] ?? 0), 0);
  const lagMs = loop.percentile(99) / 1e6;
  loop.reset();
  process.send({
    type: "report",
    atMs: performance.now(),
    heldMb: (heapUsed + external) / MIB,
    rssMb: rss / MIB,
    cpuPercent: (100 * (user + system)) / 1000 / (performance.now() - beganMs),
    lagMs,
    connected: transports.reduce((sum, each) => sum + each.listPeers().length, 0),
    ...heard,
    lost: sum("packetsLost"),
    late: sum("late"),
    concealed: sum("concealedSamples"),
    errors,
  });
}

const working = [];
const talking = [];
for (const transport of transports) {
  await transport.start();
  working.push(listen(transport));
  // A mixing peer's voice is the mix.
  if (mixes) working.push(mix(transport));
  else talking.push(talk(transport));
}
const reporting = setInterval(report, reportMs);
const orphaned = () => process.exit(1);
process.once("disconnect", orphaned);
process.on("message", async ({ type }) => {
  if (type !== "leave") return;
  for (const timer of talking) clearInterval(timer);
  clearInterval(reporting);
  report();
  await Promise.all(transports.map((transport) => transport.shutdown()));
  await Promise.all(working);
  process.off("disconnect", orphaned);
  process.disconnect();
});
process.send({ type: "started" });
