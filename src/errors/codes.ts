// Every error code of the library: its kind, whether trying again may help, and what to do next.
// The table is the whole vocabulary; nothing else is ever thrown to a caller.

/** Who is concerned: the part of the library, or of the call, that failed. */
export type ErrorKind =
  | "config"
  | "lifecycle"
  | "signaling"
  | "security"
  | "limit"
  | "peer"
  | "network"
  | "media"
  | "data"
  | "sync"
  | "session"
  | "pipeline"
  | "timeout"
  | "internal";

interface CodeFacts {
  readonly kind: ErrorKind;
  readonly retryable: boolean;
  /** The next step, used unless the place that raises the error knows a better one. */
  readonly suggestion: string;
}

const fact = (kind: ErrorKind, suggestion: string, retryable = false): CodeFacts => ({
  kind,
  retryable,
  suggestion,
});

/** Code -> kind, retryable flag and default suggestion. */
export const ERROR_CODES = {
  INVALID_CONFIG: fact("config", "Correct the options listed in details.issues."),

  NOT_STARTED: fact("lifecycle", "Call start() and await it first."),
  ALREADY_STARTED: fact("lifecycle", "Use the running transport, or call shutdown() before start()."),
  ALREADY_SHUTDOWN: fact("lifecycle", "Call start() again, or create a new transport."),

  SIGNALING_ERROR: fact(
    "signaling",
    "Check that the signaling server runs at signalingUrl and can be reached from here.",
    true,
  ),
  PEER_ID_TAKEN: fact("signaling", "Choose another peerId, or leave it out to get a random one."),
  VERSION_UNSUPPORTED: fact(
    "signaling",
    "Use a signaling server and a client that share a protocol version.",
  ),

  UNAUTHORIZED: fact("security", "Supply a valid authToken, or ask the owner for permission."),

  RATE_LIMITED: fact("limit", "Send less often; wait details.retryAfterMs before the next request.", true),
  LIMIT_EXCEEDED: fact("limit", "Use another room, or raise the limit on the server."),
  MAX_PEERS_EXCEEDED: fact("limit", "Disconnect a peer first, or raise maxPeers (at most 10)."),

  PEER_NOT_FOUND: fact("peer", "Check the id; listPeers({ all: true }) shows the peers known here."),
  PEER_NOT_CONNECTED: fact("peer", "Call connectPeer() and await it, or wait for peerConnected.", true),
  NO_PEERS_CONNECTED: fact("peer", "Wait for peerConnected before sending.", true),
  PEER_REJECTED: fact("peer", "The other peer refused; ask its owner to allow this peer."),

  NAT_TRAVERSAL_FAILED: fact(
    "network",
    "Add a TURN server to turnServers, so that peers behind strict NATs and firewalls can be reached.",
    true,
  ),
  CONNECTION_FAILED: fact("network", "Check the network of both peers and connect again.", true),
  ICE_CANDIDATE_ERROR: fact("network", "Check that the signaling server passes candidates on unchanged."),
  SDP_ERROR: fact("network", "Check that the signaling server passes session descriptions on unchanged."),
  CODEC_MISMATCH: fact("network", "Enable a codec on this side that the other peer offers too."),
  NEGOTIATION_IN_PROGRESS: fact("network", "Wait until the running negotiation has ended.", true),
  CIRCUIT_OPEN: fact(
    "network",
    "Too many failures; wait details.retryAfterMs before the next attempt.",
    true,
  ),

  ENCODING_ERROR: fact("media", "Check the format of the samples or frames that were sent."),
  DECODING_ERROR: fact("media", "The other peer sends media that cannot be decoded; check its encoder."),
  MEDIA_TRACK_ERROR: fact("media", "Check that the medium is enabled on both sides."),
  TRACK_NOT_FOUND: fact("media", "Use a streamId that exists; every peer has 'default'."),
  TRACK_LIMIT_EXCEEDED: fact("media", "Remove a track before adding another."),
  INVALID_STREAM_ID: fact("media", "Use 1 to 64 letters, digits, '_' or '-'."),

  INVALID_DATA: fact("data", "Correct the value named in the message."),
  SERIALIZATION_ERROR: fact("data", "Send values that JSON can represent, without cycles."),
  DATA_CHANNEL_ERROR: fact("data", "The channel failed; disconnect the peer and connect again."),
  DATA_CHANNEL_NOT_AVAILABLE: fact("data", "Set enableDataChannel on both sides and wait for peerConnected."),
  MESSAGE_TOO_LARGE: fact("data", "Split the message; the limit stands in details.maxBytes."),
  SEND_BUFFER_FULL: fact("data", "Wait until earlier sends have settled.", true),

  SYNC_ERROR: fact("sync", "Wait until the peers are synchronized."),
  INVALID_TIMESTAMP: fact("sync", "Pass a time the media clock can represent."),
  NO_NTP_MAPPING: fact("sync", "Wait for the first sender report or frame of this peer.", true),
  INVALID_CORRECTION_FACTOR: fact("sync", "Pass a factor from 0.99 to 1.01."),

  SESSION_NOT_FOUND: fact("session", "Check the session id; listSessions() shows the open ones."),
  SESSION_CREATION_FAILED: fact("session", "Close a session first, or raise maxSessions."),
  SESSION_CLOSED: fact("session", "Create a new session."),

  INVALID_MANIFEST: fact("pipeline", "Correct the faults listed in details.issues."),
  PIPELINE_ERROR: fact("pipeline", "Look at nodeId and cause: the node failed on this input."),
  NODE_TIMEOUT: fact("pipeline", "Raise execution.timeout_ms of the node, or make it faster.", true),

  OPERATION_TIMEOUT: fact("timeout", "Try again, or pass a larger timeoutMs.", true),

  ABORTED: fact("internal", "The caller's AbortSignal ended the call; nothing needs doing."),
  NOT_SUPPORTED: fact("internal", "Use a platform or version that supports this."),
  INTERNAL_ERROR: fact("internal", "Please report this with the stack trace of the cause."),
} as const satisfies Record<string, CodeFacts>;

/** A literal that callers branch on; messages may change, codes do not. */
export type ErrorCode = keyof typeof ERROR_CODES;
