// Cuts bytes into payloads that are nearly equally long. With short remainders a frame would cost as many packets, and the
// last of them would run ahead of the others wherever packets are paced by their bytes.

/**
 * Cut `data` into as few payloads as it takes, in one buffer.
 *
 * @param first bytes in front of the first part
 * @param other bytes in front of all others, not more than in `first`
 * @param maxBytes longest payload, more than twice as long as `first`
 * @returns at least one
 */
export function cutEvenly(
  data: Uint8Array,
  first: readonly number[],
  other: readonly number[],
  maxBytes: number,
): Uint8Array[] {
  // The first payload's longer head counts as data in front of the data.
  const extra = first.length - other.length;
  const length = extra + data.length;
  const count = Math.max(1, Math.ceil(length / (maxBytes - other.length)));
  const buffer = new Uint8Array(length + count * other.length);
  const payloads: Uint8Array[] = [];
  let begin = 0;
  let start = 0;
  for (let index = 1; index <= count; index++) {
    const head = index === 1 ? first : other;
    const end = Math.floor((length * index) / count) - extra;
    const stop = start + head.length + end - begin;
    buffer.set(head, start);
    buffer.set(data.subarray(begin, end), start + head.length);
    payloads.push(buffer.subarray(start, stop));
    begin = end;
    start = stop;
  }
  return payloads;
}
