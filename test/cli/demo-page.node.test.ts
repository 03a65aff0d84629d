import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright";
import type { Browser, Page } from "playwright";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { DemoReport } from "../../src/cli/demo/report.ts";
import { Voice } from "../../src/cli/demo/voice.ts";
import { toPcm16, wavHeader } from "../../src/cli/demo/wav.ts";
import { CHROMIUM_ARGS, CHROMIUM_PATH, CHROMIUM_PERMISSIONS } from "../chromium.ts";
import { describeUnless, NO_CHROMIUM } from "../needs.ts";
import { startCommand } from "./demo-process.ts";
import type { CommandProcess } from "./demo-process.ts";

const PATIENCE = { timeout: 30_000 };
/** Clocks are compared for half a minute before their drift is told. */
const DRIFT_PATIENCE = { timeout: 45_000 };

let folder: string;
let demo: CommandProcess;
let url: string;
let browser: Browser | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "demo-page-"));
  demo = startCommand(["demo", "--json", "--peers", "3", "--mix", "--seconds", "100", "--port", "0"]);
  [url = ""] = await demo.said(/http:\/\/localhost:\d+\//);
});
afterEach(async () => {
  await browser?.close();
  demo.interrupt();
  await demo.ended;
  await rm(folder, { recursive: true });
});

async function openPage(permissions: string[], ...args: string[]): Promise<{ page: Page; faults: string[] }> {
  browser = await chromium.launch({ executablePath: CHROMIUM_PATH, args });
  const page = await (await browser.newContext({ permissions })).newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  await page.goto(url);
  return { page, faults };
}

/** The numbers of a pair's line in the page's table. */
async function readRow(page: Page, from: string, to: string): Promise<number[]> {
  const cells = await page
    .locator("#rows tr")
    .evaluateAll((lines) => lines.map((line) => [...line.children].map((cell) => cell.textContent ?? "")));
  return (cells.find((line) => line[0] === from && line[1] === to) ?? []).slice(2).map(Number);
}

/** What a plot says to who cannot see it. */
function readPlot(page: Page, id: "buffer" | "drift" | "alignment"): Promise<string | null> {
  return page.getAttribute(`#${id} svg`, "aria-label");
}

describeUnless(NO_CHROMIUM, "the page of the demo", { timeout: 120_000 }, () => {
  it(
    "joins with the microphone, is heard, hears, and sees how well; then the demo ends",
    { timeout: 120_000, retry: 2 },
    async () => {
      const pcm = toPcm16(new Voice(77).next(48_000 * 20));
      const voice = join(folder, "voice.wav");
      await writeFile(voice, Buffer.concat([wavHeader(pcm.byteLength, 48_000), new Uint8Array(pcm.buffer)]));
      const microphone = `--use-file-for-fake-audio-capture=${voice}`;
      const { page, faults } = await openPage(CHROMIUM_PERMISSIONS, ...CHROMIUM_ARGS, microphone);

      await page.fill("#name", "dora!");
      await page.click("#join");
      await expect.poll(() => page.textContent("#status"), PATIENCE).toBe("Joined as dora");
      await expect.poll(() => page.locator("#peers li").count(), PATIENCE).toBe(3);
      for (const [from, to] of [
        ["dora", "alice"],
        ["bob", "dora"],
        ["carol", "bob"],
      ] as const) {
        await expect
          .poll(async () => (await readRow(page, from, to)).at(-1), {
            ...PATIENCE,
            message: `${from} to ${to}`,
          })
          .toBeGreaterThan(0.9);
      }
      // Alice mixes, so that her reception is shown at first.
      await expect
        .poll(() => readPlot(page, "buffer"), PATIENCE)
        .toMatch(/as alice .* bob \d+ ms.* dora \d+ ms/);
      await expect.poll(() => readPlot(page, "alignment"), PATIENCE).toMatch(/alice \d+\.\d\d ms.* bound \d/);
      expect(await page.locator("#alignment svg .line").count()).toBe(2);
      await page.selectOption("#listener", "dora");
      expect(await readPlot(page, "buffer")).toMatch(/as dora .* alice \d+ ms, bob \d+ ms, carol \d+ ms\./);

      const own = page.locator("#peers [data-peer=bob]");
      await expect.poll(() => own.locator(".sync").textContent(), PATIENCE).toBe("synced");
      expect(await own.locator(".reception").textContent()).toMatch(
        /^buffer \d+ of [1-9]\d* ms · capture ±\d/,
      );
      await expect
        .poll(() => page.locator("#peers .speaks .speaking").textContent(), PATIENCE)
        .toBe("speaking");

      await page.selectOption("#listener", "alice");
      await expect
        .poll(() => readPlot(page, "drift"), DRIFT_PATIENCE)
        .toMatch(/as alice .* Now: .*(bob|carol) −?\d+\.\d ppm/);

      expect(faults).toEqual([]);
      expect(await page.locator("#notice").isVisible()).toBe(false);
      expect(
        await page.locator("#my-level").evaluate((meter: HTMLMeterElement) => meter.value),
      ).toBeGreaterThan(0.1);

      await page.click("#peers [data-peer=alice] button");
      expect(await page.locator("#peers [data-peer=alice] button").textContent()).toBe("Unmute");

      demo.interrupt();
      const { code, stdout } = await demo.ended;
      expect(code).toBe(0);
      const report = JSON.parse(stdout) as DemoReport;
      const heard = report.peers
        .find(({ id }) => id === "alice")
        ?.received.find(({ from }) => from === "dora");
      expect(heard?.similarity).toBeGreaterThan(0.9);
      expect(heard?.latencyMsP95).toBeGreaterThan(0);
      await expect.poll(() => page.textContent("#status"), PATIENCE).toMatch(/The demo has ended/);
    },
  );

  it(
    "listens when the microphone is refused, and says so; leaves and comes back",
    { timeout: 120_000 },
    async () => {
      const withoutDevices = CHROMIUM_ARGS.filter((argument) => !argument.includes("fake"));
      const { page } = await openPage([], ...withoutDevices);
      await page.click("#join");
      await expect.poll(() => page.textContent("#status"), PATIENCE).toMatch(/^Joined as guest-\d+$/);
      expect(await page.textContent("#notice")).toMatch(/You are listening only: /);
      expect(await page.locator("#mute").isVisible()).toBe(false);

      await page.click("#join");
      await expect.poll(() => page.textContent("#status"), PATIENCE).toBe("Not joined");
      await page.fill("#name", "alice");
      await page.click("#join");
      await expect.poll(() => page.textContent("#status"), PATIENCE).toMatch(/^Cannot connect: .*alice/);
      await page.fill("#name", "dora");
      await page.click("#join");
      await expect.poll(() => page.textContent("#status"), PATIENCE).toBe("Joined as dora");
    },
  );
});
