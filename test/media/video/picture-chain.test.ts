import { describe, expect, it } from "vitest";
import { PictureChain } from "../../../src/media/video/picture-chain.ts";

describe("the chain of pictures", () => {
  it("is whole while all come out in order", () => {
    const chain = new PictureChain();
    for (const timestamp of [0xfffff000, 0x0, 0x1000]) chain.enter(timestamp);
    expect([0xfffff000, 0x0, 0x1000].map((timestamp) => chain.leave(timestamp))).toEqual([true, true, true]);
  });

  it("is whole where one came behind its successors, yet in time", () => {
    const chain = new PictureChain();
    for (const timestamp of [0xfffff000, 0x1000, 0x2000, 0x0]) chain.enter(timestamp);
    const left = [0xfffff000, 0x0, 0x1000, 0x2000].map((timestamp) => chain.leave(timestamp));
    expect(left).toEqual([true, true, true, true]);
  });

  it("is broken where one came when its successors had left", () => {
    const chain = new PictureChain();
    for (const timestamp of [1, 3]) chain.enter(timestamp);
    expect([1, 3].map((timestamp) => chain.leave(timestamp))).toEqual([true, true]);
    for (const timestamp of [2, 4]) chain.enter(timestamp);
    expect(chain.leave(4)).toBe(false);
  });

  it("is broken once where one is missing", () => {
    const chain = new PictureChain();
    for (const timestamp of [1, 2, 3, 4]) chain.enter(timestamp);
    expect([1, 3, 4].map((timestamp) => chain.leave(timestamp))).toEqual([true, false, true]);
  });

  it("is broken by a picture that never went in, and changes nothing for the others", () => {
    const chain = new PictureChain();
    chain.enter(1);
    expect([9, 1].map((timestamp) => chain.leave(timestamp))).toEqual([false, true]);
  });

  it("is broken where it held too many, and whole again after that", () => {
    const chain = new PictureChain();
    for (let timestamp = 0; timestamp < 1000; timestamp++) chain.enter(timestamp);
    expect([998, 999].map((timestamp) => chain.leave(timestamp))).toEqual([false, true]);
    for (let timestamp = 1000; timestamp < 2000; timestamp++) chain.enter(timestamp);
    expect([2000 - 128, 1999 - 126].map((timestamp) => chain.leave(timestamp))).toEqual([false, true]);
  });
});
