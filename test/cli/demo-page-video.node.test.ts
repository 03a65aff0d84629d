import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright";
import type { Browser, Page } from "playwright";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readPictureCode, readPictureCodeRgba } from "../../src/cli/demo/video/picture-code.ts";
import type { PictureCode } from "../../src/cli/demo/video/picture-code.ts";
import { senderOf } from "../../src/cli/demo/video/video-plan.ts";
import { Y4mReader } from "../../src/cli/demo/video/y4m-file.ts";
import { CHROMIUM_ARGS, CHROMIUM_PATH, CHROMIUM_PERMISSIONS } from "../chromium.ts";
import { describeUnless, NO_CHROMIUM } from "../needs.ts";
import { startCommand } from "./demo-process.ts";
import type { CommandProcess } from "./demo-process.ts";

const PATIENCE = { timeout: 60_000 };

let folder: string;
let demo: CommandProcess;
let browser: Browser | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "demo-page-video-"));
  // Small pictures, few a second: what is tested here must not wait for a machine that is busy with other tests.
  const video = ["--size", "160x90", "--fps", "10"];
  const args = ["--json", "--peers", "2", "--seconds", "230", "--port", "0", "--record", folder];
  demo = startCommand(["demo", ...args, ...video]);
});
afterEach(async () => {
  await browser?.close();
  demo.interrupt();
  await demo.ended;
  await rm(folder, { recursive: true });
});

async function openPage(): Promise<{ page: Page; faults: string[] }> {
  const [url = ""] = await demo.said(/http:\/\/localhost:\d+\//);
  browser = await chromium.launch({ executablePath: CHROMIUM_PATH, args: CHROMIUM_ARGS });
  const page = await (await browser.newContext({ permissions: CHROMIUM_PERMISSIONS })).newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  await page.goto(url);
  return { page, faults };
}

/** The code in a screenshot of a peer's picture: what is to be seen, whichever way it got there. */
async function codeOnScreen(page: Page, peerId: string): Promise<PictureCode | undefined> {
  const picture = page.locator(`#tiles [data-peer=${peerId}] canvas`);
  if ((await picture.count()) === 0) return undefined;
  const png = `data:image/png;base64,${(await picture.screenshot()).toString("base64")}`;
  const { width, height, rgba } = await page.evaluate(async (source) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context?.drawImage(image, 0, 0);
    const pixels = context?.getImageData(0, 0, image.width, image.height);
    // As a list of numbers it would take seconds to bring over.
    let bytes = "";
    for (const byte of pixels?.data ?? []) bytes += String.fromCharCode(byte);
    return { width: image.width, height: image.height, rgba: btoa(bytes) };
  }, png);
  return readPictureCodeRgba(Uint8Array.from(Buffer.from(rgba, "base64")), width, height);
}

/** Waits until the screen shows a picture of this peer, and after it a later one. */
async function seesMove(page: Page, peerId: string): Promise<void> {
  const numbers: number[] = [];
  const look = async (): Promise<number> => {
    const code = await codeOnScreen(page, peerId);
    // A screenshot may fall between two pictures; what it shows of a code is the right one or none.
    if (code === undefined) return 0;
    expect(code.sender, peerId).toBe(senderOf(peerId));
    if (code.frameNumber > (numbers.at(-1) ?? -1)) numbers.push(code.frameNumber);
    return numbers.length;
  };
  await expect.poll(look, { ...PATIENCE, message: peerId }).toBeGreaterThan(1);
}

/** The codes in what a peer of the demo received of a page. */
async function codesIn(path: string): Promise<PictureCode[]> {
  const reader = await Y4mReader.open(path);
  const codes: PictureCode[] = [];
  for (let i = 0; i < reader.pictures; i++) {
    const { planes, width, height } = await reader.picture(i);
    const code = readPictureCode(planes[0], width, height);
    if (code !== undefined) codes.push(code);
  }
  await reader.close();
  return codes;
}

describeUnless(NO_CHROMIUM, "the page of a demo with video", { timeout: 240_000 }, () => {
  it(
    "shows what was made in Node, and is seen there: codes tell which picture of whose",
    { timeout: 240_000, retry: 1 },
    async () => {
      const { page, faults } = await openPage();
      await page.fill("#name", "dora");
      await page.click("#join");
      await expect.poll(() => page.textContent("#status"), PATIENCE).toBe("Joined as dora");
      for (const peerId of ["dora", "alice", "bob"]) await seesMove(page, peerId);
      const names = await page.locator("#tiles .name").allTextContents();
      expect(names).toEqual(["dora (you)", "alice", "bob"]);
      await expect
        .poll(() => page.locator("#tiles [data-peer=alice] .figures").textContent(), PATIENCE)
        .toMatch(/^latency \d+ ms · lip sync −?\d+ ms · \d\d dB/);

      // The camera has the code of its page over it.
      await page.click("#camera");
      await expect.poll(() => page.textContent("#camera"), PATIENCE).toBe("Stop camera");
      await seesMove(page, "dora");
      const cells = (): Promise<string[]> =>
        page
          .locator("#video-rows tr", { hasText: /^doraalice/ })
          .locator("td")
          .allTextContents();
      const seenBefore = Number((await cells())[2]);
      await expect.poll(async () => Number((await cells())[2]), PATIENCE).toBeGreaterThan(seenBefore);

      expect(faults).toEqual([]);
      demo.interrupt();
      expect((await demo.ended).code).toBe(0);
      const codes = await codesIn(join(folder, "received-alice-from-dora.y4m"));
      expect(new Set(codes.map(({ sender }) => sender))).toEqual(new Set([senderOf("dora")]));
      expect(new Set(codes.map(({ frameNumber }) => frameNumber)).size).toBeGreaterThan(10);
    },
  );

  it("says so when there is no camera, and goes on with its pattern", { timeout: 120_000 }, async () => {
    const { page } = await openPage();
    await page.evaluate(() => {
      const refuse = (): Promise<never> => Promise.reject(new DOMException("", "NotFoundError"));
      Object.defineProperty(navigator.mediaDevices, "getUserMedia", { value: refuse });
    });
    await page.click("#join");
    await expect.poll(() => page.locator("#camera").isVisible(), PATIENCE).toBe(true);
    await page.click("#camera");
    await expect
      .poll(() => page.textContent("#notice"), PATIENCE)
      .toMatch(/You show a test pattern: there is no camera\./);
    expect(await page.textContent("#camera")).toBe("Show camera");
  });
});
