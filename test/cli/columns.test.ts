import { expect, it } from "vitest";
import { alignCells } from "../../src/cli/columns.ts";

it("lines up columns, text to the left and numbers to the right", () => {
  const lines = [
    ["name", "n"],
    ["a", "1000"],
    ["longer", "7"],
  ];
  expect(alignCells(lines, 1)).toEqual([
    ["name  ", "   n"],
    ["a     ", "1000"],
    ["longer", "   7"],
  ]);
  expect(alignCells([], 1)).toEqual([]);
});
