/** What a page of documentation points at. */

export interface Page {
  /** Path from the repository's root. */
  readonly path: string;
  readonly text: string;
}

export interface Link {
  readonly target: string;
  /** 1-based. */
  readonly line: number;
}

/** Links and images that lead to files of this repository or to a heading of the same page. */
export function relativeLinks(text: string): Link[] {
  return withoutCode(text)
    .split("\n")
    .flatMap((line, index) =>
      [...line.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|<img[^>]*\ssrc="([^"]+)"/g)].map(
        (match) => ({
          target: match[1] ?? match[2] ?? "",
          line: index + 1,
        }),
      ),
    )
    .filter(({ target }) => !/^[a-z][a-z+.-]*:/i.test(target));
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchors(text: string): Set<string> {
  const seen = new Map<string, number>();
  const found = new Set<string>();
  for (const [, title = ""] of withoutCode(text, false).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const slug = title
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{Nd}\p{M}\p{Pc}\s-]/gu, "")
      .replaceAll(/\s/g, "-");
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    found.add(count === 0 ? slug : `${slug}-${count}`);
  }
  return found;
}

/** Same lines, with fenced blocks (and code spans) blank: what stands in them is no link and no heading. */
function withoutCode(text: string, spansToo = true): string {
  let fence: string | null = null;
  return text
    .split("\n")
    .map((line) => {
      const mark = /^\s*(```+|~~~+)/.exec(line)?.[1];
      if (fence !== null) {
        if (mark?.startsWith(fence)) fence = null;
        return "";
      }
      if (mark) {
        fence = mark;
        return "";
      }
      return spansToo ? line.replaceAll(/`[^`]*`/g, "") : line;
    })
    .join("\n");
}
