import { describe, expect, it } from "vitest";
import {
  compactNtp,
  isZeroNtp,
  ntpFromBigInt,
  ntpToBigInt,
  ntpToUs,
  ntpToUnixUs,
  unixUsToNtp,
} from "../../src/rtp/ntp.ts";
import { SeededRandom } from "../../src/testing/random.ts";

describe("NTP timestamps", () => {
  it("begin 2208988800 seconds before Unix time", () => {
    expect(unixUsToNtp(0)).toEqual({ seconds: 2_208_988_800, fraction: 0 });
    expect(ntpToUnixUs({ seconds: 2_208_988_801, fraction: 2 ** 31 })).toBe(1_500_000);
  });

  it("return the same microsecond after there and back", () => {
    const seed = 7;
    const random = new SeededRandom(seed);
    for (let round = 0; round < 2000; round++) {
      const us = Math.floor(random.next() * 4_000_000_000_000_000);
      expect(ntpToUnixUs(unixUsToNtp(us)), `seed ${seed}, round ${round}`).toBe(us);
    }
  });

  it("as 64 bits are exact to the microsecond from 1970 to 2100", () => {
    const latest = Date.UTC(2100, 0, 1) * 1000;
    for (const seed of [11, 12, 13]) {
      const random = new SeededRandom(seed);
      for (let round = 0; round < 3000; round++) {
        const us = Math.floor(random.next() * latest) + random.integer(0, 999_999);
        const ntp = unixUsToNtp(us);
        // By the definition, in integers of any size.
        const era = ntp.seconds < 2 ** 31 ? 1n << 32n : 0n;
        const exact =
          (BigInt(ntp.seconds) + era - 2_208_988_800n) * 1_000_000n +
          ((BigInt(ntp.fraction) * 1_000_000n) >> 32n);
        const found = ntpToUs(ntpToBigInt(ntp));
        if (found !== us || BigInt(found) !== exact)
          expect.fail(`seed ${seed}, round ${round}: ${us} became ${found}`);
      }
    }
    expect(() => ntpToUs(0n)).toThrow(expect.objectContaining({ code: "INVALID_TIMESTAMP" }));
  });

  it("go on in the era after 7 February 2036", () => {
    const us = Date.UTC(2036, 1, 7, 6, 28, 17) * 1000;
    expect(unixUsToNtp(us)).toEqual({ seconds: 1, fraction: 0 });
    expect(ntpToUnixUs({ seconds: 1, fraction: 0 })).toBe(us);
  });

  it("refuse zero and times outside two eras", () => {
    expect(isZeroNtp({ seconds: 0, fraction: 0 })).toBe(true);
    expect(isZeroNtp({ seconds: 0, fraction: 1 })).toBe(false);
    const code = { code: "INVALID_TIMESTAMP" };
    expect(() => ntpToUnixUs({ seconds: 0, fraction: 0 })).toThrow(expect.objectContaining(code));
    expect(() => unixUsToNtp(-100_000_000_000_000)).toThrow(expect.objectContaining(code));
    expect(() => unixUsToNtp(NaN)).toThrow(expect.objectContaining(code));
  });

  it("fit one bigint, and their middle 32 bits one number", () => {
    const ntp = { seconds: 0xf1234567, fraction: 0x89abcdef };
    expect(ntpToBigInt(ntp)).toBe(0xf123456789abcdefn);
    expect(ntpFromBigInt(0xf123456789abcdefn)).toEqual(ntp);
    expect(compactNtp(ntp)).toBe(0x456789ab);
  });
});
