import { describe, expect, it } from "vitest";
import { findCycles, pipelineGraph } from "../../src/pipeline/graph.ts";
import { SeededRandom } from "../../src/testing/random.ts";

const nodes = (ids: string) => [...ids].map((id) => ({ id }));
const edges = (...pairs: string[]) => pairs.map(([from = "", to = ""]) => ({ from, to }));

describe("the graph of a pipeline", () => {
  it("puts every node behind its predecessors, those that are free in the order of the manifest", () => {
    expect(pipelineGraph(nodes("dcba"), edges("ab", "bd")).order).toEqual(["c", "a", "b", "d"]);
    expect(pipelineGraph(nodes("abcd"), []).order).toEqual(["a", "b", "c", "d"]);
  });

  it("knows who follows whom in a diamond", () => {
    const graph = pipelineGraph(nodes("adbc"), edges("ab", "ac", "bd", "cd"));
    expect(graph.order).toEqual(["a", "b", "c", "d"]);
    expect([...graph.successors]).toEqual([
      ["a", ["b", "c"]],
      ["d", []],
      ["b", ["d"]],
      ["c", ["d"]],
    ]);
    expect([...graph.predecessors]).toEqual([
      ["a", []],
      ["d", ["b", "c"]],
      ["b", ["a"]],
      ["c", ["a"]],
    ]);
    expect(graph.entries).toEqual(["a"]);
    expect(graph.sinks).toEqual(["d"]);
  });

  it("takes a node alone for entry and sink", () => {
    const graph = pipelineGraph(nodes("a"), []);
    expect([graph.entries, graph.sinks, graph.order]).toEqual([["a"], ["a"], ["a"]]);
  });

  it("leaves out repeated connections and ends that are no node", () => {
    const graph = pipelineGraph(nodes("ab"), edges("ab", "ab", "xb", "ay"));
    expect(graph.successors.get("a")).toEqual(["b"]);
    expect(graph.predecessors.get("b")).toEqual(["a"]);
  });

  it("has no order for nodes of a circle and behind one", () => {
    expect(pipelineGraph(nodes("abcd"), edges("bc", "cb", "cd")).order).toEqual(["a"]);
  });
});

describe("circles", () => {
  const cycles = (ids: string, ...pairs: string[]) =>
    findCycles(pipelineGraph(nodes(ids), edges(...pairs))).map((path) => path.join(""));

  it("are none in a diamond", () => {
    expect(cycles("abcd", "ab", "ac", "bd", "cd", "ad")).toEqual([]);
  });

  it("are all found, with their way", () => {
    expect(cycles("abcdef", "ab", "bc", "ca", "de", "ed", "ef", "ff")).toEqual(["abca", "ded", "ff"]);
  });

  it("are gone without the connections that close them, whatever the graph (seed 11)", () => {
    const random = new SeededRandom(11);
    for (let round = 0; round < 50; round++) {
      const ids = "abcdefgh";
      const pick = () => ids[random.integer(0, 7)] ?? "";
      const connections = edges(...Array.from({ length: random.integer(0, 20) }, () => pick() + pick()));
      const found = findCycles(pipelineGraph(nodes(ids), connections)).map((path) => path.slice(-2).join(""));
      const rest = connections.filter(({ from, to }) => !found.includes(from + to));
      expect(pipelineGraph(nodes(ids), rest).order).toHaveLength(8);
      if (found.length === 0) expect(pipelineGraph(nodes(ids), connections).order).toHaveLength(8);
      else expect(pipelineGraph(nodes(ids), connections).order.length).toBeLessThan(8);
    }
  });
});
