/** Fails the browser project, and only it, with a sentence that helps. */
import { fileURLToPath } from "node:url";
import { findBrowser } from "./find-browser.ts";

export async function setup(): Promise<void> {
  await findBrowser(fileURLToPath(new URL("../..", import.meta.url)));
}
