import { describe, expect, it } from "vitest";
import { Reception } from "../../../src/rtp/rtcp/reception.ts";

function receive(reception: Reception, sequences: number[], spacingMs = 20): void {
  sequences.forEach((sequence, index) =>
    reception.receive(sequence & 0xffff, sequence * 960, index * spacingMs),
  );
}

describe("reception statistics", () => {
  it("count a clean stream over the wrap of its sequence numbers", () => {
    const reception = new Reception(7, 48_000);
    receive(
      reception,
      Array.from({ length: 100 }, (_, i) => 65_500 + i),
    );
    const report = reception.report(2000);
    expect(reception.expected).toBe(100);
    expect(reception.lost).toBe(0);
    expect(report).toMatchObject({ ssrc: 7, fractionLost: 0, cumulativeLost: 0, jitter: 0 });
    expect(report.extendedHighestSequence).toBe(65_536 + 63);
  });

  it("count loss for the interval and in total", () => {
    const reception = new Reception(7, 48_000);
    receive(
      reception,
      Array.from({ length: 100 }, (_, i) => i).filter((i) => i % 4 !== 1),
    );
    expect(reception.report(0)).toMatchObject({ fractionLost: 64, cumulativeLost: 25 });
    receive(
      reception,
      Array.from({ length: 100 }, (_, i) => 100 + i),
    );
    expect(reception.report(0)).toMatchObject({ fractionLost: 0, cumulativeLost: 25 });
  });

  it("take reordering as no loss, and duplicates as negative loss", () => {
    const reception = new Reception(7, 48_000);
    receive(reception, [1, 3, 2, 4, 4, 4]);
    expect(reception.lost).toBe(-2);
    expect(reception.report(0)).toMatchObject({ fractionLost: 0, cumulativeLost: -2 });
  });

  it("believe a jump only when a second packet continues it", () => {
    const reception = new Reception(7, 48_000);
    receive(reception, [10, 11, 20_000, 12, 13]);
    expect(reception.expected).toBe(4);
    expect(reception.lost).toBe(0);
    receive(reception, [30_000, 30_001, 30_002]);
    expect(reception.expected).toBe(2);
    expect(reception.report(0).extendedHighestSequence).toBe(30_002);
  });

  it("estimate jitter as RFC 3550 A.8 does", () => {
    const reception = new Reception(7, 48_000);
    let expected = 0;
    for (let i = 0; i < 200; i++) {
      // Every other packet comes 5 ms late: differences of 240 ticks.
      reception.receive(i, i * 960, i * 20 + (i % 2) * 5);
      if (i > 0) expected += (240 - expected) / 16;
    }
    expect(reception.report(0).jitter).toBe(Math.floor(expected));
    expect(reception.jitterMs).toBeCloseTo(5, 1);
  });

  it("leave a jump of the media clock out of the jitter", () => {
    const reception = new Reception(7, 48_000);
    reception.receive(1, 0, 0);
    reception.receive(2, 96_000, 20);
    expect(reception.jitterMs).toBe(0);
  });

  it("say when the last sender report came", () => {
    const reception = new Reception(7, 48_000);
    expect(reception.report(500)).toMatchObject({ lastSenderReport: 0, delaySinceLastSenderReport: 0 });
    expect(reception.remote).toBeUndefined();
    const report = { ntp: { seconds: 0x1111abcd, fraction: 0x01234567 }, packetCount: 5, octetCount: 400 };
    reception.receiveSenderReport({ ...report, packetCount: 4 }, 500);
    reception.receiveSenderReport(report, 1000);
    expect(reception.remote).toEqual({ ...report, reports: 2, arrivalMs: 1000 });
    expect(reception.report(1500)).toMatchObject({
      lastSenderReport: 0xabcd0123,
      delaySinceLastSenderReport: 32_768,
    });
  });
});
