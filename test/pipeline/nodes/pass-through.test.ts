// The node that hands on what it gets.
import { expect, it } from "vitest";
import { KINDS } from "../../../src/pipeline/node.ts";
import { passThroughNode } from "../../../src/pipeline/nodes/pass-through.ts";
import type { RuntimeData } from "../../../src/runtime/data.ts";
import { OpenNode } from "./open-node.ts";

const EACH: readonly RuntimeData[] = [
  { type: "audio", samples: new Float32Array(2), sampleRate: 48_000, channels: 1 },
  { type: "video", data: new Uint8Array(6), width: 2, height: 2, format: "I420" },
  { type: "tensor", data: new Uint8Array(4), shape: [1], dtype: "f32" },
  { type: "json", value: { a: 1 } },
  { type: "text", text: "word" },
  { type: "binary", data: new Uint8Array(1) },
  { type: "control", message: "cancel", value: {} },
];

it("hands on every kind as it is", () => {
  expect(passThroughNode.accepts).toEqual(KINDS);
  expect(EACH.map(({ type }) => type)).toEqual(KINDS);
  const node = new OpenNode(passThroughNode);
  for (const data of EACH) {
    const [output, ...more] = node.send(data, { source_peer: "a" }, 7);
    expect(output?.data).toBe(data);
    expect(output).toMatchObject({ metadata: { source_peer: "a" }, sequence: 7 });
    expect(more).toEqual([]);
  }
});
