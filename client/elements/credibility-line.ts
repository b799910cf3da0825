/** One line that says what was run, on what, and how far the instruments can be trusted. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import type { SessionHeader } from "../../shared/header.ts";
import { whole } from "../../shared/number-words.ts";
import { changesInWords } from "../../shared/session-words.ts";
import { formatNumber } from "../data/formats.ts";
import { base } from "./styles.ts";

interface Fact {
  readonly text: string;
  readonly details?: string;
  readonly tone?: "bad";
}

export function factsOf(header: SessionHeader): readonly Fact[] {
  const { train, probe, seeds, schedule, selfTest, optimizer, loss } = header;
  const seedValues = Object.values(seeds);
  const isOneSeed = new Set(seedValues).size === 1;
  const intervals = Object.entries(schedule.every)
    .filter(([, every]) => every > 1)
    .sort(([a], [b]) => (a === "hessian" ? -1 : b === "hessian" ? 1 : 0))
    .slice(0, 3)
    .map(([key, every]) => `${key} every ${whole(every)}`);
  return [
    ...forkFact(header),
    { text: header.modelSummary, details: `${whole(header.parameterCount)} parameters` },
    { text: loss.name, details: loss.formula },
    { text: optimizerText(optimizer, train), details: JSON.stringify(optimizer, null, 1) },
    {
      text: `${train.dataset}, ${whole(train.size)} examples`,
      details: `${probe.preprocessing}; shuffling ${train.shuffling}; last batch ${train.lastBatch}`,
    },
    {
      text: isOneSeed ? `seed ${seedValues[0]}` : `seeds ${seedValues.join(", ")}`,
      details: `init ${seeds.init}, order ${seeds.order}, probe ${seeds.probe}, vectors ${seeds.vectors}`,
    },
    { text: header.backend, details: versionText(header.versions) },
    {
      text: `curvature on ${probe.isTrainingSet ? "the training set" : "a probe"} of ${whole(probe.size)} (${probe.sha256.slice(0, 8)})`,
      details: `${probe.dataset}, ${probe.split} split, sha256 ${probe.sha256}`,
    },
    {
      text: selfTest.passed
        ? `self-test: gradient ${formatNumber(selfTest.gradientError, 2)}, Hv ${formatNumber(selfTest.hvpError, 2)}`
        : "self-test failed",
      details: `Relative errors on a tiny net against float64; asymmetry of the Hessian ${formatNumber(selfTest.asymmetry, 2)}`,
      ...(selfTest.passed ? {} : { tone: "bad" as const }),
    },
    {
      text: intervals.length === 0 ? "everything at every step" : intervals.join(", "),
      details: `Intervals in steps, ${schedule.chosenBy === "given" ? "given" : "chosen from costs measured at the start"}${schedule.bestEffort ? "; best effort: a measurement may be skipped, and says so" : "; nothing scheduled is dropped"}`,
    },
  ];
}

function forkFact({ fork }: SessionHeader): readonly Fact[] {
  if (fork === undefined) return [];
  return [
    {
      text: `forked from ${fork.name} at step ${whole(fork.step)}`,
      details: `session ${fork.session}; ${changesInWords(fork) || "same settings"}. Distances are measured from its θ₀; what is said of the path begins at the fork`,
    },
  ];
}

function optimizerText(optimizer: Readonly<Record<string, unknown>>, train: SessionHeader["train"]): string {
  const name = String(optimizer["name"] ?? optimizer["optimizer"] ?? "optimizer");
  const eta = optimizer["learningRate"] ?? optimizer["eta"];
  const beta = optimizer["momentum"];
  const batch = train.fullBatch ? "full batch" : `batch ${whole(train.batchSize)}`;
  return [
    name,
    typeof eta === "number" ? `η ${plain(eta)}` : null,
    typeof beta === "number" && beta > 0 ? `β ${plain(beta)}` : null,
    batch,
  ]
    .filter((part) => part !== null)
    .join(", ");
}

/** A constant as it was given: no trailing zeros. */
function plain(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function versionText(versions: Readonly<Record<string, string>>): string {
  return Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
}

export class CredibilityLine extends LitElement {
  static override properties = { header: { attribute: false } };

  static override styles = [
    base,
    css`
      :host {
        display: block;
      }
      ul {
        display: flex;
        flex-wrap: wrap;
        gap: 0 20px;
        overflow: hidden;
        font-size: 12px;
        line-height: 20px;
        color: var(--ink-3);
      }
      li {
        position: relative;
        cursor: default;
      }
      /* At the start of a line it falls outside. */
      li::before {
        content: "·";
        position: absolute;
        left: -12px;
        color: var(--ink-3);
      }
      [data-tone="bad"] {
        color: var(--bad);
        font-weight: 600;
      }
    `,
  ];

  declare header: SessionHeader | null;

  constructor() {
    super();
    this.header = null;
  }

  override render(): TemplateResult | typeof nothing {
    if (this.header === null) return nothing;
    return html`<ul aria-label="What was run">
      ${factsOf(this.header).map(({ text, details, tone }) => html`<li title=${details ?? ""} data-tone=${tone ?? ""}>${text}</li>`)}
    </ul>`;
  }
}

customElements.define("credibility-line", CredibilityLine);

declare global {
  interface HTMLElementTagNameMap {
    "credibility-line": CredibilityLine;
  }
}
