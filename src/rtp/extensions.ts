// RTP header extensions in the one-byte and two-byte forms of RFC 8285. Elements are bytes: what they mean is
// agreed in the session description. Never throws on what the network brings.

/** The extension of one packet as it stands on the wire. */
export interface RtpHeaderExtension {
  /** 0xBEDE for the one-byte form, 0x1000 to 0x100F for the two-byte form, else unknown here. */
  profile: number;
  /** The words after the extension's own header; a multiple of 4 bytes. */
  data: Uint8Array;
}

/** One element of an extension. */
export interface RtpExtensionElement {
  /** 1 to 14 in the one-byte form, 1 to 255 in the two-byte form. */
  id: number;
  /** 1 to 16 bytes in the one-byte form, 0 to 255 in the two-byte form. */
  data: Uint8Array;
}

const ONE_BYTE_PROFILE = 0xbede;
const TWO_BYTE_PROFILE = 0x1000;

/** The id after which a one-byte extension must not be read on (RFC 8285 section 4.2). */
const ONE_BYTE_STOP_ID = 15;

/**
 * Read the elements. Stops silently at the first one that overruns the extension; unknown profiles have none.
 *
 * @returns views into `extension.data`
 */
export function readExtensions(extension: RtpHeaderExtension): RtpExtensionElement[] {
  const twoByte = (extension.profile & 0xfff0) === TWO_BYTE_PROFILE;
  if (!twoByte && extension.profile !== ONE_BYTE_PROFILE) return [];
  const { data } = extension;
  const elements: RtpExtensionElement[] = [];
  let at = 0;
  while (at < data.length) {
    const head = data[at++] ?? 0;
    if (twoByte) {
      if (head === 0) continue; // One byte of padding.
      if (at >= data.length) break;
      const length = data[at++] ?? 0;
      if (at + length > data.length) break;
      elements.push({ id: head, data: data.subarray(at, (at += length)) });
      continue;
    }
    const id = head >> 4;
    if (id === ONE_BYTE_STOP_ID) break;
    if (id === 0) continue;
    const length = (head & 0x0f) + 1;
    if (at + length > data.length) break;
    elements.push({ id, data: data.subarray(at, (at += length)) });
  }
  return elements;
}

/**
 * Write elements in the one-byte form, or in the two-byte form when one of them does not fit the first.
 * Elements that fit neither form (id outside 1 to 255, more than 255 bytes) are left out.
 */
export function buildExtensions(elements: readonly RtpExtensionElement[]): RtpHeaderExtension {
  const usable = elements.filter(({ id, data }) => id >= 1 && id <= 255 && data.length <= 255);
  const oneByte = usable.every(
    ({ id, data }) => id < ONE_BYTE_STOP_ID && data.length >= 1 && data.length <= 16,
  );
  const headLength = oneByte ? 1 : 2;
  const length = usable.reduce((sum, { data }) => sum + headLength + data.length, 0);
  const bytes = new Uint8Array(Math.ceil(length / 4) * 4);
  let at = 0;
  for (const { id, data } of usable) {
    if (oneByte) {
      bytes[at] = (id << 4) | (data.length - 1);
    } else {
      bytes[at] = id;
      bytes[at + 1] = data.length;
    }
    bytes.set(data, at + headLength);
    at += headLength + data.length;
  }
  return { profile: oneByte ? ONE_BYTE_PROFILE : TWO_BYTE_PROFILE, data: bytes };
}
