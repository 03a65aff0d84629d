import { describe, expect, it } from "vitest";
import { camelCase, didYouMean, nearestName, snakeCase } from "../../src/pipeline/names.ts";

describe("the spellings of a name", () => {
  it("turns snake_case into camelCase, and leaves what is camelCase or neither", () => {
    const names = ["gain_db", "gainDb", "a_1_b", "_x", "a__b", "n", "Some_Key"];
    expect(names.map(camelCase)).toEqual(["gainDb", "gainDb", "a1B", "_x", "a_B", "n", "Some_Key"]);
    expect(names.map(camelCase).map(camelCase)).toEqual(names.map(camelCase));
  });

  it("turns camelCase into snake_case", () => {
    expect(["gainDb", "driftMsPerS", "mode"].map(snakeCase)).toEqual(["gain_db", "drift_ms_per_s", "mode"]);
  });
});

describe("the name that was meant", () => {
  const known = ["gainDb", "rampMs", "id", "mode"];

  it("is near by slips of the pen, by spelling, or as a beginning", () => {
    expect(
      ["gainbd", "GAIN_DB", "gian_db", "gain", "rampMsec", "mod"].map((name) => nearestName(name, known)),
    ).toEqual([...["gainDb", "gainDb", "gainDb", "gainDb", "rampMs", "mode"]]);
  });

  it("is none where a word is another one, a letter or endless", () => {
    const names = ["volume", "d", "ix", "", "x".repeat(1e6)];
    expect(names.map((name) => nearestName(name, known))).toEqual(names.map(() => undefined));
  });

  it("is said in the spelling of the wrong one", () => {
    expect(didYouMean("gian_db", known)).toBe("; did you mean gain_db?");
    expect(didYouMean("gianDb", known)).toBe("; did you mean gainDb?");
    expect(didYouMean("volume", known)).toBe("");
  });
});
