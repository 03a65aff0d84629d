// The native side can end the process in many ways; each is tried in a process of its own, which must end by itself
// with code 0.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundle, discard, start } from "./child.ts";
import type { Ending, Program } from "./child.ts";

/** Longest a task may run, in ms; they take 2 to 15 s on two busy cores. */
const PATIENCE_MS = 60_000;

let program: string;

beforeAll(() => {
  program = bundle("link-program.ts");
});
afterAll(() => discard(program));

async function run(task: string): Promise<Ending> {
  const ending = await start(program, [task], PATIENCE_MS).ended;
  expect(ending, ending.stderr).toMatchObject({ code: 0, signal: null });
  return ending;
}

describe("a process with native links", { timeout: PATIENCE_MS + 10_000 }, () => {
  it("keeps its memory within 10 % over 100 pairs, and ends by itself", async () => {
    const [warm, last] = (await run("cycles")).lines as { rss: number }[];
    expect(last?.rss).toBeLessThan((warm?.rss ?? 0) * 1.1);
  });

  // A machine that others keep busy may make one of them wait; not twice.
  it("never waits for a lost DTLS hello when it connects", { retry: 1 }, async () => {
    const [result] = (await run("connects")).lines as { slow: number; medianMs: number }[];
    expect(result?.slow, JSON.stringify(result)).toBe(0);
  });

  it("leaves cleanly with connected links", async () => {
    await run("exit");
  });

  it("is immune to malformed SDES, from peers that offer one track or several", async () => {
    const results = (await run("sdes")).lines;
    expect(results.length).toBe(4);
    for (const result of results) {
      expect(result).toMatchObject({ tracks: 1, victim: 20, bystander: 20, state: "connected" });
    }
  });

  it("survives 200 pieces each of garbage RTP, RTCP, SDP and candidates", async () => {
    const [result] = (await run("garbage")).lines as { codes: Record<string, number>; faults: number }[];
    expect(result).toMatchObject({ state: "connected", heard: 1 });
    expect(result?.faults).toBeGreaterThan(100);
    const { answered = 0, SDP_ERROR = 0, CODEC_MISMATCH = 0 } = result?.codes ?? {};
    expect(answered + SDP_ERROR + CODEC_MISMATCH).toBe(200);
    expect(SDP_ERROR).toBeGreaterThan(50);
  });

  it("lets go of in-band channels whose end the native side has not reported", async () => {
    const [result] = (await run("fleeting")).lines;
    expect(result).toMatchObject({ state: "connected" });
  });

  it("closes a link whose peer floods it with in-band channels", async () => {
    const [result] = (await run("flood")).lines as { channels: number; faults: string[] }[];
    expect(result?.channels).toBeLessThanOrEqual(32);
    expect(result?.faults).toContain("LIMIT_EXCEEDED");
  });

  it("does not mind when the process at the other end is killed", async () => {
    const survivor = start(program, ["survivor"], PATIENCE_MS);
    const victim = start(program, ["victim"], PATIENCE_MS);
    relay(survivor, victim);
    relay(victim, survivor);
    await new Promise<void>((resolve) => {
      survivor.process.on("message", (message: { connected?: boolean }) => {
        if (message.connected === true) resolve();
      });
    });
    victim.process.kill("SIGKILL");
    expect((await victim.ended).signal).toBe("SIGKILL");
    survivor.process.send({ orphaned: true });
    const ending = await survivor.ended;
    expect(ending, ending.stderr).toMatchObject({ code: 0, signal: null });
    expect(ending.lines).toEqual([{ heard: 100, closedInMs: expect.any(Number) as number }]);
    expect((ending.lines[0] as { closedInMs: number }).closedInMs).toBeLessThan(1_100);
  });
});

/** Pass signaling on, while the other end lives. */
function relay(from: Program, to: Program): void {
  from.process.on("message", (message) => {
    if (to.process.connected) to.process.send(message);
  });
}
