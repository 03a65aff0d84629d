// Everything JavaScript may call of the second module, which is loaded only where there is video.
export { packedToI420, packedToGray, i420ToRgba, splitPairs } from "./pixels";
export { filterRows, transposeBlocks } from "./plane-scale";
export { boxRows } from "./plane-blur";
export { mixPlanes } from "./plane-mix";
export { reorderPixels, joinPairs } from "./pixel-order";
