/** `thalweg open`: a fresh launch URL of each server that this user runs on this machine. */
import { accepted, askServers } from "./server-card.ts";

export async function openCommand(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const ask = { method: "POST", path: "/v1/launch-codes" };
  for (const answer of await askServers("open", flags["port"], ask))
    console.log((accepted([answer]) as { url: string }).url);
}
