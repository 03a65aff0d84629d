// The node that collects bits of text into sentences.
import { describe, expect, it } from "vitest";
import { textCollectorNode } from "../../../src/pipeline/nodes/text-collector.ts";
import type { TextCollectorParams } from "../../../src/pipeline/nodes/text-collector.ts";
import type { TextData, TransportData } from "../../../src/runtime/data.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { OpenNode } from "./open-node.ts";

const SEED = 9_431;

const texts = (outputs: readonly TransportData[]): string[] =>
  outputs.map(({ data }) => (data as TextData).text);

/** What comes out of these bits, and at the end. */
function collect(bits: readonly string[], params: Partial<TextCollectorParams> = {}): string[][] {
  const node = new OpenNode(textCollectorNode, params);
  return [...bits.map((text) => texts(node.send({ type: "text", text }))), texts(node.flush())];
}

describe("the text collector", () => {
  it("gives a sentence as soon as it ends", () => {
    expect(collect(["Hel", "lo wor", "ld. How", " are you?"])).toEqual([
      [],
      [],
      ["Hello world."],
      ["How are you?"],
      [],
    ]);
  });

  it("gives several sentences of one bit, each on its own", () => {
    expect(collect(["One is here. Two!\nThree; and"])).toEqual([["One is here.", "Two!", "Three;"], ["and"]]);
  });

  it("takes boundaries in a row as one", () => {
    expect(collect(["Really?! Yes... no"])).toEqual([["Really?!", "Yes..."], ["no"]]);
  });

  it("does not take boundaries alone for a sentence", () => {
    expect(collect(["...", "?", " so."])).toEqual([[], [], ["...? so."], []]);
  });

  it("keeps short ones for the next sentence", () => {
    expect(collect(["A. B. C and more."], { minLength: 5 })).toEqual([["A. B.", "C and more."], []]);
    expect(collect(["ab", ".", "cd."], { minLength: 4 })).toEqual([[], [], ["ab.cd."], []]);
  });

  it("does not count the space around for the length", () => {
    expect(collect(["   a.", "  b."], { minLength: 3 })).toEqual([[], ["a.  b."], []]);
  });

  it("ends at the token, however short, and leaves it out", () => {
    expect(collect(["Yes", "<|text_end|>", "No"])).toEqual([[], ["Yes"], [], ["No"]]);
    expect(collect(["a<|text_end|>b<|text_end|>"])).toEqual([["a", "b"], []]);
    expect(collect(["<|text_end|>"])).toEqual([[], []]);
  });

  it("knows a token that comes in bits, even where it holds boundaries", () => {
    const bits = ["Well <", "|te", "xt_end", "|", "> so"];
    expect(collect(bits, { boundaries: "|.", minLength: 1 })).toEqual([[], [], [], [], ["Well"], ["so"]]);
  });

  it("has no token where it is empty", () => {
    expect(collect(["Well<|text_end|>. so"], { flushToken: "" })).toEqual([["Well<|text_end|>."], ["so"]]);
  });

  it("takes boundaries of any script", () => {
    expect(collect(["你好。再见"], { boundaries: "。😀", minLength: 2 })).toEqual([["你好。"], ["再见"]]);
    expect(collect(["yes😀no"], { boundaries: "。😀" })).toEqual([["yes😀"], ["no"]]);
  });

  it("keeps peers, streams and channels apart", () => {
    const node = new OpenNode(textCollectorNode);
    const text = (value: string, more: Partial<TextData>, source_peer: string) =>
      texts(node.send({ type: "text", text: value, ...more }, { source_peer }));
    text("one ", {}, "a");
    text("two ", {}, "b");
    text("three ", { streamId: "x" }, "a");
    text("four ", { channel: "y" }, "a");
    expect(text("a.", {}, "a")).toEqual(["one a."]);
    expect(text("b.", {}, "b")).toEqual(["two b."]);
    expect(texts(node.flush())).toEqual(["three", "four"]);
  });

  it("keeps what comes with the text, and the time of its beginning", () => {
    const node = new OpenNode(textCollectorNode);
    node.send(
      { type: "text", text: "Hel", channel: "c", streamId: "s", timestampUs: 1 },
      { source_peer: "a" },
      1,
    );
    expect(
      node.send(
        { type: "text", text: "lo. Me", channel: "c", streamId: "s", timestampUs: 2 },
        { source_peer: "a" },
        2,
      ),
    ).toEqual([
      {
        data: { type: "text", text: "Hello.", channel: "c", streamId: "s", timestampUs: 1 },
        metadata: { source_peer: "a" },
        sequence: 2,
      },
    ]);
    expect(node.flush()[0]?.data.timestampUs).toBe(2);
  });

  it("does not keep a text that never ends", () => {
    const [first, rest] = collect(["a".repeat(16_385), "b"]);
    expect(first?.[0]?.length).toBe(16_385);
    expect(rest).toEqual([]);
  });

  it("loses and doubles nothing, however a text is cut into bits", () => {
    const random = new SeededRandom(SEED);
    const text = Array.from({ length: 2000 }, () => "ab .!?\n"[random.integer(0, 6)]).join("");
    const bits: string[] = [];
    for (let at = 0; at < text.length;) bits.push(text.slice(at, (at += random.integer(1, 7))));
    const bare = (value: string): string => value.replace(/\s/g, "");
    expect(bare(collect(bits).flat().join("")), `seed ${SEED}`).toBe(bare(text));
  });
});
