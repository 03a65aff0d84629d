// What is loaded in one piece when a transport first needs media.
export { AlignedRows } from "../../sync/aligned-rows.ts";
export { InlineEngine } from "./inline-engine.ts";
