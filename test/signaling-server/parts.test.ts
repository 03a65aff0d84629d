import { describe, expect, it } from "vitest";
import { newSessionKey, originAllowed, sameKey } from "../../src/signaling-server/auth.ts";
import { isoTime } from "../../src/signaling-server/iso-time.ts";
import { RateBucket } from "../../src/signaling-server/limits.ts";
import { checkOptions } from "../../src/signaling-server/server-options.ts";
import { SeededRandom } from "../../src/testing/random.ts";

describe("isoTime", () => {
  it("writes what Date writes, leap years and centuries included", () => {
    const random = new SeededRandom(7);
    const times = [0, 951_782_400_000, 951_868_799_999, 4_107_542_400_000, 1_767_225_600_000.7];
    for (let count = 0; count < 2000; count++) times.push(Math.floor(random.next() * 8e12));
    for (const unixMs of times) expect(isoTime(unixMs)).toBe(new Date(unixMs).toISOString());
  });
});

describe("a rate bucket", () => {
  it("fills with time up to its burst and says when to come again", () => {
    const bucket = new RateBucket({ burst: 10, messagesPerSecond: 5 }, 0);
    expect(bucket.take(10, 0)).toEqual({ allowed: true });
    expect(bucket.take(2, 100)).toEqual({ allowed: false, retryAfterMs: 300, overForMs: 0 });
    expect(bucket.take(2, 400)).toEqual({ allowed: true });
    expect(bucket.take(3, 400)).toEqual({ allowed: false, retryAfterMs: 600, overForMs: 300 });
    expect(bucket.take(10, 1_000_000)).toEqual({ allowed: true });
    expect(bucket.take(1, 1_000_000)).toMatchObject({ overForMs: 0 });
  });
});

describe("session keys", () => {
  it("are 32 hexadecimal digits and compare by value", () => {
    const random = new SeededRandom(1);
    const key = newSessionKey((length) => random.bytes(length));
    expect(key).toMatch(/^[0-9a-f]{32}$/);
    expect(sameKey(key, `${key}`)).toBe(true);
    expect(sameKey(key, `${key.slice(0, -1)}!`)).toBe(false);
    expect(sameKey(key, `!${key.slice(1)}`)).toBe(false);
    expect(sameKey(key, key.slice(1))).toBe(false);
    expect(sameKey(key, undefined)).toBe(false);
  });

  it("have nothing to do with origins, which are all allowed unless listed", () => {
    expect(originAllowed("https://a.example", undefined)).toBe(true);
    expect(originAllowed("https://a.example", [])).toBe(false);
  });
});

describe("server options", () => {
  it("have defaults for all", () => {
    const { address, limits } = checkOptions({});
    expect(address).toEqual({ port: 8080, host: "127.0.0.1", path: undefined });
    expect(limits).toMatchObject({ frameBytes: 1_048_576, burst: 400, peersPerRoom: 32 });
    expect(checkOptions({ limits: { burst: 7 } }).limits).toMatchObject({ burst: 7, messagesPerSecond: 100 });
  });

  it("are refused with all faults at once", () => {
    const wrong = {
      port: 70_000,
      host: "",
      path: "signaling",
      allowedOrigins: ["example.org"],
      limits: { burst: 0, speed: 5 } as object,
    };
    expect(() => checkOptions(wrong)).toThrowError(
      expect.objectContaining({
        code: "INVALID_CONFIG",
        details: {
          issues: ["port", "host", "path", "allowedOrigins", "limits.burst", "limits.speed"].map(
            (path) => expect.objectContaining({ path }) as unknown,
          ),
        },
      }) as Error,
    );
  });
});
