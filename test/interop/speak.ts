// A voice beside pictures.
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";

const SAMPLE_RATE = 48_000;
const BLOCK_MS = 20;
const HZ = 440;

/** Send a tone in real time, to everybody. @returns ends it */
export function speak(transport: WebRtcTransport): () => void {
  const beganMs = performance.now();
  const length = (SAMPLE_RATE * BLOCK_MS) / 1000;
  let block = 0;
  const timer = setInterval(() => {
    for (; block * BLOCK_MS <= performance.now() - beganMs; block++) {
      const at = (i: number): number => (2 * Math.PI * HZ * (block * length + i)) / SAMPLE_RATE;
      const samples = Float32Array.from({ length }, (_, i) => 0.2 * Math.sin(at(i)));
      const timestampUs = (performance.timeOrigin + beganMs + block * BLOCK_MS) * 1000;
      const data = { type: "audio", samples, sampleRate: SAMPLE_RATE, channels: 1, timestampUs } as const;
      void transport.broadcast(data).catch(() => undefined);
    }
  }, 5);
  return () => clearInterval(timer);
}
