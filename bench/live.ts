/** What watching costs training, how soon a step is at a socket, and what recording takes. */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { take } from "rxjs";
import { WebSocket } from "ws";
import { openBackend } from "../server/backends/select.ts";
import { Auth, createToken } from "../server/gateway/auth.ts";
import { startGateway } from "../server/gateway/gateway.ts";
import { SessionLibrary } from "../server/session/library.ts";
import { streams } from "../server/streams/index.ts";
import { startLiveSession } from "../server/threads/start-live-session.ts";
import type { RunSettings } from "../server/training/config.ts";
import { train } from "../server/training/from-settings.ts";
import { resolveSettings } from "../server/training/resolve.ts";
import { PROTOCOL } from "../shared/protocol.ts";
import { interleaved, type Measurement, ratioOf } from "./harness.ts";
import { samples } from "./samples.ts";

const ROUNDS = 5;
/**
 * Steps between which the pace is taken: no power of two among them, at which every stream that is due at all is measured, and late enough
 * that nothing of the dense beginning is left to be measured.
 */
const WINDOW = { from: 6100, to: 8050 };
/** Streams that are measured on a schedule, which `every` and `without` speak of. */
export const SCHEDULED = streams.filter(
  ({ scheduleKey, descriptor }) => scheduleKey !== null && descriptor.cadence.kind !== "logged",
);
const NEVER = 1_000_000;
const BASE: RunSettings = { preset: "classic", steps: WINDOW.to, backend: "wasm" };
/** Dear streams are still measured at powers of two; on a probe this small they take no time to speak of. */
const EVERY_STEP_ONLY: RunSettings = {
  probeSize: 64,
  every: Object.fromEntries(SCHEDULED.map(({ scheduleKey }) => [scheduleKey, NEVER])),
};

export async function overhead(backend: RunSettings["backend"] = "wasm"): Promise<Measurement[]> {
  const base = { ...BASE, backend };
  const values = await interleaved(
    [
      { name: "bare", run: () => bareStepsPerSecond(base) },
      {
        name: "every-step streams alone",
        run: () => watchedStepsPerSecond({ ...base, ...EVERY_STEP_ONLY }),
      },
      { name: "every stream, default schedule", run: () => watchedStepsPerSecond(base) },
    ],
    ROUNDS,
  );
  const row = (name: string, target?: string): Measurement => ({
    name,
    unit: "steps/s",
    rounds: values.get(name) ?? [],
    ...(target === undefined ? {} : { ratio: { to: "bare", value: ratioOf(values, name, "bare"), target } }),
  });
  return [
    row("bare"),
    row("every-step streams alone", "≥ 0.99"),
    row("every stream, default schedule", "≥ 0.95"),
  ];
}

async function bareStepsPerSecond(settings: RunSettings): Promise<number> {
  await openBackend(settings.backend ?? "wasm", { allowNative: false });
  const run = await train(settings);
  const marks = await new Promise<number[]>((resolve, reject) => {
    const times: number[] = [];
    run.steps$.pipe(take(WINDOW.to + 1)).subscribe({
      next: () => times.push(performance.now()),
      error: reject,
      complete: () => resolve(times),
    });
  });
  run.dispose();
  return rate((marks[WINDOW.to] ?? 0) - (marks[WINDOW.from] ?? 0));
}

async function watchedStepsPerSecond(settings: RunSettings): Promise<number> {
  return withSession(settings, true, async (session) => {
    await session.ended;
    const losses = await samples<number>(session, "train/loss");
    const times = new Map(losses.map(({ step, wallTimeMs }) => [step, wallTimeMs]));
    return rate((times.get(WINDOW.to) ?? 0) - (times.get(WINDOW.from) ?? 0));
  });
}

function rate(ms: number): number {
  return ((WINDOW.to - WINDOW.from) * 1000) / ms;
}

type Live = Awaited<ReturnType<typeof startLiveSession>>;

/** Of a session that lives as long as `use` takes. */
export async function withSession<R>(
  settings: RunSettings,
  record: boolean,
  use: (session: Live) => Promise<R>,
): Promise<R> {
  const resolved = resolveSettings(settings);
  if (!resolved.ok) throw new Error(resolved.problems.join("; "));
  const folder = await mkdtemp(join(tmpdir(), "thalweg-bench-"));
  try {
    const session = await startLiveSession({ config: resolved.config, folder, record });
    try {
      return await use(session);
    } finally {
      await session.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const CLIENTS = 10;

/** From the log's stamp to the arrival at ten lossless subscribers of everything light; a sample waits up to 10 ms more before it is stamped. */
export async function latency(): Promise<Measurement[]> {
  const delays = await withSession({ ...BASE, steps: 600 }, true, async (session) => {
    const library = new SessionLibrary();
    library.add(session);
    const token = createToken();
    const gateway = await startGateway({
      library,
      auth: new Auth({ token }),
      host: "127.0.0.1",
      port: 0,
      version: "bench",
    });
    const found: number[] = [];
    const sockets = Array.from({ length: CLIENTS }, () => {
      const socket = new WebSocket(`${gateway.url.replace("http", "ws")}/v1/stream`, PROTOCOL, {
        headers: { authorization: `Bearer ${token}` },
      });
      socket.on("open", () =>
        socket.send(
          JSON.stringify({
            op: "subscribe",
            id: 1,
            session: session.header.id,
            channels: ["**", "*"],
            from: "now",
          }),
        ),
      );
      socket.on("message", (data, isBinary) => {
        if (isBinary) return;
        const now = performance.timeOrigin + performance.now();
        const message = JSON.parse(String(data)) as { op: string; samples?: { wallTimeMs: number }[] };
        for (const { wallTimeMs } of message.samples ?? []) found.push(now - wallTimeMs);
      });
      return socket;
    });
    await session.ended;
    for (const socket of sockets) socket.terminate();
    await gateway.close();
    return found.sort((a, b) => a - b);
  });
  const at = (q: number) => delays[Math.floor(q * (delays.length - 1))] ?? Number.NaN;
  return [
    {
      name: `log to socket, ${CLIENTS} lossless subscribers, p50 (target ≤ 25)`,
      unit: "ms",
      rounds: [at(0.5)],
    },
    { name: "the same, p99 (target ≤ 100)", unit: "ms", rounds: [at(0.99)] },
    { name: "samples received", unit: "", rounds: [delays.length] },
  ];
}

export async function recording(): Promise<Measurement[]> {
  const rows: Measurement[] = [];
  for (const preset of ["classic", "fc-199k"]) {
    const rounds: { bytes: number; times: number; rate: number; finishing: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      rounds.push(await recordEveryTheta({ preset, steps: 400, ...EVERY_STEP_ONLY, weightsEvery: 1 }));
    }
    const row = (name: string, unit: string, of: (round: (typeof rounds)[number]) => number) =>
      rows.push({ name: `${preset}: ${name}`, unit, rounds: rounds.map(of) });
    row("every θ recorded, bytes a step", "B", ({ bytes }) => bytes);
    row("raw θ / recorded", "×", ({ times }) => times);
    row("raw θ recorded while training", "MB/s", ({ rate }) => rate);
    row("from the last step to a finished file", "ms", ({ finishing }) => finishing);
  }
  return rows;
}

function recordEveryTheta(settings: RunSettings) {
  return withSession(settings, true, async (session) => {
    await session.ended;
    const endedMs = performance.timeOrigin + performance.now();
    const { size } = await stat(session.recordingPath as string);
    const times = (await samples<number>(session, "train/loss")).map(({ wallTimeMs }) => wallTimeMs);
    const lastMs = times.at(-1) ?? Number.NaN;
    const raw = 4 * session.header.parameterCount;
    return {
      bytes: size / times.length,
      times: (raw * times.length) / size,
      rate: (raw * times.length) / 1e3 / (lastMs - (times[0] ?? Number.NaN)),
      finishing: endedMs - lastMs,
    };
  });
}
