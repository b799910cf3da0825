/** The whole product once: the real server, a real run, the built dashboard in a real browser. */
import { fileURLToPath } from "node:url";
import { chromium } from "playwright";
import { expect, it } from "vitest";
import { findBrowser } from "../browser/find-browser.ts";
import { spawnServer, stop } from "../support/spawned-server.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

it("a launch URL opens the dashboard of the run that is going on, once", { timeout: 120_000 }, async () => {
  const server = await spawnServer(["train", "--preset", "spirals", "--steps", "100000", "--no-record"]);
  const { executablePath, env } = await findBrowser(root);
  const browser = await chromium.launch({
    executablePath,
    env: { ...process.env, ...env } as Record<string, string>,
  });
  try {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("pageerror", ({ message }) => complaints.push(message));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    await page.goto(server.launchUrl);
    await page.getByText("Running", { exact: true }).first().waitFor();
    const shown = page.locator("session-bar dd").first();
    const step = async () => Number((await shown.innerText()).split("/")[0]?.replaceAll(/\D/g, ""));
    const before = await step();
    await expect.poll(step, { timeout: 30_000 }).toBeGreaterThan(before);
    expect(await page.locator("canvas").count()).toBeGreaterThan(5);
    expect(complaints).toEqual([]);

    // The code is used up: another browser does not get in with it.
    const stranger = await (await browser.newContext()).newPage();
    expect((await stranger.goto(server.launchUrl))?.status()).toBe(401);
  } finally {
    await browser.close();
    await stop(server);
  }
});
