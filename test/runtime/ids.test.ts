import { describe, expect, it } from "vitest";
import { isId, uuid4 } from "../../src/runtime/ids.ts";

describe("isId", () => {
  it.each(["a", "A-b_9", "x".repeat(64)])("takes %j", (id) => expect(isId(id)).toBe(true));

  it.each(["", "x".repeat(65), "a b", "a\n", "ä", "a/b", "a.b", 7, null, undefined, {}])("refuses %j", (id) =>
    expect(isId(id)).toBe(false),
  );
});

describe("uuid4", () => {
  it("sets version and variant and keeps the other bits", () => {
    expect(uuid4(new Uint8Array(16))).toBe("00000000-0000-4000-8000-000000000000");
    expect(uuid4(new Uint8Array(16).fill(0xff))).toBe("ffffffff-ffff-4fff-bfff-ffffffffffff");
    expect(isId(`peer-${uuid4(new Uint8Array(16).fill(0x5a))}`)).toBe(true);
  });

  it("leaves the random bytes alone", () => {
    const random = new Uint8Array(16).fill(0xff);
    uuid4(random);
    expect(random).toEqual(new Uint8Array(16).fill(0xff));
  });
});
