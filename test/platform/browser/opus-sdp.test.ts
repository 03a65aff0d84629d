import { describe, expect, it } from "vitest";
import { audioOffer, steeringEncoder, withWishes } from "../../../src/platform/browser/opus-sdp.ts";

const description = (...lines: string[]): string =>
  ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", ...lines].map((line) => `${line}\r\n`).join("");

const AUDIO = [
  "m=audio 9 UDP/TLS/RTP/SAVPF 111 9",
  "a=mid:0",
  "a=sendrecv",
  "a=rtpmap:111 opus/48000/2",
  "a=fmtp:111 minptime=10;useinbandfec=1",
  "a=rtpmap:9 G722/8000",
];
const DATA = ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:1"];

const withLine = (index: number, text: string): string[] =>
  AUDIO.map((line, at) => (at === index ? text : line));

const fmtpOf = (sdp: string): string | undefined => /^a=fmtp:111 (.*)\r$/m.exec(sdp)?.[1];

describe("audioOffer", () => {
  it("tells Opus, refusal, other codecs and no audio apart", () => {
    expect(audioOffer(description(...DATA, ...AUDIO))).toBe("opus");
    expect(audioOffer(description("m=audio 0 UDP/TLS/RTP/SAVPF 111", ...AUDIO.slice(1)))).toBe("refused");
    expect(audioOffer(description(...withLine(2, "a=inactive")))).toBe("refused");
    expect(audioOffer(description("m=audio 9 UDP/TLS/RTP/SAVPF 9", "a=rtpmap:9 G722/8000"))).toBe("other");
    expect(audioOffer(description(...DATA))).toBe("none");
    expect(audioOffer("rubbish")).toBe("none");
  });

  it("does not take Opus of a video section for audio", () => {
    const odd = description(
      "m=audio 9 X 9",
      "a=rtpmap:9 G722/8000",
      "m=video 9 X 111",
      "a=rtpmap:111 opus/48000/2",
    );
    expect(audioOffer(odd)).toBe("other");
  });

  it("knows Opus in any case, and descriptions with bare line feeds", () => {
    expect(
      audioOffer(
        description(...AUDIO)
          .replaceAll("opus", "OPUS")
          .replaceAll("\r", ""),
      ),
    ).toBe("opus");
  });
});

describe("withWishes", () => {
  it("sets what is wished and leaves out what is not, keeping the other parameters", () => {
    const sdp = description(...AUDIO, ...DATA);
    expect(fmtpOf(withWishes(sdp, { channels: 2, fec: true, dtx: true }))).toBe(
      "minptime=10;useinbandfec=1;usedtx=1;stereo=1;sprop-stereo=1",
    );
    expect(fmtpOf(withWishes(sdp, { channels: 1, fec: false, dtx: false }))).toBe("minptime=10");
  });

  it("adds a parameter line where there is none, and takes an empty one away", () => {
    const bare = description(...AUDIO.filter((line) => !line.startsWith("a=fmtp")));
    expect(fmtpOf(withWishes(bare, { channels: 1, fec: true, dtx: false }))).toBe("useinbandfec=1");
    const only = description(...withLine(4, "a=fmtp:111 useinbandfec=1"));
    expect(withWishes(only, { channels: 1, fec: false, dtx: false })).not.toContain("a=fmtp");
  });

  it("changes nothing but the line of Opus", () => {
    const sdp = description(...AUDIO, "a=fmtp:9 odd", ...DATA, "a=fmtp:111 not-ours");
    const changed = withWishes(sdp, { channels: 2, fec: true, dtx: true }).split("\r\n");
    const before = sdp.split("\r\n");
    expect(changed.filter((line, index) => line !== before[index])).toEqual([
      "a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1;stereo=1;sprop-stereo=1",
    ]);
  });
});

describe("steeringEncoder", () => {
  const theirs = (fmtp: string): string => description(...withLine(4, `a=fmtp:111 ${fmtp}`));

  it("writes FEC only when both sides want it", () => {
    const own = { channels: 1, dtx: false } as const;
    expect(fmtpOf(steeringEncoder(theirs("useinbandfec=1"), { ...own, fec: true }))).toBe("useinbandfec=1");
    expect(fmtpOf(steeringEncoder(theirs("a=b;useinbandfec=1"), { ...own, fec: false }))).toBe("a=b");
    expect(fmtpOf(steeringEncoder(theirs("a=b"), { ...own, fec: true }))).toBe("a=b");
  });

  it("uses DTX when either side wants it, and leaves stereo to the receiver", () => {
    const own = { channels: 2, fec: true } as const;
    expect(fmtpOf(steeringEncoder(theirs("a=b"), { ...own, dtx: true }))).toBe("a=b;usedtx=1");
    expect(fmtpOf(steeringEncoder(theirs("usedtx=1"), { ...own, dtx: false }))).toBe("usedtx=1");
    expect(fmtpOf(steeringEncoder(theirs("flag;x=1=2"), { ...own, dtx: false }))).toBe("flag;x=1=2");
  });
});
