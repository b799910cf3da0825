/** One sentence for what is wrong with an outside value: where, what was expected, what came. */
import * as z from "zod/mini";

const english = z.locales.en().localeError;

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string };

export function check<Schema extends z.ZodMiniType>(
  schema: Schema,
  input: unknown,
): Checked<z.output<Schema>> {
  const result = z.safeParse(schema, input, { error: english, reportInput: true });
  if (result.success) return { ok: true, value: result.data };
  const issue = result.error.issues[0];
  if (issue === undefined) return { ok: false, message: "not valid" };
  return { ok: false, message: sentence(issue) };
}

function sentence(issue: z.core.$ZodIssue): string {
  const where = issue.path.length > 0 ? `${issue.path.join(".")}: ` : "";
  // A union reports every branch; the first shallow one says enough.
  const expected =
    issue.code === "invalid_union" && issue.errors.length > 0
      ? issue.errors.map((branch) => branch[0]?.message.replace("Invalid input: ", "") ?? "").join("; or ")
      : issue.message;
  // Of a discriminator the issue carries the whole object, not the field's value.
  const holder = issue.input;
  const field = issue.path.at(-1);
  const got =
    issue.code === "invalid_union" &&
    issue.errors.length === 0 &&
    holder !== null &&
    typeof holder === "object"
      ? (holder as Record<PropertyKey, unknown>)[field ?? ""]
      : holder;
  return `${where}${expected}${issue.code === "unrecognized_keys" ? "" : `, got ${short(got)}`}`;
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
