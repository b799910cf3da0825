/** `csv:<file>[,<test file>]`: a header, numbers, and one column that is to be learned. */
import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { nearestName } from "../nearest-name.ts";
import { UserError } from "../user-error.ts";
import { CsvProblem, type CsvRecord, csvRecords } from "./csv.ts";
import type { Dataset, Split } from "./dataset.ts";
import { MOST_CLASSES, MOST_VALUES, type TargetKind } from "./own-targets.ts";

/** As text it takes twice that, and its numbers may take as much again. */
const MOST_BYTES = 2 ** 28;

export interface CsvOptions {
  /** Name of the column to be learned; null for the last. */
  readonly label: string | null;
  /** Null: numbers where any of them has a fraction or a sign, else classes. */
  readonly targets: TargetKind | null;
}

interface Table {
  readonly name: string;
  readonly size: number;
  readonly header: readonly string[];
  /** Index of the column to be learned. */
  readonly label: number;
  /** The other columns, [size × features]. */
  readonly features: Float32Array;
  /** As they stand, trimmed, with their lines. */
  readonly said: readonly string[];
  readonly lines: Uint32Array;
}

/**
 * Features are taken as they are. Classes are numbered in the order of their names, or of their values where all are whole numbers.
 * @throws {UserError} `dataset-missing`, `dataset-foreign` naming line and column.
 */
export async function readCsvDataset(name: string, options: CsvOptions): Promise<Dataset> {
  const [trainPath = "", testPath] = name.slice("csv:".length).split(",");
  const train = await readTable(trainPath, options.label);
  const test = testPath === undefined ? null : await readTable(testPath, train.header[train.label] ?? null);
  if (test !== null && test.header.join() !== train.header.join()) {
    throw foreign(test.name, `line 1: expected the columns of ${train.name}, found ${listed(test.header)}`);
  }
  const features = train.header.filter((_, i) => i !== train.label);
  const column = train.header[train.label] as string;
  const scaling = `${features.length === 1 ? "column" : "columns"} ${listed(features)} as they are`;
  const kind = options.targets ?? kindOf(train.said);
  if (kind === "numbers") {
    const splitOf = (table: Table) => split(table, null, numbersOf(table));
    return {
      name,
      outputs: 1,
      exampleShape: [features.length],
      scaling: `${scaling}, target ${column}`,
      train: splitOf(train),
      test: test === null ? null : splitOf(test),
    };
  }
  const classes = classesOf(train);
  const splitOf = (table: Table) => split(table, labelsOf(table, classes, column), null);
  return {
    name,
    outputs: classes.length,
    exampleShape: [features.length],
    scaling: `${scaling}, classes of ${column}: ${listed(classes)}`,
    train: splitOf(train),
    test: test === null ? null : splitOf(test),
  };
}

async function readTable(path: string, label: string | null): Promise<Table> {
  const name = basename(path);
  const stats = await stat(path).catch((cause: NodeJS.ErrnoException) => cause.code ?? "unreadable");
  if (typeof stats === "string" || !stats.isFile()) {
    const found = typeof stats === "string" ? `none (${stats})` : "a folder";
    throw new UserError("dataset-missing", `${name}: expected a CSV file at ${path}, found ${found}`);
  }
  if (stats.size > MOST_BYTES) {
    throw foreign(
      name,
      `expected at most ${MOST_BYTES} bytes, found ${stats.size}; a .npy file may be larger`,
    );
  }
  const text = await readFile(path, "utf8");
  try {
    return tableOf(name, text, label);
  } catch (cause) {
    if (cause instanceof CsvProblem) throw foreign(name, cause.message);
    throw cause;
  }
}

function tableOf(name: string, text: string, label: string | null): Table {
  const records = csvRecords(text);
  const first = records.next().value as CsvRecord | undefined;
  if (first === undefined)
    throw new CsvProblem("line 1: expected a header with the names of columns, found nothing");
  const header = first.fields.map((field) => field.trim());
  if (header.length < 2) {
    throw new CsvProblem(`line 1: expected two columns or more, separated by commas, found ${header.length}`);
  }
  const at = label === null ? header.length - 1 : header.indexOf(label);
  if (at < 0) {
    const meant = nearestName(label ?? "", header);
    throw new CsvProblem(
      `line 1: expected the column ${label} of --label, found ${listed(header)}${meant === null ? "" : `; did you mean ${meant}?`}`,
    );
  }
  const most = text.split("\n").length;
  const features = header.length - 1;
  if (most * features > MOST_VALUES) {
    throw new CsvProblem(`expected at most ${MOST_VALUES} numbers, found ${most} lines of ${features}`);
  }
  const values = new Float32Array(most * features);
  const lines = new Uint32Array(most);
  const said: string[] = [];
  for (const { line, fields } of records) {
    if (fields.length !== header.length) {
      throw new CsvProblem(
        `line ${line}: expected ${header.length} columns as in the header, found ${fields.length}`,
      );
    }
    let next = said.length * features;
    fields.forEach((field, i) => {
      if (i !== at) values[next++] = numberAt(field, `line ${line}, column ${i + 1} (${header[i]})`);
    });
    lines[said.length] = line;
    said.push((fields[at] as string).trim());
  }
  if (said.length === 0)
    throw new CsvProblem("expected a line for each example after the header, found none");
  if (isExample(header, at, said)) {
    throw new CsvProblem("line 1: expected a header with the names of columns, found an example");
  }
  const names = new Set<string>();
  const twice = header.find((each) => names.size === names.add(each).size);
  if (twice !== undefined) {
    throw new CsvProblem(`line 1: expected each name of a column once, found ${JSON.stringify(twice)} twice`);
  }
  const size = said.length;
  return { name, size, header, label: at, features: values.subarray(0, size * features), said, lines };
}

/**
 * Is what stands in place of the header one line of the rest? Numbers are no names, unless they count the columns, 0, 1, 2, …, as those of
 * a data frame without names do, beside a name that is no class.
 */
function isExample(header: readonly string[], label: number, said: readonly string[]): boolean {
  const features = header.filter((_, i) => i !== label);
  const isNumber = (field: string) => field !== "" && Number.isFinite(Number(field));
  if (!features.every(isNumber)) return false;
  const last = header[label] as string;
  return features.some((field, i) => field !== String(i)) || isNumber(last) || said.includes(last);
}

function numberAt(field: string, where: string): number {
  const value = Number(field);
  if (field.trim() !== "" && Number.isFinite(Math.fround(value))) return value;
  throw new CsvProblem(
    `${where}: expected a number, found ${field.trim() === "" ? "nothing" : JSON.stringify(field)}`,
  );
}

function kindOf(said: readonly string[]): TargetKind {
  const values = said.map((text) => (text === "" ? Number.NaN : Number(text)));
  const areNumbers = values.every(Number.isFinite);
  return areNumbers && !values.every((value) => Number.isInteger(value) && value >= 0)
    ? "numbers"
    : "classes";
}

function numbersOf(table: Table): Float32Array {
  const column = table.header[table.label];
  return Float32Array.from(table.said, (text, i) => {
    try {
      return numberAt(text, `line ${table.lines[i]}, column ${table.label + 1} (${column})`);
    } catch (cause) {
      throw cause instanceof CsvProblem ? foreign(table.name, cause.message) : cause;
    }
  });
}

function classesOf({ name, said, header, label, lines }: Table): string[] {
  const empty = said.indexOf("");
  if (empty >= 0) {
    throw foreign(
      name,
      `line ${lines[empty]}, column ${label + 1} (${header[label]}): expected a class, found nothing`,
    );
  }
  const classes = [...new Set(said)];
  if (classes.length < 2 || classes.length > MOST_CLASSES) {
    const hint = classes.length > 2 ? "; with --targets numbers they are numbers to be learned" : "";
    throw foreign(
      name,
      `column ${label + 1} (${header[label]}): expected 2 to ${MOST_CLASSES} classes, found ${classes.length}${hint}`,
    );
  }
  const areWhole = classes.every((each) => Number.isInteger(Number(each)));
  return areWhole ? classes.sort((a, b) => Number(a) - Number(b)) : classes.sort();
}

function labelsOf(table: Table, classes: readonly string[], column: string): Uint16Array {
  const numbers = new Map(classes.map((each, i) => [each, i]));
  return Uint16Array.from(table.said, (text, i) => {
    const label = numbers.get(text);
    if (label !== undefined) return label;
    throw foreign(
      table.name,
      `line ${table.lines[i]}, column ${table.label + 1} (${column}): expected one of ${listed(classes)}, found ${JSON.stringify(text)}`,
    );
  });
}

function split(table: Table, labels: Uint16Array | null, targets: Float32Array | null): Split {
  const width = table.header.length - 1;
  const { size, features } = table;
  return {
    size,
    labels,
    targets,
    write: (example, out, offset) =>
      out.set(features.subarray(example * width, (example + 1) * width), offset),
  };
}

/** A few names, and how many more. */
function listed(names: readonly string[]): string {
  return names.length <= 6
    ? names.join(", ")
    : `${names.slice(0, 5).join(", ")} and ${names.length - 5} more`;
}

function foreign(name: string, message: string): UserError {
  return new UserError("dataset-foreign", `${name}: ${message}`);
}
