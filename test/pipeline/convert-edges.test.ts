// Converters between nodes that do not fit each other, where the manifest asks for them.
import { describe, expect, it } from "vitest";
import { convertEdges } from "../../src/pipeline/convert-edges.ts";
import type { NodeFactory, NodeFormats } from "../../src/pipeline/node.ts";
import type { AudioData, TransportData } from "../../src/runtime/data.ts";
import { manifest, open, simple, text, world } from "./pipelines.ts";

const AUTO = { auto_negotiate: true };

/** A node that insists on formats. */
function needing(needs: NodeFormats, more: Partial<NodeFactory> = {}): NodeFactory {
  return simple("Needing", (input, emit) => emit(input), { needs: () => needs, ...more });
}

function tone(sampleRate: number, channels: number, hz = 440, frames = sampleRate / 10): AudioData {
  const samples = Float32Array.from({ length: frames * channels }, (_, i) =>
    Math.sin((2 * Math.PI * hz * Math.floor(i / channels)) / sampleRate),
  );
  return { type: "audio", samples, sampleRate, channels };
}

function audio(data: AudioData, sequence: number): TransportData {
  return { data, sequence, metadata: { source_peer: "bob" } };
}

describe("converters", () => {
  const mono48 = { audio: { sampleRate: 48_000, channels: 1 } };

  it("are put before every node that needs them, also for the pipeline's inputs", () => {
    const { runner } = world([needing({ ...mono48, video: { format: "I420" } })]);
    const lines = "a:Needing; b:PassThrough; c:Needing; a > c; b > c";
    const { graph, nodes } = convertEdges(runner.validate(manifest(lines, {}, AUTO)));
    expect(graph.entries).toEqual(["b", "input--a--resample"]);
    expect(graph.successors.get("input--a--resample")).toEqual(["input--a--format"]);
    expect(graph.successors.get("a")).toEqual(["a--c--resample"]);
    expect(graph.predecessors.get("c")).toEqual(["a--c--format", "b--c--format"]);
    expect(nodes.get("a--c--resample")).toMatchObject({
      node: { nodeType: "Resample", isOutputNode: false },
      params: { targetRate: 48_000, channels: 1 },
    });
    expect(nodes.get("b--c--format")).toMatchObject({
      node: { nodeType: "FormatConvert" },
      params: { target: "I420" },
    });
  });

  it("are not put where nobody asks for them, nothing is needed, or nothing of the kind comes", () => {
    const { runner } = world([
      needing(mono48),
      simple("Texts", (input, emit) => emit(input), { emits: ["text"] }),
    ]);
    const without = runner.validate(manifest("a:Needing"));
    expect(convertEdges(without)).toBe(without);
    const { graph } = convertEdges(runner.validate(manifest("b:Texts; a:Needing; b > a", {}, AUTO)));
    expect(graph.order).toEqual(["b", "a"]);
  });

  it("take other ids where theirs are taken", () => {
    const { runner } = world([needing(mono48)]);
    const lines = "x:PassThrough; y:Needing; x--y--resample:PassThrough; x > y; x > x--y--resample";
    const { graph } = convertEdges(runner.validate(manifest(lines, {}, AUTO)));
    expect(graph.predecessors.get("y")).toEqual(["x--y--resample-2"]);
  });

  it("are the same for the same manifest, so that a change keeps them", async () => {
    const { runner } = world([needing(mono48)]);
    const first = convertEdges(runner.validate(manifest("a:Needing", {}, AUTO)));
    const second = convertEdges(runner.validate(manifest("a:Needing", {}, AUTO)));
    expect(first.nodes.get("input--a--resample")?.factory).toBe(
      second.nodes.get("input--a--resample")?.factory,
    );
  });

  it("make of sound in another format the same sound in the right one", async () => {
    const { runner } = world([needing(mono48)]);
    const { execution, outputs, errors } = await open(runner, manifest("a:Needing", {}, AUTO));
    for (let n = 0; n < 5; n++) await execution.send(audio(tone(16_000, 2), n));
    await execution.close();
    expect(errors).toEqual([]);
    const samples = outputs.flatMap(({ data }) => (data.type === "audio" ? [...data.samples] : []));
    expect(
      outputs.every(({ data }) => data.type === "audio" && data.sampleRate === 48_000 && data.channels === 1),
    ).toBe(true);
    expect(samples.length).toBe(5 * 4_800);
    const rms = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
    expect(rms).toBeCloseTo(Math.SQRT1_2, 1);
    expect(outputs[0]?.metadata).toEqual({ source_peer: "bob", output_id: "a" });
  });

  it("hand on what fits as it is, and other kinds in their place between", async () => {
    const { runner } = world([needing(mono48)]);
    const { execution, outputs } = await open(runner, manifest("a:Needing", {}, AUTO));
    const fits = audio(tone(48_000, 1), 0);
    await execution.send(fits);
    await execution.send(text(1));
    await execution.send({ ...fits, sequence: 2 });
    await execution.close();
    expect(outputs.map(({ sequence }) => sequence)).toEqual([0, 1, 2]);
    expect(outputs[0]?.data).toBe(fits.data);
  });

  it("change the number of channels alone, at whatever rate", async () => {
    const { runner } = world([needing({ audio: { channels: 2 } })]);
    const { execution, outputs, errors } = await open(runner, manifest("a:Needing", {}, AUTO));
    const rates = [8_000, 16_000, 24_000, 44_100, 48_000, 8_000];
    for (const [n, rate] of rates.entries()) await execution.send(audio(tone(rate, 1), n));
    await execution.close();
    expect(errors).toEqual([]);
    const formats = outputs.map(({ data }) =>
      data.type === "audio" ? [data.sampleRate, data.channels] : [],
    );
    expect(formats).toEqual(rates.map((rate) => [rate, 2]));
    const first = outputs[0]?.data as AudioData;
    expect(first.samples[20]).toBeCloseTo(tone(8_000, 1).samples[10] ?? NaN, 5);
  });

  it("change the rate alone, with as many channels as there are", async () => {
    const { runner } = world([needing({ audio: { sampleRate: 48_000 } })]);
    const { execution, outputs } = await open(runner, manifest("a:Needing", {}, AUTO));
    await execution.send(audio(tone(24_000, 2), 0));
    await execution.close();
    expect(
      outputs.every(({ data }) => data.type === "audio" && data.sampleRate === 48_000 && data.channels === 2),
    ).toBe(true);
    expect(outputs.length).toBeGreaterThan(0);
  });

  it("give pictures the format that is needed", async () => {
    const { runner } = world([needing({ video: { format: "I420" } })]);
    const { execution, outputs } = await open(runner, manifest("a:Needing", {}, AUTO));
    const white = {
      type: "video",
      data: new Uint8Array(4 * 16).fill(255),
      width: 4,
      height: 4,
      format: "RGBA",
    } as const;
    await execution.send({ data: white, metadata: {} });
    await execution.close();
    expect(outputs[0]?.data).toMatchObject({ format: "I420", width: 4, height: 4 });
    expect((outputs[0]?.data as { data: Uint8Array }).data[0]).toBe(235);
  });

  it("refuse an input that no node behind them accepts", async () => {
    const { runner } = world([needing(mono48, { accepts: ["audio"] })]);
    const { execution } = await open(runner, manifest("a:Needing", {}, AUTO));
    await expect(execution.send(text(0))).rejects.toMatchObject({ code: "INVALID_DATA" });
    await execution.close();
  });
});
