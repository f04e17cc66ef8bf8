/**
 * Configurations that a schema admits: its limits, its words, and what is between.
 *
 * @module
 */
import type { BooleanField, ConfigSchema, NumberField, TextField } from "../../bus/config.ts";
import type { RandomSource } from "./random.ts";

type Value = number | string | boolean;

/** Some configuration that the schema admits. */
export function randomConfig(schema: ConfigSchema, random: RandomSource): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(schema).map(([name, field]) => [name, random.one(candidates(field, random))]),
  );
}

function candidates(field: NumberField | BooleanField | TextField, random: RandomSource): readonly Value[] {
  if (typeof field.default === "boolean") return [true, false];
  if (typeof field.default === "string") return (field as TextField).choices ?? [field.default, "", "x".repeat(300)];
  const { default: usual, min = -1e9, max = 1e9 } = field as NumberField;
  const between = min + (max - min) * random.below(1000) / 1000;
  return [usual, min, max, Number.isInteger(usual) ? Math.floor(between) : between];
}
