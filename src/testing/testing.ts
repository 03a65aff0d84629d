// What the package exports as "./testing": simulated time, links and platforms, for programs that test themselves without
// network, sockets or waiting; and a whole mesh in numbers.
export { SeededRandom } from "./random.ts";
export { VirtualClock } from "./virtual-clock.ts";
export type { VirtualClockOptions } from "./virtual-clock.ts";
export { SimulatedNetwork } from "./simulated-platform.ts";
export type { FaultyOperation, SimulatedNetworkOptions } from "./simulated-platform.ts";
export type { SimulatedServer } from "./simulated-socket.ts";
export type { ClockError } from "./skewed-clock.ts";
export { LinkModel } from "./link-model.ts";
export type { Bottleneck, BurstLoss, JitterModel, LinkCounters, LinkModelOptions } from "./link-model.ts";
export { linkPresets } from "./link-presets.ts";
export type { LinkPreset } from "./link-presets.ts";
export { simulateMesh } from "./mesh-simulation.ts";
export type { MeshOptions } from "./mesh-simulation.ts";
export type { MeshReport } from "./mesh-report.ts";
export type { Spread } from "./histogram.ts";
