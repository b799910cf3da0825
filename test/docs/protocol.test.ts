import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type * as z from "zod/mini";
import { LIMITS } from "../../server/gateway/limits.ts";
import { FRAME_HEADER_BYTES } from "../../shared/frame.ts";
import { ErrorBody, HTTP_ERRORS, MAX_PAGE_SAMPLES, PAGE_SAMPLES, SamplesPage } from "../../shared/http.ts";
import { CLOSE, ClientMessage, GapReason, ServerMessage } from "../../shared/protocol.ts";
import { ROUTES } from "../../shared/routes.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const page = readFileSync(join(ROOT, "docs", "protocol.md"), "utf8");
const blocks = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = ""]) => text.trim());

const opsOf = (union: unknown): string[] => {
  const { options } = (union as { _zod: { def: { options: unknown[] } } })._zod.def;
  return options.flatMap((option) => {
    const def = (option as { _zod: { def: { options?: unknown[]; shape?: { op: z.ZodMiniLiteral } } } })._zod
      .def;
    return def.options === undefined ? [...(def.shape?.op._zod.def.values ?? [])].map(String) : opsOf(option);
  });
};
const clientOps = [...new Set(opsOf(ClientMessage))];
const serverOps = opsOf(ServerMessage);

function schemaOf(block: object): z.ZodMiniType {
  if ("error" in block) return ErrorBody;
  const op = "op" in block ? String(block.op) : null;
  if (op === null) return SamplesPage;
  return clientOps.includes(op) ? ClientMessage : ServerMessage;
}

/** The table under a heading, up to the next heading, as rows of cells. */
function rowsUnder(heading: string): string[][] {
  const [, rest = ""] = page.split(`\n${heading}\n`);
  const section = rest.split(/\n#+ /)[0] ?? "";
  const lines = section.split("\n").filter((line) => line.startsWith("|") && !line.startsWith("|---"));
  return lines.map((line) => line.split("|").slice(1, -1));
}

const namesIn = (text: string) => [...text.matchAll(/`([a-z0-9-]+)`/g)].map(([, name = ""]) => name);

describe("docs/protocol.md", () => {
  it.each(blocks)("%s is what the schemas say", (text) => {
    const value: object = JSON.parse(text);
    const decoded = schemaOf(value).parse(value);
    // Nothing in the example is unknown to the schema: what decoding adds is defaults, what it takes away would be invention.
    expect(decoded).toMatchObject(value);
  });

  it("shows each op at least once, and lists them all", () => {
    const shown = new Set(blocks.map((text) => (JSON.parse(text) as { op?: string }).op));
    const isTooLong = new Set(["session"]);
    for (const op of [...clientOps, ...serverOps]) if (!isTooLong.has(op)) expect(shown).toContain(op);
    const listed = (heading: string) =>
      rowsUnder(heading)
        .slice(1)
        .flatMap(([first = ""]) => namesIn(first));
    expect(listed("## Client → server").sort()).toEqual([...clientOps].sort());
    expect(listed("## Server → client").sort()).toEqual([...serverOps].sort());
    expect(
      rowsUnder("### Gaps")
        .slice(1)
        .flatMap(([first = ""]) => namesIn(first))
        .sort(),
    ).toEqual([...(GapReason._zod.def.entries ? Object.keys(GapReason._zod.def.entries) : [])].sort());
  });

  it("names each code that the gateway answers with", () => {
    const folder = join(ROOT, "server", "gateway");
    const sources = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
    const found = sources.flatMap((source) => [
      ...[...source.matchAll(/(?:#refuse|#misuse)\(\s*"([a-z-]+)"/g)].map(([, code = ""]) => code),
      ...Object.keys(HTTP_ERRORS),
      ...[...source.matchAll(/\bcode: "([a-z-]+)"/g)].map(([, code = ""]) => code),
    ]);
    const codes = new Set(found);
    expect(codes.size).toBeGreaterThan(25);
    const listed = new Set(namesIn(page));
    // Of the process that starts the gateway, not of the wire.
    const local = ["port-in-use", "cannot-listen"];
    expect([...codes].filter((code) => !listed.has(code) && !local.includes(code))).toEqual([]);
  });

  it("lists the routes that are served, and what each takes", () => {
    // These are told of in the text.
    const inText = new Set<string>([
      ROUTES.health.path,
      ROUTES.readiness.path,
      ROUTES.launch.path,
      ROUTES.stream.path,
    ]);
    const served = Object.values(ROUTES).filter(({ path }) => !inText.has(path));
    const rows = new Map(
      rowsUnder("## HTTP").flatMap(([first = "", about = ""]) => {
        const route = /`([A-Z]+ \/[^`]*)`/.exec(first)?.[1];
        return route === undefined ? [] : [[route.replaceAll(/:(\w+)/g, "{$1}"), about] as const];
      }),
    );
    expect([...rows.keys()].sort()).toEqual(served.map(({ method, path }) => `${method} ${path}`).sort());
    for (const { method, path, query, scope } of served) {
      const about = rows.get(`${method} ${path}`) ?? "";
      for (const parameter of Object.keys(query.shape)) expect(about).toContain(`\`${parameter}\``);
      expect([path, about.includes("Scope `control`")]).toEqual([path, scope === "control"]);
    }
  });

  it("lists each status with its codes", () => {
    const rows = rowsUnder("## HTTP").filter(([first = ""]) => /^ \d{3}/.test(first));
    const listed = rows.flatMap(([statuses = "", codes = ""]) =>
      namesIn(codes).map((code) => ({ code, statuses: statuses.trim().split(" ").map(Number) })),
    );
    for (const { code, statuses } of listed) {
      expect(statuses, code).toContain((HTTP_ERRORS as Record<string, number>)[code]);
    }
    expect(listed.map(({ code }) => code).sort()).toEqual(Object.keys(HTTP_ERRORS).sort());
    for (const [status = "", code = ""] of rowsUnder("## Getting in").slice(1)) {
      expect([code, Number(status)]).toEqual([
        code,
        (HTTP_ERRORS as Record<string, number>)[namesIn(code)[0] ?? ""],
      ]);
    }
  });

  it("states the limits and close codes that hold", () => {
    const limits = rowsUnder("## Frames")
      .slice(1)
      .map(([, value = ""]) => Number(value));
    const { maxFrameBytes, maxFragments, maxErrors, maxSubscriptions } = LIMITS;
    expect(limits).toEqual([maxFrameBytes, maxFragments, maxErrors, maxSubscriptions]);
    for (const code of Object.values(CLOSE)) expect(page).toContain(`\n| ${code} | `);
    expect(page).toContain(`1 … ${MAX_PAGE_SAMPLES}, default ${PAGE_SAMPLES}`);
    expect(page).toContain(`${LIMITS.maxConnections} sockets are open`);
    expect(LIMITS.batchMs).toBeLessThanOrEqual(16);
    expect([LIMITS.pingMs, LIMITS.maxMissedPings, LIMITS.stallMs]).toEqual([20_000, 2, 600_000]);
    expect(page).toContain(`A header of ${FRAME_HEADER_BYTES} bytes`);
  });
});
