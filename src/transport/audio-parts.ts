// What a transport needs for audio besides the engine, in one place, for it is loaded apart.
export { PeerMedia } from "../media/media.ts";
export { OutgoingAudio } from "./outgoing-audio.ts";
