/** `thalweg open`: a fresh launch URL of a server that this user runs on this machine. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../training/user-error.ts";
import { cardFolder, type ServerCard } from "./serve.ts";

export async function openCommand(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const cards = (await readCards()).filter(
    ({ port }) => flags["port"] === undefined || Number(flags["port"]) === port,
  );
  for (const { url, token } of cards) {
    const answer = await fetch(`${url}/v1/launch-codes`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, origin: url },
    }).catch(() => null);
    if (answer?.ok) {
      const { url: launch } = (await answer.json()) as { url: string };
      console.log(launch);
      return;
    }
  }
  throw new UserError(
    "no-server",
    "open: no Thalweg server of yours answers on this machine; start one with npm start",
  );
}

async function readCards(): Promise<ServerCard[]> {
  const names = await readdir(cardFolder()).catch(() => []);
  const cards = await Promise.all(
    names
      .filter((name) => name.endsWith(".json"))
      .map(async (name) => JSON.parse(await readFile(join(cardFolder(), name), "utf8")) as ServerCard),
  );
  return cards.filter(({ pid }) => isRunning(pid));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
