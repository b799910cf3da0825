/** A Python process that answers one JSON line with another. */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Network, Problem } from "./problems.ts";

/** From dist/bench. */
const SCRIPT = fileURLToPath(new URL("../../bench/torch_peer.py", import.meta.url));
const ONE_THREAD = { OMP_NUM_THREADS: "1", MKL_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" };

export class PythonPeer {
  readonly versions: Readonly<Record<string, unknown>>;
  readonly #ask: (request: object) => Promise<unknown>;
  readonly #folder: string;
  readonly #end: () => void;

  private constructor(
    versions: Readonly<Record<string, unknown>>,
    ask: (request: object) => Promise<unknown>,
    folder: string,
    end: () => void,
  ) {
    this.versions = versions;
    this.#ask = ask;
    this.#folder = folder;
    this.#end = end;
  }

  /** @throws {Error} with one sentence when this Python cannot be the peer. */
  static async start(python: string): Promise<PythonPeer> {
    const child = spawn(python, ["-u", SCRIPT], { env: { ...process.env, ...ONE_THREAD } });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-2000);
    });
    const failed = new Promise<never>((_, reject) => {
      const fail = (why: string) =>
        reject(
          new Error(
            `peers: expected a Python with torch, pyhessian, numpy and scipy, got ${python}: ${why}; --python names another`,
          ),
        );
      child.on("error", ({ message }) => fail(message));
      child.on("exit", (code) => fail(said.trim().split("\n").at(-1) || `it ended with code ${code}`));
    });
    failed.catch(() => {});
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async () => {
      const { value, done } = await Promise.race([lines.next(), failed]);
      return done ? failed : (JSON.parse(value) as unknown);
    };
    const versions = (await next()) as Readonly<Record<string, unknown>>;
    const ask = (request: object) => {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return next();
    };
    const folder = await mkdtemp(join(tmpdir(), "thalweg-bench-"));
    return new PythonPeer(versions, ask, folder, () => child.stdin.end());
  }

  /** The problem that all that follows is about. @returns its loss, by which both sides know that it is the same. */
  async open(network: Network, theta: Float32Array, { examples }: Problem): Promise<number> {
    const file = async (name: string, values: Float32Array) => {
      const path = join(this.#folder, name);
      await writeFile(path, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      return path;
    };
    const { loss } = (await this.#ask({
      what: "open",
      model: network,
      theta: await file("theta", theta),
      inputs: await file("inputs", examples.inputs),
      targets: await file("targets", examples.targets),
    })) as { loss: number };
    return loss;
  }

  /** In ms. */
  time(what: "gradient" | "hvp_warm" | "hvp_cold" | "hvp_forward" | "step"): Promise<number> {
    return this.#ask({ what }) as Promise<number>;
  }

  /** Largest eigenvalues in float64, converged. */
  top(count: number): Promise<readonly number[]> {
    return this.#ask({ what: "top", count }) as Promise<readonly number[]>;
  }

  pyhessian(count: number, tol: number, seed: number) {
    return this.#ask({ what: "pyhessian", count, tol, seed }) as Promise<{
      readonly ms: number;
      readonly values: readonly number[];
      readonly products: number;
    }>;
  }

  async close(): Promise<void> {
    this.#end();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
