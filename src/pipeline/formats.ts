// Whether data has the format that a node insists on. Pure.
import type { AudioData, RuntimeData } from "../runtime/data.ts";
import type { NodeFormats } from "./node.ts";

/** What data is, and what was expected; undefined when it fits, as all kinds do that nothing is asked of. */
export function misfitOf(needs: NodeFormats, data: RuntimeData): string | undefined {
  if (data.type === "audio") return audioMisfit(needs.audio, data);
  if (data.type !== "video" || needs.video?.format === undefined) return undefined;
  const { format } = needs.video;
  return data.format === format ? undefined : `a picture in ${data.format}, where ${format} is expected`;
}

function audioMisfit(needs: NodeFormats["audio"], { sampleRate, channels }: AudioData): string | undefined {
  const rate = needs?.sampleRate ?? sampleRate;
  const count = needs?.channels ?? channels;
  if (rate === sampleRate && count === channels) return undefined;
  const expected = [
    ...(needs?.sampleRate === undefined ? [] : [`${rate} Hz`]),
    ...(needs?.channels === undefined ? [] : [channelsInWords(count)]),
  ];
  return `audio at ${sampleRate} Hz with ${channelsInWords(channels)}, where ${expected.join(" and ")} is expected`;
}

function channelsInWords(count: number): string {
  return count === 1 ? "1 channel" : `${count} channels`;
}
