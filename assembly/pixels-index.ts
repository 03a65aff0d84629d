// Everything JavaScript may call of the second module, which is loaded only where there is video.
export { packedToI420, i420ToRgba, splitPairs } from "./pixels";
export { filterRows, transposeBlocks } from "./plane-scale";
