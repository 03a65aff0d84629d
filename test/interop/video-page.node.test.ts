// A transport in Node and one in Chromium that show each other moving pictures, each side having offered the main
// connection and the video connection once: every picture that is shown is one that was drawn, and hardly any is missing.
import { afterAll, beforeAll, expect, it } from "vitest";
import { SignalingServer } from "../../src/signaling-server/server.ts";
import type { Impairment } from "../../src/testing/impairment.ts";
import { ImpairmentRelay } from "../../src/testing/node/node.ts";
import { describeUnless, NO_CHROMIUM } from "../needs.ts";
import { openBrowserPage } from "./browser-harness.ts";
import type { BrowserPage } from "./browser-harness.ts";
import { eventually, PATTERN, sleep, VideoPeer } from "./video-peer.ts";

/** Four seconds of pictures. */
const PICTURES = 60;
/** In the code of the page's pictures. */
const PAGE_SENDER = 7;
const NODE_SENDER = 3;

/** A picture that the page was shown. */
interface Seen {
  /** Of its code; null without one that is the sender's. */
  frameNumber: number | null;
  psnrDb: number;
}

/** What the page below exports. */
interface PageApi {
  join(url: string, room: string, peerId: string): Promise<void>;
  links: Set<string>;
  show(to: string, count: number): Promise<number>;
  seen: Seen[];
  errors: string[];
  leave(): Promise<void>;
}

const PAGE = `
  import { WebRtcTransport } from "../../src/browser.ts";
  import { TestPattern } from "../../src/cli/demo/video/test-pattern.ts";
  import { readPictureCode } from "../../src/cli/demo/video/picture-code.ts";
  import { psnr } from "../../src/cli/demo/video/psnr.ts";
  const pattern = { width: ${PATTERN.width}, height: ${PATTERN.height}, framerateFps: ${PATTERN.framerateFps} };
  const own = new TestPattern({ ...pattern, sender: ${PAGE_SENDER}, name: "page" });
  const theirs = new TestPattern({ ...pattern, sender: ${NODE_SENDER}, name: "node" });
  export let links, seen, errors;
  let transport;
  export async function join(signalingUrl, room, peerId) {
    links = new Set();
    seen = [];
    errors = [];
    const video = { enabled: true, framerateFps: pattern.framerateFps };
    transport = new WebRtcTransport({ signalingUrl, room, peerId, networkMode: "lan", video });
    transport.on("error", (error) => errors.push(error.code + " " + error.message));
    transport.on("videoConnected", (event) => links.add(event.peerId));
    await transport.start();
    void (async () => {
      for await (const { planes, width, height } of transport.frames({ kind: "video" })) {
        const code = readPictureCode(planes[0], width, height);
        if (code?.sender !== ${NODE_SENDER}) seen.push({ frameNumber: null, psnrDb: 0 });
        else {
          const drawn = theirs.draw(code.frameNumber);
          seen.push({ frameNumber: code.frameNumber, psnrDb: psnr({ planes, width, height }, drawn)?.y ?? 0 });
        }
      }
    })();
  }
  export async function show(to, count) {
    let dueMs = performance.now();
    for (let i = 0; i < count; i++) {
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
      dueMs = Math.max(dueMs + 1000 / pattern.framerateFps, performance.now());
      const { width, height, planes } = own.draw(i);
      const data = new Uint8Array(planes.reduce((sum, { length }) => sum + length, 0));
      planes.reduce((at, plane) => (data.set(plane, at), at + plane.length), 0);
      const timestampUs = Math.round((performance.timeOrigin + performance.now()) * 1000);
      await transport.sendToPeer(to, { type: "video", data, width, height, format: "I420", timestampUs });
    }
    return count;
  }
  export const leave = () => transport.shutdown();
`;

describeUnless(
  NO_CHROMIUM,
  "a call with video between Node and Chromium",
  { timeout: 60_000, retry: 2 },
  () => {
    const server = new SignalingServer({ port: 0, host: "127.0.0.1" });
    let browser: BrowserPage;
    let url = "";

    beforeAll(async () => {
      ({ url } = await server.start());
      browser = await openBrowserPage({ source: PAGE, resolveDir: import.meta.dirname });
    }, 60_000);
    afterAll(async () => {
      await browser?.close();
      await server.close();
    });

    /** Call into the page. */
    const inPage = <T, A>(call: (api: PageApi, argument: A) => T, argument: A): Promise<Awaited<T>> =>
      // The function travels as its source; it may use nothing but its parameters.
      browser.page.evaluate<Awaited<T>>(`(${String(call)})(window.page, ${JSON.stringify(argument)})`);

    /** Smaller ids offer video; who joins last offers the main connection. */
    const CASES: [name: string, pageId: string, last: "node" | "page", impairment?: Impairment][] = [
      ["shows every picture when the page offers video", "a-page", "node"],
      ["shows every picture when Node offers video", "z-page", "page"],
      [
        "shows no broken picture where packets are lost",
        "a-page",
        "page",
        { loss: 0.05, delayMs: 20, seed: 4 },
      ],
    ];

    it.each(CASES)("%s", async (name, pageId, last, impairment) => {
      const relay = impairment === undefined ? undefined : new ImpairmentRelay(impairment);
      const node = new VideoPeer({
        ...{ signalingUrl: url, room: `${pageId}-${last}`, peerId: "node", sender: NODE_SENDER },
        ...(relay !== undefined && { relay }),
      });
      const join = {
        node: () => node.join(),
        page: () =>
          inPage((api, [to, room, id]) => api.join(to, room, id), [
            url,
            `${pageId}-${last}`,
            pageId,
          ] as const),
      };
      await join[last === "node" ? "page" : "node"]();
      await join[last]();
      await eventually(
        "video both ways",
        async () => node.links.has(pageId) && (await inPage((api) => api.links.has("node"), null)),
      );

      const showing = inPage((api, count) => api.show("node", count), PICTURES);
      await node.show(pageId, PICTURES);
      await showing;
      await sleep(1_000);

      const seen = await inPage((api) => api.seen, null);
      const ofNode = await node.judgeSeen(pageId, PAGE_SENDER, "page");
      const numbers = new Set(seen.map(({ frameNumber }) => frameNumber));
      const encoded = node.coded.length;
      console.log(
        `${name}: page saw ${numbers.size} of ${encoded}, Node ${ofNode.shown}, ${relay?.counters.lost ?? 0} lost`,
      );
      expect(seen.filter(({ frameNumber, psnrDb }) => frameNumber === null || psnrDb < 25)).toEqual([]);
      // The first ones may come before anybody looks.
      expect(numbers.size / encoded).toBeGreaterThan(0.8);
      expect(ofNode.unreadable).toBe(0);
      expect(ofNode.leastPsnrDb).toBeGreaterThan(25);
      expect(ofNode.shown).toBeGreaterThan(PICTURES / 3);
      expect([...node.errors, ...(await inPage((api) => api.errors, null))]).toEqual([]);

      await inPage((api) => api.leave(), null);
      await node.transport.shutdown();
      await relay?.close();
      expect(browser.log.filter((line) => line.startsWith("uncaught"))).toEqual([]);
    });
  },
);
