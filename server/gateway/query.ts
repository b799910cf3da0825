/** Query strings, checked like everything else from outside. */
import * as z from "zod/mini";
import { check } from "./explain.ts";
import { Refused } from "./refused.ts";

/** A whole number in decimal digits: Number("") and Number("0x1f") are numbers, too. */
export function whole(minimum: number, maximum: number) {
  return z.pipe(
    z.string().check(z.regex(/^\d{1,16}$/, { error: "expected a whole number" })),
    z.pipe(
      z.transform((text: string) => Number(text)),
      z.int().check(z.gte(minimum), z.lte(maximum)),
    ),
  );
}

export function readQuery<Schema extends z.ZodMiniType>(schema: Schema, query: unknown): z.output<Schema> {
  const checked = check(schema, query);
  if (checked.ok) return checked.value;
  throw new Refused(400, "bad-query", checked.message);
}
