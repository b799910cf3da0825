/** What a session says of itself, to a socket and over HTTP alike. */
import type { Capability, SessionDescription } from "../../shared/protocol.ts";
import type { Session } from "../session/session.ts";

export function describe(session: Session): SessionDescription {
  const { header, status, watermarks } = session;
  return {
    header,
    channels: header.channels,
    state: status.state,
    reason: status.reason,
    capabilities: capabilities(session),
    earliestSeq: status.earliestSeq,
    headSeq: status.headSeq,
    ...(watermarks === undefined ? {} : { watermarks }),
    ...(status.trouble === undefined ? {} : { trouble: status.trouble }),
  };
}

function capabilities(session: Session): Capability[] {
  const able: Capability[] = [];
  if (session.control !== undefined && session.status.state !== "ended") able.push("control");
  if (session.header.channels.some(({ name }) => name === "train/weights")) able.push("weights");
  if (session.recordingPath !== undefined) able.push("recording");
  return able;
}
