import { expect, it } from "vitest";
import { inflateText } from "../../src/runtime/inflate.ts";

it("unpacks gzip in base64, and refuses anything else", async () => {
  const stream = new Blob(["Wörter, 日本, \u0000 and the rest"])
    .stream()
    .pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  expect(await inflateText(btoa(String.fromCharCode(...bytes)))).toBe("Wörter, 日本, \u0000 and the rest");
  await expect(inflateText("not base64!")).rejects.toThrow();
  await expect(inflateText(btoa("no gzip"))).rejects.toThrow();
});
