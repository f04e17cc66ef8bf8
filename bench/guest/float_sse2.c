/* The scalar SSE2 versions of the floating-point workloads. */
#define NAME(kernel) kernel##_sse2
#define REAL double
#define SCALE 4
#define SQRT(value) __builtin_sqrt(value)
#include "float_kernels.h"
