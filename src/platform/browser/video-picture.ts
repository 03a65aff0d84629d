// Pictures of ours and the browser's VideoFrame, both ways. Decoders give what suits them: I420 in Chromium, BGRX in
// Firefox, NV12 from hardware.
import { TransportError } from "../../errors/errors.ts";
import type { I420Picture } from "../video-codecs.ts";

/** Turns pixels of other formats into I420; src/wasm/pixels.ts does. Loaded only where a browser gives no I420. */
export interface PixelConversion {
  /** Pixels have rows without gaps and are exactly as many as the size says. */
  readonly toI420: (
    pixels: Uint8Array,
    format: "BGRX" | "RGBA" | "NV12",
    width: number,
    height: number,
  ) => I420Picture;
}

/** BT.601, limited range: what WebRTC means where a stream says nothing. */
const COLOR_SPACE: VideoColorSpaceInit = {
  primaries: "smpte170m",
  transfer: "smpte170m",
  matrix: "smpte170m",
  fullRange: false,
};
/** Names that WebCodecs has for what is the same to us; the alpha of decoded pictures means nothing. */
const CONVERTIBLE: Readonly<Record<string, "BGRX" | "RGBA" | "NV12">> = {
  BGRX: "BGRX",
  BGRA: "BGRX",
  RGBX: "RGBA",
  RGBA: "RGBA",
  NV12: "NV12",
};

/** Ticks of the 90 kHz clock as the microseconds of WebCodecs, and back without loss: those are the finer ones. */
export function ticksToUs(ticks: number): number {
  return Math.round((ticks * 100) / 9);
}

/** See {@link ticksToUs}. */
export function usToTicks(us: number): number {
  return Math.round((us * 9) / 100);
}

/** Half a side, rounded up: columns or rows of U and V. */
function chroma(side: number): number {
  return (side + 1) >> 1;
}

/** Views of the three planes at the start of `memory`. */
function planesOf(memory: ArrayBuffer, width: number, height: number): I420Picture["planes"] {
  const luma = width * height;
  const part = chroma(width) * chroma(height);
  return [
    new Uint8Array(memory, 0, luma),
    new Uint8Array(memory, luma, part),
    new Uint8Array(memory, luma + part, part),
  ];
}

/** Whether the planes are as long as the size says. */
export function isI420({ width, height, planes }: I420Picture): boolean {
  const part = chroma(width) * chroma(height);
  return planes[0].length === width * height && planes[1].length === part && planes[2].length === part;
}

/**
 * A copy of a picture for an encoder.
 * @param width of what is encoded: from the left, at most that of the picture; `height` likewise from the top
 * @param position ticks of the 90 kHz clock
 */
export function makeFrame(picture: I420Picture, width: number, height: number, position: number): VideoFrame {
  const { width: codedWidth, height: codedHeight } = picture;
  const half = chroma(codedWidth);
  const luma = codedWidth * codedHeight;
  const part = half * chroma(codedHeight);
  const memory = new ArrayBuffer(luma + 2 * part);
  planesOf(memory, codedWidth, codedHeight).forEach((plane, i) => plane.set(picture.planes[i] as Uint8Array));
  return new VideoFrame(memory, {
    format: "I420",
    codedWidth,
    codedHeight,
    visibleRect: { x: 0, y: 0, width, height },
    layout: [
      { offset: 0, stride: codedWidth },
      { offset: luma, stride: half },
      { offset: luma + part, stride: half },
    ],
    timestamp: ticksToUs(position),
    colorSpace: COLOR_SPACE,
    transfer: [memory],
  } as VideoFrameBufferInit);
}

/**
 * What is visible of a frame, as I420 in fresh memory. The frame is still the caller's.
 * @throws TransportError `NOT_SUPPORTED` (as rejection) for a format that neither the browser nor we can convert
 */
export async function readFrame(
  frame: VideoFrame,
  loadConversion: () => Promise<PixelConversion>,
): Promise<I420Picture> {
  const { format, visibleRect } = frame;
  // Coded sizes are rounded up to blocks, 704x360 for 640x360.
  const { width, height } = visibleRect as DOMRectReadOnly;
  const half = chroma(width);
  const luma = width * height;
  const part = half * chroma(height);
  if (format === "I420" || format === "I420A") {
    const alpha = format === "I420A" ? luma : 0;
    const memory = new ArrayBuffer(luma + 2 * part + alpha);
    const layout = [
      { offset: 0, stride: width },
      { offset: luma, stride: half },
      { offset: luma + part, stride: half },
    ];
    if (alpha > 0) layout.push({ offset: luma + 2 * part, stride: width });
    await frame.copyTo(memory, { layout });
    return { width, height, planes: planesOf(memory, width, height) };
  }
  const source = CONVERTIBLE[format ?? ""];
  const pixels = new Uint8Array(source === "NV12" ? luma + 2 * part : 4 * luma);
  if (source === "NV12") {
    await frame.copyTo(pixels, {
      layout: [
        { offset: 0, stride: width },
        { offset: luma, stride: 2 * half },
      ],
    });
  } else {
    await copyPacked(frame, pixels, width, source === undefined);
  }
  const { toI420 } = await loadConversion();
  return toI420(pixels, source ?? "RGBA", width, height);
}

async function copyPacked(
  frame: VideoFrame,
  pixels: Uint8Array<ArrayBuffer>,
  width: number,
  asRgba: boolean,
): Promise<void> {
  const layout = [{ offset: 0, stride: 4 * width }];
  try {
    await frame.copyTo(pixels, asRgba ? { layout, format: "RGBA" } : { layout });
  } catch (error) {
    throw new TransportError("NOT_SUPPORTED", `pixels of format ${String(frame.format)} cannot be read`, {
      cause: error,
    });
  }
}
