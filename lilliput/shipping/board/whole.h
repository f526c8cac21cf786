/* What a number of the engine is on a chip that has no floats: a whole number of parts of 2^18,
 * held within 2^30 of them, so that any two may be added. It stands in the place of real.h. */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef int32_t Real, Whole; /* a number, and one of a product's input */
typedef int64_t Sum;         /* of many numbers */
typedef int16_t Fixed;       /* a number of a table of places, within 4, in parts of 2^13 */
/* LANES: rows whose sums a Cortex-M keeps in registers side by side. TABLES: none, for memory is
 * dear, and what they would hold is worked out where it is used. */
enum { LANES = 4, PAIR = 1, ALIGNED = 8, TABLES = 0 };
enum { FRACTION = 18, ONE = 1 << FRACTION, LARGEST = (1 << 30) - 1 };
#define LEAST (-LARGEST)

static inline int is_number(Real x) { return -LARGEST <= x && x <= LARGEST; }
static inline Real real(Fixed x) { return x * (1 << (FRACTION - 13)); }
static inline Real held(int64_t x) { return (Real)(x > LARGEST ? LARGEST : x < LEAST ? LEAST : x); }
/* x / 2^by, rounded. */
static inline int64_t shifted(int64_t x, int by) { return by ? ((x >> (by - 1)) + 1) >> 1 : x; }
static inline Real plus(Real a, Real b) { return held((int64_t)a + b); }
static inline Real times(Real a, Real b) { return held(shifted((int64_t)a * b, FRACTION)); }
static inline Real over(Real a, Real b) { return held((int64_t)a * ONE / b); }
static inline Real ratio(int a, int b) { return held((int64_t)a * ONE / b); }
/* Of a mean of squares, in parts of 2^36. */
static inline Sum epsilon(int one_in) { return (Sum)ONE * ONE / one_in; }
static inline Sum part(Real share, Sum total) { return total * share >> FRACTION; }
/* A part of a total as random as z is, from 0 to under the whole. */
static inline Sum drawn(uint64_t z, Sum of) { return (Sum)((z >> 40) * (uint64_t)of >> 24); }
