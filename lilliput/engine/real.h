/* What a number is: a float; in C for a chip without floats, board/whole.h stands in its place. */
#pragma once
#include <float.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __FAST_MATH__
#error "-ffast-math changes what a model says from one machine to the next: leave it out"
#endif
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD > 0
#error "floats must be worked out as floats here; on 32-bit x86 that is -msse2 -mfpmath=sse"
#endif

/* A copy of the busy loops for each generation of processors, chosen when the program starts. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && !defined(LP_SMALL)
#define FAST __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FAST
#endif

typedef float Real, Sum, Fixed; /* a number, a sum of many, a number of a table of places */
typedef int16_t Whole;          /* a number of a product's input */
/* TABLES: what is the same for every text is worked out once and kept, as memory is cheap here. */
enum { LANES = 16, PAIR = 2, ALIGNED = 64, TABLES = 1 };
#define LEAST -3.0e38f

static inline Real real(Fixed x) { return x; }
static inline int is_number(Real x) { return x - x == 0.0f; } /* and not infinite */
static inline Real plus(Real a, Real b) { return a + b; }
static inline Real times(Real a, Real b) { return a * b; }
static inline Real over(Real a, Real b) { return a / b; }
static inline Real ratio(int a, int b) { return (Real)a / (Real)b; }
static inline Sum epsilon(int one_in) { return 1.0f / (Real)one_in; } /* of a mean of squares */
static inline Sum part(Real share, Sum total) { return share * total; }
/* A part of a total as random as z is, from 0 to under the whole. */
static inline Sum drawn(uint64_t z, Sum of) { return (Real)((double)(z >> 11) * 0x1p-53) * of; }
