/** Comma-separated values as RFC 4180 has them, told with the line they stand on. */

export interface CsvRecord {
  /** From 1, where the record begins. */
  readonly line: number;
  readonly fields: readonly string[];
}

/** What is wrong, as "line 7, column 3: expected …, found …". */
export class CsvProblem extends Error {}

/** The comma ends a field, a line break the record; neither does within quotes, where "" is a quote. Empty lines are passed over. */
export function* csvRecords(text: string): Generator<CsvRecord> {
  let at = text.startsWith("\ufeff") ? 1 : 0;
  let line = 1;
  while (at < text.length) {
    const began = line;
    const fields: string[] = [];
    let isLast = false;
    while (!isLast) {
      const field = text[at] === '"' ? quoted(at) : plain(at);
      fields.push(field.value);
      line += field.breaks;
      isLast = text[field.end] !== ",";
      at = field.end + 1;
    }
    // What ended the record was \r\n, \n or the end of the text.
    if (text[at - 1] === "\r") at += 1;
    line += 1;
    if (fields.length > 1 || fields[0] !== "") yield { line: began, fields };
  }

  function plain(from: number): { value: string; end: number; breaks: number } {
    let end = from;
    while (end < text.length && text[end] !== "," && text[end] !== "\n" && !isReturn(end)) end += 1;
    return { value: text.slice(from, end), end, breaks: 0 };
  }

  function quoted(from: number): { value: string; end: number; breaks: number } {
    let end = from + 1;
    for (;;) {
      end = text.indexOf('"', end);
      if (end < 0) throw new CsvProblem(`line ${line}: expected the end of a quoted field, found none`);
      if (text[end + 1] !== '"') break;
      end += 2;
    }
    const inside = text.slice(from + 1, end);
    const after = text[end + 1];
    if (after !== undefined && after !== "," && after !== "\n" && !isReturn(end + 1)) {
      throw new CsvProblem(
        `line ${line}: expected a comma after a quoted field, found ${JSON.stringify(after)}`,
      );
    }
    return { value: inside.replaceAll('""', '"'), end: end + 1, breaks: inside.split("\n").length - 1 };
  }

  function isReturn(index: number): boolean {
    return text[index] === "\r" && text[index + 1] === "\n";
  }
}
