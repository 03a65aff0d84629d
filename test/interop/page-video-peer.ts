// A peer in a page that sends a test pattern and keeps what it is shown: the other end of a `VideoPeer` in Node. Driven
// from outside, so what it exports is called with plain data.
import { WebRtcTransport } from "../../src/browser.ts";
import { readPictureCode } from "../../src/cli/demo/video/picture-code.ts";
import { psnr } from "../../src/cli/demo/video/psnr.ts";
import { TestPattern } from "../../src/cli/demo/video/test-pattern.ts";
import type { VideoCodecName } from "../../src/platform/video-codecs.ts";
import { speak } from "./speak.ts";

/** How the peer of a page is made. */
export interface PageVideoOptions {
  signalingUrl: string;
  room: string;
  peerId: string;
  /** In the code of its pictures, and in that of those it is shown. */
  sender: number;
  theirSender: number;
  /** In those pictures too; what is shown is not compared with what was drawn without it. */
  theirName?: string;
  pattern: { width: number; height: number; framerateFps: number };
  codecs?: VideoCodecName[];
  bitrateKbps?: number;
}

/** A picture that the page was shown. */
export interface PageSeen {
  /** Of its code; null without one that is the sender's. */
  frameNumber: number | null;
  /** Against what was drawn; null where that was not compared. */
  psnrDb: number | null;
  /** Unix ms. */
  atMs: number;
  avOffsetMs: number;
}

/** What the page exports, as its driver sees it. */
export type PageVideoPeer = typeof import("./page-video-peer.ts");

export const links = new Set<string>();
export const seen: PageSeen[] = [];
export const errors: string[] = [];
/** When each picture was handed over, Unix ms, by its number. */
export const sentMs: number[] = [];
let transport: WebRtcTransport | undefined;
let pattern: TestPattern | undefined;
let stepMs = 0;
let stopSpeaking: () => void = () => undefined;

/** Join a room; another time too, after {@link leave}. */
export async function join(options: PageVideoOptions): Promise<void> {
  for (const list of [seen, errors, sentMs]) list.length = 0;
  links.clear();
  const { signalingUrl, room, peerId, sender, theirSender, theirName, codecs, bitrateKbps } = options;
  const { width, height, framerateFps } = options.pattern;
  pattern = new TestPattern({ width, height, framerateFps, sender, name: peerId });
  stepMs = 1000 / framerateFps;
  const theirs =
    theirName === undefined
      ? undefined
      : new TestPattern({ width, height, framerateFps, sender: theirSender, name: theirName });
  const video = {
    ...{ enabled: true, framerateFps },
    ...(codecs !== undefined && { codecs }),
    ...(bitrateKbps !== undefined && { bitrateKbps }),
  };
  const joining = new WebRtcTransport({ signalingUrl, room, peerId, networkMode: "lan", video });
  transport = joining;
  joining.on("error", (error) => errors.push(`${error.code} ${error.message}`));
  joining.on("videoConnected", (event) => links.add(event.peerId));
  await joining.start();
  void (async () => {
    for await (const frame of joining.frames()) void frame;
  })();
  void (async () => {
    for await (const picture of joining.frames({ kind: "video" })) {
      const atMs = unixMs();
      const code = readPictureCode(picture.planes[0], picture.width, picture.height);
      const frameNumber = code?.sender === theirSender ? code.frameNumber : null;
      const drawn = frameNumber === null ? undefined : theirs?.draw(frameNumber);
      const psnrDb = drawn === undefined ? null : (psnr(picture, drawn)?.y ?? 0);
      seen.push({ frameNumber, psnrDb, atMs, avOffsetMs: picture.audioSyncOffsetMs });
    }
  })();
}

/** Send sound until {@link leave}. */
export function talk(): void {
  if (transport !== undefined) stopSpeaking = speak(transport);
}

/** Send `count` pictures of the pattern in real time. */
export async function show(to: string, count: number): Promise<void> {
  if (transport === undefined || pattern === undefined) throw new Error("join first");
  let dueMs = performance.now();
  for (let i = 0; i < count; i++) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
    dueMs = Math.max(dueMs + stepMs, performance.now() - stepMs);
    const { width, height, planes } = pattern.draw(sentMs.length);
    const data = new Uint8Array(planes.reduce((sum, { length }) => sum + length, 0));
    planes.reduce((at, plane) => (data.set(plane, at), at + plane.length), 0);
    const nowMs = unixMs();
    sentMs.push(nowMs);
    const timestampUs = Math.round(nowMs * 1000);
    await transport.sendToPeer(to, { type: "video", data, width, height, format: "I420", timestampUs });
  }
}

/** Pictures of its own that the browser has encoded. */
export function encoded(): number {
  const peers = transport?.stats().peers ?? [];
  return peers.reduce((sum, { video }) => sum + (video?.link?.video?.out?.framesEncoded ?? 0), 0);
}

/** Leave the room. */
export async function leave(): Promise<void> {
  stopSpeaking();
  await transport?.shutdown();
}

function unixMs(): number {
  return performance.timeOrigin + performance.now();
}
