// What nodes of video share: pictures that they can work on, and what they made of them as data. Pure.
import { TransportError } from "../../errors/errors.ts";
import { checkVideoData, pictureOf } from "../../media/video/video-data.ts";
import type { I420Picture } from "../../platform/video-codecs.ts";
import type { VideoData } from "../../runtime/data.ts";

/**
 * Insist on a picture of pixels.
 *
 * @throws TransportError `INVALID_DATA` for encoded ones, and naming the field that is not what its size and format ask for
 */
export function checkRaw(video: VideoData): void {
  checkVideoData(video);
  if (video.format !== "encoded") return;
  throw new TransportError("INVALID_DATA", "video.format must be one of pixels, not encoded", {
    suggestion: "Decode pictures before they come here; those that frames() of a transport gives are.",
  });
}

/**
 * The picture in a data, to be read only: of I420 its planes are views.
 *
 * @throws TransportError as {@link checkRaw}
 */
export function rawPictureOf(video: VideoData): I420Picture {
  checkRaw(video);
  return pictureOf(video);
}

/** A data like another one, but with this picture in I420. */
export function videoWith(video: VideoData, { width, height, planes }: I420Picture): VideoData {
  return { ...video, data: bytesOf(planes), width, height, format: "I420" };
}

/** Planes in one array, one after the other. */
export function bytesOf([y, u, v]: I420Picture["planes"]): Uint8Array {
  const data = new Uint8Array(y.length + u.length + v.length);
  data.set(y);
  data.set(u, y.length);
  data.set(v, y.length + u.length);
  return data;
}
