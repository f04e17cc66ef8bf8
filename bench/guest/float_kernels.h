/* Floating point in double precision, included once for the x87 and once for SSE2. REAL is the type of what stays in registers: on the
 * x87 it is the 80-bit type, so that results do not depend on what a compiler spills. What is stored in memory is double.
 * SCALE sizes the work. */
#include "guest.h"

u32 NAME(mandel)(void) {
  enum { WIDTH = 200, HEIGHT = 150, LIMIT = 400 };
  u32 sum = FNV_BASIS;
  for (int row = 0; row < HEIGHT * SCALE; row++) {
    for (int column = 0; column < WIDTH; column++) {
      REAL cr = (REAL)column * (REAL)(1.0 / 64) - (REAL)2.25, ci = (REAL)(row % HEIGHT) * (REAL)(1.0 / 64) - (REAL)1.171875;
      REAL zr = 0, zi = 0;
      u32 count = 0;
      while (count < LIMIT) {
        REAL rr = zr * zr, ii = zi * zi;
        if (rr + ii > (REAL)4) break;
        zi = (zr + zr) * zi + ci;
        zr = rr - ii + cr;
        count++;
      }
      sum = fnv(sum, count);
    }
  }
  return sum;
}

struct body {
  double x[3], v[3], mass;
};

u32 NAME(nbody)(void) {
  enum { COUNT = 5 };
  struct body bodies[COUNT];
  u32 state = 31;
  for (int i = 0; i < COUNT; i++) {
    for (int k = 0; k < 3; k++) {
      bodies[i].x[k] = (double)(int)(next_random(&state) >> 12) * (1.0 / (1 << 17));
      bodies[i].v[k] = (double)(int)(next_random(&state) >> 12) * (1.0 / (1 << 22));
    }
    bodies[i].mass = (double)(int)(next_random(&state) >> 12) * (1.0 / (1 << 20));
  }
  const REAL step = (REAL)(1.0 / 1024);
  for (u32 n = 0; n < 60000 * SCALE; n++) {
    for (int i = 0; i < COUNT; i++) {
      struct body *left = &bodies[i];
      for (int j = i + 1; j < COUNT; j++) {
        struct body *right = &bodies[j];
        REAL dx = (REAL)left->x[0] - right->x[0], dy = (REAL)left->x[1] - right->x[1], dz = (REAL)left->x[2] - right->x[2];
        REAL distance = dx * dx + dy * dy + dz * dz + (REAL)0.01;
        REAL magnitude = step / (distance * SQRT(distance));
        REAL pull = right->mass * magnitude, back = left->mass * magnitude;
        left->v[0] = (double)(left->v[0] - dx * pull);
        left->v[1] = (double)(left->v[1] - dy * pull);
        left->v[2] = (double)(left->v[2] - dz * pull);
        right->v[0] = (double)(right->v[0] + dx * back);
        right->v[1] = (double)(right->v[1] + dy * back);
        right->v[2] = (double)(right->v[2] + dz * back);
      }
    }
    for (int i = 0; i < COUNT; i++) {
      for (int k = 0; k < 3; k++) bodies[i].x[k] = (double)(bodies[i].x[k] + step * bodies[i].v[k]);
    }
  }
  u32 sum = FNV_BASIS;
  for (int i = 0; i < COUNT; i++) {
    for (int k = 0; k < 3; k++) {
      union {
        double value;
        u64 bits;
      } x = {bodies[i].x[k]};
      sum = fnv(sum, fold(x.bits));
    }
  }
  return sum;
}
