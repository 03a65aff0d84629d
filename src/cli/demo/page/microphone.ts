// The microphone: its track for the transport, and a copy of its samples for measuring.
import { CAPTURE_PROCESSOR } from "./capture-messages.ts";

/** An open microphone. */
export interface Microphone {
  readonly track: MediaStreamTrack;
  close(): void;
}

/**
 * Ask for the microphone.
 *
 * @param context running at 48 kHz
 * @param onBlock 20 ms of samples as the encoder gets them too; owned by the callee
 * @throws Error in words for the user when there is none, or it is refused
 */
export async function openMicrophone(
  context: AudioContext,
  onBlock: (samples: Float32Array) => void,
): Promise<Microphone> {
  // Undefined where the page is not secure, whatever the types say.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices === undefined) {
    throw new Error("browsers give the microphone only to pages on https or localhost");
  }
  const stream = await devices.getUserMedia({ audio: { channelCount: 1 } }).catch((error: unknown) => {
    throw new Error(describeRefusal(error));
  });
  const track = stream.getAudioTracks()[0];
  if (track === undefined) throw new Error("the microphone has no audio track");
  await context.audioWorklet.addModule("capture.js");
  const source = context.createMediaStreamSource(stream);
  const tap = new AudioWorkletNode(context, CAPTURE_PROCESSOR, {
    numberOfOutputs: 1,
    channelCount: 1,
    channelCountMode: "explicit",
  });
  tap.port.onmessage = ({ data }: MessageEvent<Float32Array>): void => onBlock(data);
  // Its output is silent; nodes that lead nowhere are not run.
  source.connect(tap).connect(context.destination);
  return {
    track,
    close: () => {
      tap.port.onmessage = null;
      source.disconnect();
      tap.disconnect();
      track.stop();
    },
  };
}

function describeRefusal(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError") return "the microphone was refused";
  if (name === "NotFoundError") return "there is no microphone";
  if (name === "NotReadableError") return "another program holds the microphone";
  return error instanceof Error ? error.message : String(error);
}
