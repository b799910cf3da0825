/** `thalweg open`: a fresh launch URL of a server that this user runs on this machine. */
import { askAnyServer } from "./server-card.ts";

export async function openCommand(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const ask = { method: "POST", path: "/v1/launch-codes" };
  const { body } = await askAnyServer("open", flags["port"], ask);
  console.log((body as { url: string }).url);
}
