// A call with sound and pictures between Node and a page in Chromium, each way with each side offering: what arrives, how
// late, and how well in step. Depends on the machine and on what else it does.
import { join } from "node:path";
import { readPictureCode } from "../../src/cli/demo/video/picture-code.ts";
import type { VideoCodecName } from "../../src/platform/video-codecs.ts";
import type { PictureFrame } from "../../src/runtime/data.ts";
import { SignalingServer } from "../../src/signaling-server/server.ts";
import { openBrowserPage } from "../../test/interop/browser-harness.ts";
import type { BrowserPage } from "../../test/interop/browser-harness.ts";
import type { PageVideoPeer } from "../../test/interop/page-video-peer.ts";
import { speak } from "../../test/interop/speak.ts";
import { eventually, sleep, VideoPeer } from "../../test/interop/video-peer.ts";
import type { Bench, Figure } from "../bench.ts";
import { BITRATE_KBPS, COUNTED, PATTERN, videoFigures, WARM_UP } from "./video-figures.ts";
import type { Seen } from "./video-figures.ts";

const NODE_SENDER = 3;
const PAGE_SENDER = 7;
const CODECS: VideoCodecName[] = ["VP8"];

/** The peer with the smaller id offers video. */
const CASES = [
  { from: "node", pageId: "a-page", name: "from Node to Chromium, which offers" },
  { from: "node", pageId: "z-page", name: "from Node, which offers, to Chromium" },
  { from: "page", pageId: "a-page", name: "from Chromium, which offers, to Node" },
  { from: "page", pageId: "z-page", name: "from Chromium to Node, which offers" },
] as const;

async function figures(wants: (name: string) => boolean): Promise<Figure[]> {
  const wanted = CASES.filter(({ name }) => wants(name));
  if (wanted.length === 0) return [];
  const server = new SignalingServer({ port: 0, host: "127.0.0.1" });
  const { url } = await server.start();
  const source = 'export * from "./page-video-peer.ts";';
  const figures: Figure[] = [];
  for (const { from, pageId, name } of wanted) {
    const browser = await openBrowserPage({ source, resolveDir: join(process.cwd(), "test/interop") });
    figures.push(...(await call(browser, url, from, pageId, name)));
    await browser.close();
  }
  await server.close();
  return figures;
}

async function call(
  { page }: BrowserPage,
  signalingUrl: string,
  from: "node" | "page",
  pageId: string,
  name: string,
): Promise<Figure[]> {
  /** Call into the page; the function travels as its source. */
  const inPage = <T, A>(run: (api: PageVideoPeer, argument: A) => T, argument: A): Promise<Awaited<T>> =>
    page.evaluate<Awaited<T>>(`(${String(run)})(window.page, ${JSON.stringify(argument)})`);
  const common = { signalingUrl, room: pageId, pattern: PATTERN, bitrateKbps: BITRATE_KBPS, codecs: CODECS };
  const seenByNode: Seen[] = [];
  const node = new VideoPeer({
    ...{ ...common, peerId: "node", sender: NODE_SENDER },
    onPicture: (picture) => seenByNode.push(seenOf(picture)),
  });
  await node.join();
  const options = { ...common, peerId: pageId, sender: PAGE_SENDER, theirSender: NODE_SENDER };
  await inPage((api, joining) => api.join(joining), options);
  await eventually(
    "video both ways",
    async () => node.links.has(pageId) && (await inPage((api) => api.links.has("node"), null)),
  );
  void (async () => {
    for await (const frame of node.transport.frames()) void frame;
  })();
  const stopSpeaking = speak(node.transport);
  await inPage((api) => api.talk(), null);
  if (from === "node") await node.show(pageId, WARM_UP + COUNTED, false);
  else await inPage((api, count) => api.show("node", count), WARM_UP + COUNTED);
  await sleep(1_000);
  stopSpeaking();
  const ofPage = {
    seen: await inPage((api) => api.seen, null),
    sentMs: await inPage((api) => api.sentMs, null),
    encoded: await inPage((api) => api.encoded(), null),
  };
  const codecs = node.transport.stats().video?.codecs ?? [];
  await inPage((api) => api.leave(), null);
  await node.transport.shutdown();
  if (from === "page") return videoFigures(name, seenByNode, ofPage);
  const seen = ofPage.seen.map(({ frameNumber, ...rest }) => ({ ...rest, number: frameNumber ?? undefined }));
  const sentMs = node.sentMs.map((atMs) => performance.timeOrigin + atMs);
  return videoFigures(name, seen, { sentMs, encoded: codecs.reduce((sum, codec) => sum + codec.encoded, 0) });
}

function seenOf({ planes, width, height, audioSyncOffsetMs }: PictureFrame): Seen {
  const code = readPictureCode(planes[0], width, height);
  const number = code?.sender === PAGE_SENDER ? code.frameNumber : undefined;
  return { atMs: performance.timeOrigin + performance.now(), number, avOffsetMs: audioSyncOffsetMs };
}

export default { runtimes: ["node"], cases: () => [], figures } satisfies Bench;
