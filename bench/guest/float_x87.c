/* The x87's versions of the floating-point workloads. */
#define NAME(kernel) kernel##_x87
#define REAL long double
#define SCALE 1
#define SQRT(value) __builtin_sqrtl(value)
#include "float_kernels.h"
