// What data channels of every platform's peer links must do. Platform-free; part of the contract of peer links.
import { describe, expect, it } from "vitest";
import type { ChannelOptions, PeerLinkOptions } from "../../src/platform/platform.ts";
import { codeOf, connect, pass, RecordedChannel, until } from "./link-pair.ts";
import type { LinkFixture, RecordedLink } from "./link-pair.ts";

/** Those that every link of the contract has. */
export const CHANNELS: ChannelOptions[] = [
  { label: "control", id: 100, ordered: true },
  { label: "sync", id: 101, ordered: false, maxRetransmits: 0 },
  { label: "data", id: 102, ordered: true },
];

/** Largest message every platform takes; the library's own are smaller. */
const LARGE_MESSAGE_BYTES = 64 * 1024;

/** What a test of the contract stands on. */
export interface ChannelsContext {
  /** Of the test that runs. */
  readonly fixture: () => LinkFixture;
  readonly open: (side: "left" | "right", overrides?: Partial<PeerLinkOptions>) => RecordedLink;
  readonly pair: (overrides?: Partial<PeerLinkOptions>) => [RecordedLink, RecordedLink];
}

/** Declare this part of the suite. */
export function describeChannels({ fixture, open, pair }: ChannelsContext): void {
  const connected = async (): Promise<[RecordedLink, RecordedLink]> => {
    const [a, b] = pair();
    await connect(fixture(), a, b);
    return [a, b];
  };

  describe("data channels", () => {
    it("carries binary messages both ways, in order, on every channel", async () => {
      const [a, b] = await connected();
      for (const { label } of CHANNELS) {
        const inboxes = [new RecordedChannel(a.channel(label)), new RecordedChannel(b.channel(label))];
        for (const [index, link] of [a, b].entries()) {
          link.channel(label).send(new Uint8Array([index, 1]));
          link.channel(label).send(new Uint8Array([index, 2]));
        }
        await until(fixture(), `${label} has delivered`, () =>
          inboxes.every((inbox) => inbox.messages.length === 2),
        );
        expect(inboxes[1]?.messages).toEqual([new Uint8Array([0, 1]), new Uint8Array([0, 2])]);
        expect(inboxes[0]?.messages).toEqual([new Uint8Array([1, 1]), new Uint8Array([1, 2])]);
      }
    });

    it("carries messages of 64 KiB and empty ones", async () => {
      const [a, b] = await connected();
      const inbox = new RecordedChannel(b.channel("data"));
      const large = Uint8Array.from({ length: LARGE_MESSAGE_BYTES }, (_, index) => index * 31);
      expect(a.channel("data").maxMessageSize).toBeGreaterThanOrEqual(LARGE_MESSAGE_BYTES);
      a.channel("data").send(large);
      a.channel("data").send(new Uint8Array(0));
      await until(fixture(), "both have come", () => inbox.messages.length === 2);
      expect(inbox.messages).toEqual([large, new Uint8Array(0)]);
    });

    it("sends exactly the viewed bytes, and does not look at them later", async () => {
      const [a, b] = await connected();
      const inbox = new RecordedChannel(b.channel("data"));
      const memory = new Uint8Array([9, 9, 1, 2, 3, 9]);
      a.channel("data").send(memory.subarray(2, 5));
      memory.fill(0);
      await until(fixture(), "it has come", () => inbox.messages.length === 1);
      expect(inbox.messages).toEqual([new Uint8Array([1, 2, 3])]);
    });

    it("refuses messages beyond maxMessageSize and goes on", async () => {
      const [a, b] = await connected();
      const port = a.channel("data");
      // Where the other side sets no limit, there is nothing to refuse.
      if (port.maxMessageSize <= 1024 * 1024) {
        expect(codeOf(() => port.send(new Uint8Array(port.maxMessageSize + 1)))).toBe("DATA_CHANNEL_ERROR");
      }
      const inbox = new RecordedChannel(b.channel("data"));
      port.send(new Uint8Array([7]));
      await until(fixture(), "the next one has come", () => inbox.messages.length === 1);
    });

    it("counts what is buffered, and gets rid of it", async () => {
      const [a, b] = await connected();
      const inbox = new RecordedChannel(b.channel("data"));
      const port = a.channel("data");
      expect(port.bufferedAmount).toBe(0);
      let most = 0;
      for (let count = 0; count < 64; count++) {
        port.send(new Uint8Array(LARGE_MESSAGE_BYTES));
        most = Math.max(most, port.bufferedAmount);
      }
      expect(most).toBeGreaterThan(0);
      await until(fixture(), "all have come", () => inbox.messages.length === 64);
      await until(fixture(), "the buffer is empty", () => port.bufferedAmount === 0);
    });

    it("tells a late listener of the opening and of the messages it has missed", async () => {
      const [a, b] = await connected();
      a.channel("data").send(new Uint8Array([1]));
      a.channel("data").send(new Uint8Array([2]));
      await pass(fixture(), 100);
      const late = new RecordedChannel(b.channel("data"));
      expect(late.messages).toEqual([]);
      await until(fixture(), "the messages are told", () => late.messages.length === 2);
      expect(late.opened).toBe(1);
      expect(late.messages).toEqual([new Uint8Array([1]), new Uint8Array([2])]);
    });

    it("throws DATA_CHANNEL_ERROR on a channel that is not open yet", () => {
      const a = open("left");
      expect(a.channel("data").open).toBe(false);
      expect(codeOf(() => a.channel("data").send(new Uint8Array(1)))).toBe("DATA_CHANNEL_ERROR");
    });

    it("contains a listener that throws, and reports it", async () => {
      const [a, b] = await connected();
      const seen: unknown[] = [];
      b.channel("data").listen({
        open: () => undefined,
        close: () => undefined,
        message: (message) => {
          seen.push(message);
          throw new Error("listener failed");
        },
      });
      a.channel("data").send(new Uint8Array([1]));
      a.channel("data").send(new Uint8Array([2]));
      await until(fixture(), "both messages were delivered", () => seen.length === 2);
      expect(b.faults.length).toBe(2);
    });
  });
}
