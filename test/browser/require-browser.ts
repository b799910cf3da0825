/** Fails the browser project, and only it, with a sentence that helps. */
import { fileURLToPath } from "node:url";
import { findBrowser } from "./find-browser.ts";

export default async function requireBrowser(): Promise<void> {
  await findBrowser(fileURLToPath(new URL("../..", import.meta.url)));
}
