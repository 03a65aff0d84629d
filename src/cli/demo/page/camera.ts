// The camera: its pictures as pixels of the size that is sent, each with its code over the top, so that what comes of them
// can be measured as of any other.
import { i420ToRgba } from "../video/i420-to-rgba.ts";
import { CODE_HEIGHT, drawPictureCode } from "../video/picture-code.ts";
import type { PictureCode } from "../video/picture-code.ts";
import { blankPicture } from "../video/picture.ts";
import type { PictureSize } from "../video/video-plan.ts";

/** An open camera. */
export interface Camera {
  /** What it sees now, and a code in it; R, G, B, A. */
  grab(code: PictureCode): Uint8ClampedArray<ArrayBuffer>;
  close(): void;
}

/**
 * Ask for the camera.
 *
 * @param size of the pictures that it gives; what does not fit is cut off on both sides
 * @throws Error in words for the user when there is none, or it is refused
 */
export async function openCamera(size: PictureSize): Promise<Camera> {
  // Undefined where the page is not secure, whatever the types say.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices === undefined) throw new Error("browsers give the camera only to pages on https or localhost");
  const { width, height } = size;
  const video = { width: { ideal: width }, height: { ideal: height } };
  const stream = await devices.getUserMedia({ video }).catch((error: unknown) => {
    throw new Error(describeRefusal(error));
  });
  const element = document.createElement("video");
  element.muted = true;
  element.srcObject = stream;
  await element.play();
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) throw new Error("the browser draws no pictures");
  return {
    grab: (code) => {
      const { videoWidth, videoHeight } = element;
      const scale = Math.max(width / Math.max(1, videoWidth), height / Math.max(1, videoHeight));
      const [shownWidth, shownHeight] = [videoWidth * scale, videoHeight * scale];
      const [x, y] = [(width - shownWidth) / 2, (height - shownHeight) / 2];
      context.drawImage(element, x, y, shownWidth, shownHeight);
      const { data } = context.getImageData(0, 0, width, height);
      data.set(stripOf(code, size));
      return data;
    },
    close: () => {
      for (const track of stream.getTracks()) track.stop();
      element.srcObject = null;
    },
  };
}

/** The pixels of a picture's top rows that hold the code. */
function stripOf(code: PictureCode, { width, height }: PictureSize): Uint8ClampedArray {
  const picture = blankPicture(width, height);
  drawPictureCode(picture, code);
  const rgba = new Uint8ClampedArray(4 * width * height);
  i420ToRgba(picture, rgba);
  return rgba.subarray(0, 4 * width * Math.round(CODE_HEIGHT * height));
}

function describeRefusal(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError") return "the camera was refused";
  if (name === "NotFoundError") return "there is no camera";
  if (name === "NotReadableError") return "another program holds the camera";
  return error instanceof Error ? error.message : String(error);
}
