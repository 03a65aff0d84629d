// Written pictures on their way into the browser's sender, as a canvas takes them where there is no generator.
import { afterEach, expect, it } from "vitest";
import { TransportError } from "../../../src/errors/errors.ts";
import { TrackVideo } from "../../../src/platform/browser/track-video.ts";
import { videoTrackGeneratorClass } from "../../../src/platform/browser/web-types.ts";
import type { VideoTrackGeneratorClass } from "../../../src/platform/browser/web-types.ts";
import { movingPicture } from "../../contract/pictures.ts";

const LIMITS = { bitrateKbps: 500, framerateFps: 30 };
const [WIDTH, HEIGHT] = [64, 48];

const connections: RTCPeerConnection[] = [];
const faults: unknown[] = [];
const made: TrackVideo[] = [];

afterEach(() => {
  for (const video of made.splice(0)) video.close();
  for (const connection of connections.splice(0)) connection.close();
  faults.length = 0;
});

/** @param generatorClass undefined: a canvas is used */
function makeTrack(generatorClass: VideoTrackGeneratorClass | undefined): TrackVideo {
  const report = (error: unknown): void => void faults.push(error);
  const video = new TrackVideo(generatorClass, LIMITS, () => undefined, report);
  made.push(video);
  return video;
}

/** A connection to itself that sends, and the element that shows what comes. */
async function sendThrough(video: TrackVideo): Promise<{ sender: RTCRtpSender; element: HTMLVideoElement }> {
  const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
  connections.push(a, b);
  a.onicecandidate = ({ candidate }) => void b.addIceCandidate(candidate ?? undefined);
  b.onicecandidate = ({ candidate }) => void a.addIceCandidate(candidate ?? undefined);
  const element = document.createElement("video");
  element.muted = true;
  b.ontrack = ({ track }) => {
    element.srcObject = new MediaStream([track]);
    void element.play();
  };
  const { sender } = a.addTransceiver("video");
  await video.attach(sender);
  await a.setLocalDescription();
  if (a.localDescription !== null) await b.setRemoteDescription(a.localDescription);
  await b.setLocalDescription();
  if (b.localDescription !== null) await a.setRemoteDescription(b.localDescription);
  await video.applyLimits();
  return { sender, element };
}

async function writeUntil(video: TrackVideo, done: () => boolean): Promise<void> {
  const endMs = performance.now() + 10_000;
  for (let index = 0; !done() && performance.now() < endMs; index++) {
    video.write(movingPicture(WIDTH, HEIGHT, index), (performance.timeOrigin + performance.now()) * 1000);
    await new Promise((resolve) => setTimeout(resolve, 33));
  }
  expect(done()).toBe(true);
}

it.each([
  ["a generator", () => makeTrack(videoTrackGeneratorClass())],
  ["a canvas", () => makeTrack(undefined)],
])("shows on the other side what was written to %s", async (_, makeVideo) => {
  const video = makeVideo();
  const { element } = await sendThrough(video);
  await writeUntil(video, () => element.videoWidth === WIDTH && element.videoHeight === HEIGHT);
  expect(faults).toEqual([]);
});

it("asks the browser for movement, for whole pictures, and for no more than its limits", async () => {
  const video = makeTrack(videoTrackGeneratorClass());
  const { sender } = await sendThrough(video);
  expect(sender.track?.contentHint).toBe("motion");
  const limits = (): unknown[] => {
    const { encodings, degradationPreference } = sender.getParameters() as RTCRtpSendParameters & {
      degradationPreference?: string;
    };
    return [encodings[0]?.maxBitrate, encodings[0]?.maxFramerate, degradationPreference];
  };
  expect(limits()).toEqual([500_000, 30, "maintain-resolution"]);
  await video.setBitrate(200);
  expect(limits()[0]).toBe(200_000);
});

it("sends a track in place of written pictures, and goes back", async () => {
  const video = makeTrack(videoTrackGeneratorClass());
  const { sender } = await sendThrough(video);
  const own = sender.track;
  const [camera] = (await navigator.mediaDevices.getUserMedia({ video: true })).getVideoTracks();
  await video.useTrack(camera);
  expect(sender.track).toBe(camera);
  video.write(movingPicture(WIDTH, HEIGHT, 0), 0);
  await video.useTrack(null);
  expect(sender.track).toBe(own);
  video.close();
  expect([camera?.readyState, own?.readyState]).toEqual(["live", "ended"]);
  camera?.stop();
});

it("refuses tracks that are none of video", async () => {
  const audio = new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0];
  for (const track of [audio, {}, undefined]) {
    const error: unknown = await makeTrack(videoTrackGeneratorClass())
      .useTrack(track)
      .catch((reason: unknown) => reason);
    expect(error instanceof TransportError && error.code).toBe("INVALID_DATA");
  }
});
