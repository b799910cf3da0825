/** The field for a learning rate: the forms that have one say the same of what it takes. */
import { html, type TemplateResult } from "lit";

/** @param placeholder  what holds where nothing is typed. */
export function learningRateField(placeholder: string): TemplateResult {
  return html`<input id="eta" name="eta" inputmode="decimal" autocomplete="off" placeholder=${placeholder}
    @input=${(event: Event) => (event.target as HTMLInputElement).setCustomValidity("")} />`;
}

/** What was typed; null where that is no learning rate: the field has said so then, until something else is typed. */
export function learningRateIn(field: HTMLInputElement): number | null {
  const learningRate = Number(field.value);
  if (learningRate > 0 && Number.isFinite(learningRate)) return learningRate;
  field.setCustomValidity("A positive number, such as 0.05");
  field.reportValidity();
  return null;
}
