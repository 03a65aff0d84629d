// Runs in a process of its own: `exit` encodes and decodes a little and then does nothing more, without closing anything;
// `memory` codes 2000 pictures and prints how much memory the process had after 500 of them and at the end.
import { createNodeVideoCodecs } from "../../../../src/platform/node/video/node-video-codecs.ts";
import { movingPicture, PICTURE_TICKS } from "./pictures.ts";
import { recordedDecoder, recordedEncoder } from "./recorder.ts";

const PICTURES = { exit: 5, memory: 2_000 };
const WARM_AT = 500;

const task = process.argv[2] as keyof typeof PICTURES;
const [width, height] = [160, 90];
const codecs = createNodeVideoCodecs();
const { encoder, heard, encode } = await recordedEncoder(codecs, {
  codec: "VP9",
  ...{ width, height, bitrateKbps: 200 },
});
const sink = await recordedDecoder(codecs, "VP9");

for (let i = 0; i < PICTURES[task]; i++) {
  // Another rate now and then: contexts are made and freed as well.
  if (i % 70 === 0) encoder.configure({ bitrateKbps: i % 140 === 0 ? 200 : 150 });
  const coded = await encode(movingPicture(width, height, i % 40), i * PICTURE_TICKS);
  await sink.decode(coded);
  if (i === WARM_AT - 1) report();
  heard.coded.length = 0;
  sink.heard.pictures.length = 0;
}
report();
if (task === "memory") codecs.close();

function report(): void {
  globalThis.gc?.();
  console.log(JSON.stringify({ rss: process.memoryUsage().rss, keyframes: encoder.counters.keyframes }));
}
