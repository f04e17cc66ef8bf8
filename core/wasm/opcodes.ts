/**
 * The opcodes of the numeric and memory instructions, grouped by signature. A prefixed opcode is written
 * `prefix << 16 | code`. Names are those of the text format without the type in front, dots as underscores.
 *
 * @module
 */

const SATURATING = 0xfc0000;
const ATOMIC = 0xfe0000;

/** `i32` instructions. */
export const I32 = {
  unary: { clz: 0x67, ctz: 0x68, popcnt: 0x69, extend8_s: 0xc0, extend16_s: 0xc1 },
  binary: {
    add: 0x6a,
    sub: 0x6b,
    mul: 0x6c,
    div_s: 0x6d,
    div_u: 0x6e,
    rem_s: 0x6f,
    rem_u: 0x70,
    and: 0x71,
    or: 0x72,
    xor: 0x73,
    shl: 0x74,
    shr_s: 0x75,
    shr_u: 0x76,
    rotl: 0x77,
    rotr: 0x78,
  },
  test: { eqz: 0x45 },
  compare: {
    eq: 0x46,
    ne: 0x47,
    lt_s: 0x48,
    lt_u: 0x49,
    gt_s: 0x4a,
    gt_u: 0x4b,
    le_s: 0x4c,
    le_u: 0x4d,
    ge_s: 0x4e,
    ge_u: 0x4f,
  },
  from_i64: { wrap_i64: 0xa7 },
  from_f32: {
    trunc_f32_s: 0xa8,
    trunc_f32_u: 0xa9,
    trunc_sat_f32_s: SATURATING | 0,
    trunc_sat_f32_u: SATURATING | 1,
    reinterpret_f32: 0xbc,
  },
  from_f64: {
    trunc_f64_s: 0xaa,
    trunc_f64_u: 0xab,
    trunc_sat_f64_s: SATURATING | 2,
    trunc_sat_f64_u: SATURATING | 3,
  },
  load: { load: 0x28, load8_s: 0x2c, load8_u: 0x2d, load16_s: 0x2e, load16_u: 0x2f },
  store: { store: 0x36, store8: 0x3a, store16: 0x3b },
} as const;

/** `i64` instructions. */
export const I64 = {
  unary: { clz: 0x79, ctz: 0x7a, popcnt: 0x7b, extend8_s: 0xc2, extend16_s: 0xc3, extend32_s: 0xc4 },
  binary: {
    add: 0x7c,
    sub: 0x7d,
    mul: 0x7e,
    div_s: 0x7f,
    div_u: 0x80,
    rem_s: 0x81,
    rem_u: 0x82,
    and: 0x83,
    or: 0x84,
    xor: 0x85,
    shl: 0x86,
    shr_s: 0x87,
    shr_u: 0x88,
    rotl: 0x89,
    rotr: 0x8a,
  },
  test: { eqz: 0x50 },
  compare: {
    eq: 0x51,
    ne: 0x52,
    lt_s: 0x53,
    lt_u: 0x54,
    gt_s: 0x55,
    gt_u: 0x56,
    le_s: 0x57,
    le_u: 0x58,
    ge_s: 0x59,
    ge_u: 0x5a,
  },
  from_i32: { extend_i32_s: 0xac, extend_i32_u: 0xad },
  from_f32: {
    trunc_f32_s: 0xae,
    trunc_f32_u: 0xaf,
    trunc_sat_f32_s: SATURATING | 4,
    trunc_sat_f32_u: SATURATING | 5,
  },
  from_f64: {
    trunc_f64_s: 0xb0,
    trunc_f64_u: 0xb1,
    trunc_sat_f64_s: SATURATING | 6,
    trunc_sat_f64_u: SATURATING | 7,
    reinterpret_f64: 0xbd,
  },
  load: {
    load: 0x29,
    load8_s: 0x30,
    load8_u: 0x31,
    load16_s: 0x32,
    load16_u: 0x33,
    load32_s: 0x34,
    load32_u: 0x35,
  },
  store: { store: 0x37, store8: 0x3c, store16: 0x3d, store32: 0x3e },
} as const;

/** `f32` instructions. */
export const F32 = {
  unary: { abs: 0x8b, neg: 0x8c, ceil: 0x8d, floor: 0x8e, trunc: 0x8f, nearest: 0x90, sqrt: 0x91 },
  binary: { add: 0x92, sub: 0x93, mul: 0x94, div: 0x95, min: 0x96, max: 0x97, copysign: 0x98 },
  compare: { eq: 0x5b, ne: 0x5c, lt: 0x5d, gt: 0x5e, le: 0x5f, ge: 0x60 },
  from_i32: { convert_i32_s: 0xb2, convert_i32_u: 0xb3, reinterpret_i32: 0xbe },
  from_i64: { convert_i64_s: 0xb4, convert_i64_u: 0xb5 },
  from_f64: { demote_f64: 0xb6 },
  load: { load: 0x2a },
  store: { store: 0x38 },
} as const;

/** `f64` instructions. */
export const F64 = {
  unary: { abs: 0x99, neg: 0x9a, ceil: 0x9b, floor: 0x9c, trunc: 0x9d, nearest: 0x9e, sqrt: 0x9f },
  binary: { add: 0xa0, sub: 0xa1, mul: 0xa2, div: 0xa3, min: 0xa4, max: 0xa5, copysign: 0xa6 },
  compare: { eq: 0x61, ne: 0x62, lt: 0x63, gt: 0x64, le: 0x65, ge: 0x66 },
  from_i32: { convert_i32_s: 0xb7, convert_i32_u: 0xb8 },
  from_i64: { convert_i64_s: 0xb9, convert_i64_u: 0xba, reinterpret_i64: 0xbf },
  from_f32: { promote_f32: 0xbb },
  load: { load: 0x2b },
  store: { store: 0x39 },
} as const;

/** `i32` atomic instructions (threads proposal). */
export const I32_ATOMIC = {
  load: { atomic_load: ATOMIC | 0x10, atomic_load8_u: ATOMIC | 0x12, atomic_load16_u: ATOMIC | 0x13 },
  store: { atomic_store: ATOMIC | 0x17, atomic_store8: ATOMIC | 0x19, atomic_store16: ATOMIC | 0x1a },
  rmw: {
    atomic_rmw_add: ATOMIC | 0x1e,
    atomic_rmw8_add_u: ATOMIC | 0x20,
    atomic_rmw16_add_u: ATOMIC | 0x21,
    atomic_rmw_sub: ATOMIC | 0x25,
    atomic_rmw8_sub_u: ATOMIC | 0x27,
    atomic_rmw16_sub_u: ATOMIC | 0x28,
    atomic_rmw_and: ATOMIC | 0x2c,
    atomic_rmw8_and_u: ATOMIC | 0x2e,
    atomic_rmw16_and_u: ATOMIC | 0x2f,
    atomic_rmw_or: ATOMIC | 0x33,
    atomic_rmw8_or_u: ATOMIC | 0x35,
    atomic_rmw16_or_u: ATOMIC | 0x36,
    atomic_rmw_xor: ATOMIC | 0x3a,
    atomic_rmw8_xor_u: ATOMIC | 0x3c,
    atomic_rmw16_xor_u: ATOMIC | 0x3d,
    atomic_rmw_xchg: ATOMIC | 0x41,
    atomic_rmw8_xchg_u: ATOMIC | 0x43,
    atomic_rmw16_xchg_u: ATOMIC | 0x44,
  },
  cmpxchg: {
    atomic_rmw_cmpxchg: ATOMIC | 0x48,
    atomic_rmw8_cmpxchg_u: ATOMIC | 0x4a,
    atomic_rmw16_cmpxchg_u: ATOMIC | 0x4b,
  },
} as const;

/** `i64` atomic instructions (threads proposal). */
export const I64_ATOMIC = {
  load: {
    atomic_load: ATOMIC | 0x11,
    atomic_load8_u: ATOMIC | 0x14,
    atomic_load16_u: ATOMIC | 0x15,
    atomic_load32_u: ATOMIC | 0x16,
  },
  store: {
    atomic_store: ATOMIC | 0x18,
    atomic_store8: ATOMIC | 0x1b,
    atomic_store16: ATOMIC | 0x1c,
    atomic_store32: ATOMIC | 0x1d,
  },
  rmw: {
    atomic_rmw_add: ATOMIC | 0x1f,
    atomic_rmw8_add_u: ATOMIC | 0x22,
    atomic_rmw16_add_u: ATOMIC | 0x23,
    atomic_rmw32_add_u: ATOMIC | 0x24,
    atomic_rmw_sub: ATOMIC | 0x26,
    atomic_rmw8_sub_u: ATOMIC | 0x29,
    atomic_rmw16_sub_u: ATOMIC | 0x2a,
    atomic_rmw32_sub_u: ATOMIC | 0x2b,
    atomic_rmw_and: ATOMIC | 0x2d,
    atomic_rmw8_and_u: ATOMIC | 0x30,
    atomic_rmw16_and_u: ATOMIC | 0x31,
    atomic_rmw32_and_u: ATOMIC | 0x32,
    atomic_rmw_or: ATOMIC | 0x34,
    atomic_rmw8_or_u: ATOMIC | 0x37,
    atomic_rmw16_or_u: ATOMIC | 0x38,
    atomic_rmw32_or_u: ATOMIC | 0x39,
    atomic_rmw_xor: ATOMIC | 0x3b,
    atomic_rmw8_xor_u: ATOMIC | 0x3e,
    atomic_rmw16_xor_u: ATOMIC | 0x3f,
    atomic_rmw32_xor_u: ATOMIC | 0x40,
    atomic_rmw_xchg: ATOMIC | 0x42,
    atomic_rmw8_xchg_u: ATOMIC | 0x45,
    atomic_rmw16_xchg_u: ATOMIC | 0x46,
    atomic_rmw32_xchg_u: ATOMIC | 0x47,
  },
  cmpxchg: {
    atomic_rmw_cmpxchg: ATOMIC | 0x49,
    atomic_rmw8_cmpxchg_u: ATOMIC | 0x4c,
    atomic_rmw16_cmpxchg_u: ATOMIC | 0x4d,
    atomic_rmw32_cmpxchg_u: ATOMIC | 0x4e,
  },
} as const;

/** Atomic instructions that belong to no type. */
export const ATOMIC_OTHER = {
  memory_atomic_notify: ATOMIC | 0x00,
  memory_atomic_wait32: ATOMIC | 0x01,
  memory_atomic_wait64: ATOMIC | 0x02,
  atomic_fence: ATOMIC | 0x03,
} as const;

/** Control, variable, reference, table and bulk memory instructions. */
export const OP = {
  unreachable: 0x00,
  nop: 0x01,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  br_if: 0x0d,
  br_table: 0x0e,
  return: 0x0f,
  call: 0x10,
  call_indirect: 0x11,
  return_call: 0x12,
  return_call_indirect: 0x13,
  drop: 0x1a,
  select: 0x1b,
  select_typed: 0x1c,
  local_get: 0x20,
  local_set: 0x21,
  local_tee: 0x22,
  global_get: 0x23,
  global_set: 0x24,
  table_get: 0x25,
  table_set: 0x26,
  memory_size: 0x3f,
  memory_grow: 0x40,
  i32_const: 0x41,
  i64_const: 0x42,
  f32_const: 0x43,
  f64_const: 0x44,
  ref_null: 0xd0,
  ref_is_null: 0xd1,
  ref_func: 0xd2,
  memory_copy: 0xfc000a,
  memory_fill: 0xfc000b,
  table_grow: 0xfc000f,
  table_size: 0xfc0010,
} as const;

/** The byte of a block type that takes and gives nothing. */
export const EMPTY_BLOCK = 0x40;
