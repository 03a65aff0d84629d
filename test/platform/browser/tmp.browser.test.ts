import { it } from "vitest";
import { makePair, audible, closePair, connect, sineBlock, writeUntilHeard } from "./link-pair.ts";
import { createBrowserPlatform } from "../../../src/platform/browser/browser-platform.ts";
const q = (xs: number[]) => { xs.sort((x, y) => x - y); return [0, 0.5, 0.95, 0.999].map((p) => xs[Math.floor(p * xs.length)]?.toFixed(2)).join("/"); };
it("measure", async () => {
  for (const size of [960, 480]) for (let run = 0; run < 4; run++) {
    const { a, b } = makePair();
    const t0 = performance.now();
    await connect(a, b);
    const tc = performance.now() - t0;
    await writeUntilHeard(a, b, 5);
    const n0 = b.frames.length;
    const start = performance.now(); const total = 3000 / (size / 48); let k = 0;
    await new Promise<void>((resolve) => { const step = () => { while (k < total && performance.now() >= start + k * size / 48) { a.audio.write(sineBlock(k).subarray(0, size), 1, (performance.timeOrigin + performance.now()) * 1000); k++; } if (k < total) setTimeout(step, 0); else setTimeout(resolve, 100); }; step(); });
    const got = b.frames.slice(n0).filter((f) => f.payload.length > 0);
    console.log(`block ${size / 48} ms: connect ${tc.toFixed(0)} ms; frames ${got.length}; capture->arrival min/p50/p95/max ${q(got.map((f) => f.arrivalMs + performance.timeOrigin - (f.captureMs ?? NaN)))}; bytes p50 ${got[50]?.payload.length}`);
    await closePair(a, b);
  }
}, 60000);
