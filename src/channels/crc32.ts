// CRC-32 as in IEEE 802.3, zlib and PNG. Pure.

const POLYNOMIAL = 0xedb88320; // 0x04c11db7, reflected

/** Four tables of 256: what a byte does to the remainder when 0 to 3 further bytes follow it. */
const TABLES = makeTables();

/** CRC-32 (IEEE) of `bytes`, unsigned. The check value of "123456789" is 0xcbf43926. */
export function crc32(bytes: Uint8Array): number {
  let crc = -1;
  let at = 0;
  // Four bytes a step (slicing): the steps do not wait for each other's table look-ups.
  for (const end = bytes.length - 3; at < end; at += 4) {
    crc ^= at4(bytes, at);
    crc =
      table(768 + (crc & 0xff)) ^
      table(512 + ((crc >>> 8) & 0xff)) ^
      table(256 + ((crc >>> 16) & 0xff)) ^
      table(crc >>> 24);
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ table((crc ^ (bytes[at] as number)) & 0xff);
  return (crc ^ -1) >>> 0;
}

function table(index: number): number {
  return TABLES[index] as number;
}

/** Four bytes as a little-endian integer. */
function at4(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

function makeTables(): Int32Array {
  const tables = new Int32Array(4 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
    tables[byte] = remainder;
  }
  for (let index = 256; index < tables.length; index++) {
    const shorter = tables[index - 256] as number;
    tables[index] = (shorter >>> 8) ^ (tables[shorter & 0xff] as number);
  }
  return tables;
}
