// What a transport needs for pipelines, in one place, for it is loaded apart.
export { SessionRoom } from "./session-room.ts";
