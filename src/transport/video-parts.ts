// What a transport needs for video, in one place, for it is loaded apart: most programs have none.
export { VideoLink } from "../peer/video-link.ts";
export { OutgoingVideo } from "./outgoing-video.ts";
export { VideoRoom } from "./video-room.ts";
