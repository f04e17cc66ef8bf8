/**
 * The type of what `parseArgs` returns, from the names given to it.
 *
 * @module
 */

/** Makes an intersection readable. */
type Flat<T> = { [K in keyof T]: T[K] } & unknown;

/** Option names with a type of their own: `true` and a plain `string` say nothing about names. */
type Named<T> = T extends string ? (string extends T ? never : T) : never;

type Default<D, K> = K extends keyof D ? D[K] : never;

/** One flag: a collected one is a list, a string without a default may be absent, a switch is false when absent. */
type Flag<K, B, S, C, D> = K extends Named<C>
  ? K extends Named<S> ? string[] | Default<D, K> : K extends Named<B> ? boolean[] | Default<D, K> : unknown[]
  : K extends Named<S> ? string | (K extends keyof D ? D[K] : undefined)
  : K extends Named<B> ? boolean | Default<D, K>
  : K extends keyof D ? unknown
  : never;

type Flags<B, S, C, D> = { [K in Named<B> | Named<S> | Named<C> | (keyof D & string)]: Flag<K, B, S, C, D> };

/** Other names of a flag carry its type. */
type Aliased<F, A> = A extends object ? {
    [K in keyof A as A[K] extends readonly (infer N extends string)[] ? N : A[K] & string]: K extends keyof F ? F[K]
      : unknown;
  }
  : unknown;

/** The result of `parseArgs`: flags by name, and the positional arguments under `_`. */
export type Args<F = Record<string, unknown>, DD extends boolean | undefined = undefined> = Flat<
  & F
  & { _: Array<string | number> }
  & (DD extends true ? { "--": string[] } : unknown)
>;

/** The flags of a call; any name may be read when none was declared. */
export type Values<B, S, C, D, A> = [Named<B> | Named<S> | Named<C>] extends [never]
  // deno-lint-ignore no-explicit-any -- the genuine signature: undeclared flags are untyped
  ? Record<string, any>
  : Record<string, unknown> & Flags<B, S, C, D> & Aliased<Flags<B, S, C, D>, A>;
