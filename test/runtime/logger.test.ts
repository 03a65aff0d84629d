import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/runtime/data.ts";
import { consoleLogger, ScopedLogger } from "../../src/runtime/logger.ts";
import type { Logger, LogLevel } from "../../src/runtime/logger.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;

function recorder() {
  const lines: [string, string, JsonObject][] = [];
  const record = (level: string) => (message: string, fields: JsonObject) =>
    void lines.push([level, message, fields]);
  const logger: Logger = {
    debug: record("debug"),
    info: record("info"),
    warn: record("warn"),
    error: record("error"),
  };
  return { lines, logger };
}

describe("ScopedLogger", () => {
  it.each<[LogLevel, number]>([
    ["debug", 4],
    ["info", 3],
    ["warn", 2],
    ["error", 1],
    ["silent", 0],
  ])("at level %s writes %i of the four levels", (level, count) => {
    const { lines, logger } = recorder();
    const scoped = new ScopedLogger(logger, level, {});
    for (const name of LEVELS) scoped[name]("message");
    expect(lines.map(([name]) => name)).toEqual(LEVELS.slice(4 - count));
  });

  it("adds its fields to every line; later ones win", () => {
    const { lines, logger } = recorder();
    const scoped = new ScopedLogger(logger, "debug", { peerId: "alice", room: "a" });
    scoped.with({ remotePeerId: "bob", room: "b" }).info("connected", { ms: 5 });
    scoped.info("idle");
    expect(lines).toEqual([
      ["info", "connected", { peerId: "alice", room: "b", remotePeerId: "bob", ms: 5 }],
      ["info", "idle", { peerId: "alice", room: "a" }],
    ]);
  });

  it("contains a target that throws", () => {
    const { logger } = recorder();
    const broken = {
      ...logger,
      error: () => {
        throw new Error("disk full");
      },
    };
    expect(() => new ScopedLogger(broken, "debug", {}).error("message")).not.toThrow();
  });
});

describe("consoleLogger", () => {
  it("writes one line of text with the fields as JSON", () => {
    const lines: unknown[][] = [];
    const write = (...values: unknown[]): void => void lines.push(values);
    const logger = consoleLogger({ debug: write, info: write, warn: write, error: write });
    for (const level of LEVELS) logger[level]("message", { peerId: "alice" });
    expect(lines).toEqual(LEVELS.map((level) => [`[remotemedia] ${level} message {"peerId":"alice"}`]));
  });
});
