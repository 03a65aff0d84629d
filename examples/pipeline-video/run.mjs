// One source, three viewers of different sizes, one of them a page in Chromium. Then the path of the largest gets narrow
// and wide again: it alone is moved to a smaller size and back.
import { SignalingClient, WebRtcTransport } from "remotemedia-webrtc";
import { SignalingServer } from "remotemedia-webrtc/signaling-server";
import { ImpairmentRelay, impairSignaling, impairVideo } from "remotemedia-webrtc/testing/node";
import { openPage } from "../shared/browser.mjs";
import { pause, round } from "../shared/measure.mjs";
import { startProcess } from "../shared/own-process.mjs";

const ROOM = "example";
/** Kbit/s: more than the source ever sends, and less than its largest size takes. */
const WIDE = 5_000;
const NARROW = 400;
/** The largest picture that each viewer takes, as it says when it connects. */
const SIZES = {
  large: { width: 640, height: 360 },
  middle: { width: 426, height: 240 },
  small: { width: 284, height: 160 },
};
/** Longest wait for a change of size: down after 2 s, up after 10 s of a path that is wide enough, both to be found out. */
const DOWN_MS = 20_000;
const UP_MS = 45_000;

/** @param seconds of each calm stretch: before, narrow, and after */
export async function run({ seconds = 4, tell = () => undefined }) {
  const server = new SignalingServer({ port: 0, host: "127.0.0.1" });
  const { url } = await server.start();
  const relay = new ImpairmentRelay({ delayMs: 10, rateKbps: WIDE });
  const viewers = {
    large: nodeViewer(url, "large", relay),
    middle: nodeViewer(url, "middle"),
    small: await pageViewer(url, "small"),
  };
  const source = startProcess(new URL("source.mjs", import.meta.url), url, ROOM);
  const sizes = () => Object.values(viewers).map(({ size }) => size());
  const all = async (...expected) => {
    await Promise.all(Object.values(viewers).map(({ refresh }) => refresh()));
    return expected.every((size, index) => sizes()[index] === size);
  };
  const phases = [];
  const phase = async (name, expected, limitMs) => {
    const beganMs = performance.now();
    let reached = false;
    while (!reached && performance.now() - beganMs < limitMs) {
      reached = await all(...expected);
      if (!reached) await pause(100);
    }
    const settledS = reached ? round((performance.now() - beganMs) / 1000) : null;
    const sinceMs = Date.now();
    await pause(seconds * 1000);
    const stayed = reached && (await all(...expected));
    phases.push({
      name,
      settledS,
      sizes: sizes(),
      pictures: Object.values(viewers).map(({ since }) => since(sinceMs)),
      ok: stayed,
    });
    tell(`${name}: ${sizes().join(", ")} ${stayed ? `after ${settledS} s` : "- not what was expected"}`);
  };
  try {
    await phase("every viewer its size", ["640x360", "426x240", "214x120"], UP_MS);
    relay.set({ rateKbps: NARROW });
    await phase(`the path of the first carries ${NARROW} kbit/s`, ["426x240", "426x240", "214x120"], DOWN_MS);
    relay.set({ rateKbps: WIDE });
    await phase(`and ${WIDE} kbit/s again`, ["640x360", "426x240", "214x120"], UP_MS);
  } finally {
    for (const { leave } of Object.values(viewers)) await leave();
  }
  const { encoded, inputs } = JSON.parse(await source.end());
  await relay.close();
  await server.close();
  const others = Object.entries(viewers).filter(([name]) => name !== "large");
  const moved = Object.fromEntries(others.map(([name, { changes }]) => [name, changes()]));
  tell(
    `the source encoded ${encoded} pictures of ${inputs} inputs; the other two changed size ${JSON.stringify(moved)} times`,
  );
  const ok = phases.every((each) => each.ok) && Object.values(moved).every((count) => count === 0);
  return { ok, phases, changesOfTheOthers: moved, encoded, inputs };
}

function nodeViewer(signalingUrl, name, relay) {
  const signaling = relay && impairSignaling(new SignalingClient({ url: signalingUrl }), relay);
  const transport = new WebRtcTransport(
    {
      ...{ signalingUrl, room: ROOM, peerId: name, networkMode: "lan", bindAddress: "127.0.0.1" },
      ...(signaling && { signaling }),
      video: { enabled: true, codecs: ["VP8"], resolution: SIZES[name] },
      allowPeers: ["source"],
      logLevel: "error",
    },
    relay && { decorate: (platform) => impairVideo(platform, relay) },
  );
  const seen = [];
  const started = transport.start().then(() => {
    void (async () => {
      for await (const { width, height } of transport.frames({ kind: "video" })) {
        seen.push({ width, height, atMs: Date.now() });
      }
    })();
  });
  return { ...notes(seen), refresh: () => started, leave: () => transport.shutdown() };
}

async function pageViewer(signalingUrl, name) {
  const { page, close } = await openPage(new URL("page.mjs", import.meta.url));
  const seen = [];
  await page.evaluate((args) => window.page.watch(...args), [signalingUrl, ROOM, name, SIZES[name]]);
  const refresh = async () =>
    void seen.push(...(await page.evaluate((from) => window.page.seen.slice(from), seen.length)));
  const leave = async () => {
    await page.evaluate(() => window.page.leave());
    await close();
  };
  return { ...notes(seen), refresh, leave };
}

/** What can be said of the pictures that somebody has seen. */
function notes(seen) {
  const text = ({ width, height }) => `${width}x${height}`;
  return {
    size: () => (seen.length === 0 ? "nothing" : text(seen.at(-1))),
    since: (fromMs) => seen.filter(({ atMs }) => atMs >= fromMs).length,
    /** After the first size that lasted: the first pictures come while the path is not known yet. */
    changes: () => {
      const settled = seen.slice(Math.min(seen.length, 30));
      return settled.filter((each, index) => index > 0 && text(each) !== text(settled[index - 1])).length;
    },
  };
}
