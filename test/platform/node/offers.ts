// Session descriptions as other endpoints write them; made up for the tests, with the traits that matter.

/** A valid SHA-256 fingerprint of nothing. */
export const FINGERPRINT = `sha-256 ${"AB:".repeat(31)}AB`;

const TRANSPORT = [
  "a=ice-ufrag:uFr4",
  "a=ice-pwd:pAssw0rdpAssw0rdpAssw0rd",
  "a=ice-options:trickle",
  `a=fingerprint:${FINGERPRINT}`,
  "a=setup:actpass",
];

/** As browsers do with `max-bundle`: video first, Opus among other codecs, extensions, feedback, RTX. */
export const BROWSER_OFFER = [
  "v=0",
  "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
  "s=-",
  "t=0 0",
  "a=group:BUNDLE v a d",
  "a=extmap-allow-mixed",
  "a=msid-semantic: WMS stream",
  "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
  "c=IN IP4 0.0.0.0",
  "a=rtcp:9 IN IP4 0.0.0.0",
  ...TRANSPORT,
  "a=mid:v",
  "a=sendrecv",
  "a=rtcp-mux",
  "a=rtpmap:96 VP8/90000",
  "a=rtcp-fb:96 nack pli",
  "a=rtpmap:97 rtx/90000",
  "a=fmtp:97 apt=96",
  "a=ssrc-group:FID 1 2",
  "m=audio 9 UDP/TLS/RTP/SAVPF 63 109 9 0",
  "c=IN IP4 0.0.0.0",
  ...TRANSPORT,
  "a=mid:a",
  "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
  "a=sendrecv",
  "a=rtcp-mux",
  "a=rtpmap:63 red/48000/2",
  "a=fmtp:63 109/109",
  "a=rtpmap:109 opus/48000/2",
  "a=fmtp:109 minptime=10;useinbandfec=1",
  "a=rtpmap:9 G722/8000",
  "a=rtpmap:0 PCMU/8000",
  "a=candidate:1 1 udp 2113937151 192.0.2.7 50000 typ host generation 0 ufrag uFr4 network-cost 999",
  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
  "c=IN IP4 0.0.0.0",
  ...TRANSPORT,
  "a=mid:d",
  "a=sctp-port:5000",
  "a=max-message-size:262144",
  "",
].join("\r\n");
