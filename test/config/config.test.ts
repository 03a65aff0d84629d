import { describe, expect, it } from "vitest";
import { changeConfig, resolveConfig, validateConfig } from "../../src/config/config.ts";
import type { WebRtcTransportOptions } from "../../src/config/config.ts";
import { highQualityPreset, lowLatencyPreset, mobileNetworkPreset } from "../../src/config/presets.ts";
import { TransportError } from "../../src/errors/errors.ts";

function issuesOf(options: unknown): string[] {
  try {
    validateConfig(resolveConfig(options as WebRtcTransportOptions));
  } catch (error) {
    if (!(error instanceof TransportError) || error.code !== "INVALID_CONFIG") throw error;
    const issues = error.details?.issues as { path: string; message: string; value: string }[];
    for (const issue of issues) expect(issue.message.length, issue.path).toBeGreaterThan(5);
    return issues.map(({ path }) => path);
  }
  return [];
}

const turn = { urls: "turn:relay.example", username: "u", credential: "s3cret" };

describe("defaults", () => {
  it("are valid and complete", () => {
    const config = resolveConfig();
    expect(validateConfig(config)).toEqual({ warnings: [] });
    expect(config).toMatchObject({
      signalingUrl: "ws://localhost:8080",
      autoConnect: false,
      networkMode: "internet",
      stunServers: ["stun:stun.l.google.com:19302"],
      maxPeers: 10,
      maxSessions: 10,
      jitterBufferSizeMs: 50,
      maxJitterBufferMs: 200,
      rtcpIntervalMs: 5000,
      iceTimeoutSecs: 30,
      mediaEngine: "auto",
      audio: {
        enabled: true,
        sampleRate: 48000,
        channels: 1,
        bitrateKbps: 64,
        frameMs: 20,
        fec: true,
        dtx: false,
      },
      adaptiveBitrate: true,
      video: {
        enabled: false,
        codecs: ["VP9", "H264", "VP8"],
        resolution: "720p",
        framerateFps: 30,
        bitrateKbps: 2000,
        minBitrateKbps: 150,
        keyframeInterval: 60,
      },
    });
  });

  it("connect to everybody only when a room is named", () => {
    expect(resolveConfig({ room: "r" }).autoConnect).toBe(true);
    expect(resolveConfig({ room: "r", autoConnect: false }).autoConnect).toBe(false);
  });

  it("use no server in a LAN and keep what undefined does not override", () => {
    const config = resolveConfig({ networkMode: "lan", maxPeers: undefined, audio: { fec: undefined } });
    expect(config.stunServers).toEqual([]);
    expect(config.maxPeers).toBe(10);
    expect(config.audio.fec).toBe(true);
    expect(issuesOf({ networkMode: "lan" })).toEqual([]);
  });
});

describe("validation", () => {
  it("lists all faults at once, each with its path", () => {
    const paths = issuesOf({
      signalingUrl: "http://x",
      peerId: "not an id",
      maxPeers: 11,
      jitterBufferSizeMs: 49,
      audio: { bitrateKbps: 15, channels: 3, frameMs: 25 },
      rtcpIntervalMs: 999,
      iceTimeoutSecs: 4,
    });
    expect(paths.sort()).toEqual(
      [
        "audio.bitrateKbps",
        "audio.channels",
        "audio.frameMs",
        "iceTimeoutSecs",
        "jitterBufferSizeMs",
        "maxPeers",
        "peerId",
        "rtcpIntervalMs",
        "signalingUrl",
      ].sort(),
    );
  });

  const bad: [string, unknown][] = [
    ["signalingUrl", { signalingUrl: "ws://user:pw@host" }],
    ["signalingUrl", { signalingUrl: "ws://host/#x" }],
    ["signalingUrl", { signalingUrl: "not a url" }],
    ["signaling", { signaling: {} }],
    ["room", { room: "" }],
    ["autoConnect", { autoConnect: "yes" }],
    ["authToken", { authToken: "" }],
    ["userData", { userData: "x".repeat(1100) }],
    ["userData", { userData: 1n }],
    ["allowPeers.0", { allowPeers: ["a b"] }],
    ["denyPeers", { denyPeers: "bob" }],
    ["authorizeControl", { authorizeControl: true }],
    ["maxSessions", { maxSessions: 0 }],
    ["maxSessions", { maxSessions: 65 }],
    ["networkMode", { networkMode: "wan" }],
    ["stunServers", { stunServers: [] }],
    ["stunServers.0", { stunServers: ["http://x"] }],
    ["stunServers", { networkMode: "lan", stunServers: ["stun:x"] }],
    ["turnServers", { networkMode: "lan", turnServers: [turn] }],
    ["turnServers", { networkMode: "relay" }],
    ["turnServers", { turnServers: [{ ...turn, credential: "" }] }],
    ["turnServers", { turnServers: [{ ...turn, urls: "stun:x" }] }],
    ["bindAddress", { bindAddress: "" }],
    ["audio.sampleRate", { audio: { sampleRate: 44100 } }],
    ["audio.complexity", { audio: { complexity: 1.5 } }],
    ["audio.application", { audio: { application: "music" } }],
    ["audio.loud", { audio: { loud: true } }],
    ["video.enabled", { video: { enabled: 1 } }],
    ["video.codecs", { video: { codecs: [] } }],
    ["video.codecs", { video: { codecs: ["VP8", "VP8"] } }],
    ["video.codecs.0", { video: { codecs: ["AV1"] } }],
    ["video.resolution", { video: { resolution: "4k" } }],
    ["video.resolution", { video: { resolution: { width: 1281, height: 720 } } }],
    ["video.resolution", { video: { resolution: { width: 1280, height: 500 } } }],
    ["video.resolution", { video: { resolution: { width: 4000, height: 3000 } } }],
    ["video.resolution", { video: { resolution: { width: 160 } } }],
    ["video.framerateFps", { video: { framerateFps: 9 } }],
    ["video.framerateFps", { video: { framerateFps: 61 } }],
    ["video.bitrateKbps", { video: { bitrateKbps: 15 } }],
    ["video.bitrateKbps", { video: { bitrateKbps: 50_001 } }],
    ["video.minBitrateKbps", { video: { minBitrateKbps: 15 } }],
    ["video.minBitrateKbps", { video: { bitrateKbps: 300, minBitrateKbps: 301 } }],
    ["video.keyframeInterval", { video: { keyframeInterval: 0 } }],
    ["video.keyframeInterval", { video: { keyframeInterval: 601 } }],
    ["video.size", { video: { size: 1 } }],
    ["adaptiveBitrate", { adaptiveBitrate: "no" }],
    ["enableDataChannel", { enableDataChannel: false, video: { enabled: true } }],
    ["enableDataChannel", { enableDataChannel: false, audio: { enabled: false } }],
    ["dataChannelMode", { dataChannelMode: "fast" }],
    ["mediaEngine", { mediaEngine: "thread" }],
    ["maxJitterBufferMs", { jitterBufferSizeMs: 150, maxJitterBufferMs: 100 }],
    ["jitterRelease", { jitterRelease: "random" }],
    ["logger", { logger: { debug() {} } }],
    ["logLevel", { logLevel: "loud" }],
    ["assets.workerUrl", { assets: { workerUrl: "" } }],
    ["nonsense", { nonsense: 1 }],
  ];
  it.each(bad)("names %s in %o", (path, options) => {
    expect(issuesOf(options).map((found) => (path.includes(".") ? found : found.split(".")[0]))).toContain(
      path,
    );
  });

  it("accepts sizes of pictures by name and in pixels", () => {
    for (const resolution of [
      "240p",
      "1080p",
      { width: 640, height: 480 },
      { width: 854, height: 480 },
    ] as const) {
      expect(issuesOf({ video: { resolution } })).toEqual([]);
    }
  });

  it("lets a little video be asked for without saying what is least", () => {
    const { video } = resolveConfig({ video: { bitrateKbps: 100 } });
    expect([video.bitrateKbps, video.minBitrateKbps]).toEqual([100, 100]);
    expect(issuesOf({ video: { bitrateKbps: 100 } })).toEqual([]);
  });

  it("never repeats a credential", () => {
    try {
      validateConfig(resolveConfig({ networkMode: "lan", turnServers: [turn] }));
      expect.unreachable();
    } catch (error) {
      expect(JSON.stringify(error)).not.toContain("s3cret");
    }
  });

  it("accepts providers and functions", () => {
    expect(issuesOf({ networkMode: "relay", turnServers: () => [turn], authToken: () => "token" })).toEqual(
      [],
    );
    expect(issuesOf({ authorizeControl: () => true, maxSessions: 64 })).toEqual([]);
  });

  it("warns of an open socket to elsewhere and of FEC that cannot work", () => {
    const { warnings } = validateConfig(
      resolveConfig({ signalingUrl: "ws://example.org", audio: { application: "lowdelay" } }),
    );
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain("signalingUrl");
    expect(warnings[1]).toContain("audio.fec");
  });
});

describe("options at run time", () => {
  it("are checked all together and change nothing when one is wrong", () => {
    const config = resolveConfig();
    const before = structuredClone(config);
    expect(() =>
      changeConfig(config, { audioBitrateKbps: 5, iceTimeoutSecs: 500, rtcpIntervalMs: 2000 }),
    ).toThrow(/audioBitrateKbps.*iceTimeoutSecs/);
    expect(() => changeConfig(config, { maxPeers: 3 } as object)).toThrow(/maxPeers: unknown option/);
    expect(config).toEqual(before);
  });

  it("take their place", () => {
    const config = resolveConfig();
    const changes = {
      audioBitrateKbps: 32,
      jitterBufferSizeMs: 200,
      rtcpIntervalMs: 1000,
      iceTimeoutSecs: 5,
    };
    changeConfig(config, changes);
    const { audioBitrateKbps: bitrateKbps, ...rest } = changes;
    expect(config).toMatchObject({ audio: { bitrateKbps }, ...rest });
  });

  it("take their place in video", () => {
    const config = resolveConfig();
    changeConfig(config, {
      targetBitrateKbps: 500,
      videoFramerateFps: 12,
      maxVideoResolution: { width: 640, height: 360 },
      adaptiveBitrateEnabled: false,
    });
    expect(config.video).toMatchObject({
      bitrateKbps: 500,
      framerateFps: 12,
      resolution: { width: 640, height: 360 },
    });
    expect(config.adaptiveBitrate).toBe(false);
    const before = structuredClone(config);
    const wrong = {
      targetBitrateKbps: 1,
      videoFramerateFps: 70,
      maxVideoResolution: "huge" as never,
      adaptiveBitrateEnabled: 1 as never,
    };
    for (const [name, value] of Object.entries(wrong)) {
      expect(() => changeConfig(config, { audioBitrateKbps: 32, [name]: value })).toThrow(name);
    }
    expect(() => changeConfig(config, { targetBitrateKbps: 149, audioBitrateKbps: 32 })).toThrow(/150/);
    expect(config).toEqual(before);
  });

  it("cannot exceed what the buffers were made for", () => {
    const config = resolveConfig({ maxJitterBufferMs: 100 });
    expect(() => changeConfig(config, { audioBitrateKbps: 32, jitterBufferSizeMs: 120 })).toThrow(
      /maxJitterBufferMs/,
    );
    expect(config.audio.bitrateKbps).toBe(64);
  });
});

describe("presets", () => {
  it("are valid, differ, and yield to overrides", () => {
    for (const preset of [lowLatencyPreset, highQualityPreset, mobileNetworkPreset]) {
      expect(issuesOf(preset())).toEqual([]);
      expect(issuesOf(preset({ networkMode: "lan" }))).toEqual([]);
      expect(preset({ maxPeers: 2 }).maxPeers).toBe(2);
    }
    expect(lowLatencyPreset()).toMatchObject({ jitterRelease: "inOrder", dataChannelMode: "unreliable" });
    expect(mobileNetworkPreset()).toMatchObject({
      jitterBufferSizeMs: 150,
      maxJitterBufferMs: 300,
      maxPeers: 5,
    });
  });

  it("choose codec, rate, size and frame rate of video, and yield to overrides one by one", () => {
    const videoOf = (options: WebRtcTransportOptions) => {
      const { codecs, bitrateKbps, resolution, framerateFps } = resolveConfig(options).video;
      return [codecs[0], bitrateKbps, resolution, framerateFps];
    };
    expect(videoOf(lowLatencyPreset())).toEqual(["VP8", 1500, "720p", 30]);
    expect(videoOf(highQualityPreset())).toEqual(["VP9", 4000, "1080p", 30]);
    expect(videoOf(mobileNetworkPreset())).toEqual(["VP8", 800, "480p", 24]);
    const video = { bitrateKbps: 900 };
    expect(videoOf(mobileNetworkPreset({ video }))).toEqual(["VP8", 900, "480p", 24]);
  });
});
