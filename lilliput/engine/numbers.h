/* Arithmetic that gives the same bits on every target: sums in a fixed order or in whole numbers,
 * exp and tanh of our own, no product and sum contracted into one.
 *
 * A matrix lies in bands of LANES rows, column by column, so that each row's sum runs over the
 * columns in their order while LANES rows are worked out side by side. Whole numbers lie in pairs
 * of columns. Rows and columns of zeros fill the last band and the last pair.
 */
#ifndef LILLIPUT_NUMBERS_H
#define LILLIPUT_NUMBERS_H

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

enum { LANES = 16 };
#define BYTES(n) ((size_t)(n) * sizeof(float)) /* of n numbers */
#define ROUND 12582912.0f /* 1.5 * 2^23: once added, only whole numbers are left */

typedef enum { FLOAT32 = 0, INT16 = 1, INT8 = 2 } Kind;

typedef struct {
    const void *data;
    const float *scale; /* of each row of whole numbers */
    int rows, cols;     /* no rows: there is no such matrix */
    Kind kind;
} Matrix;

/* W x + b, where W is left, or left times right. */
typedef struct {
    Matrix left, right;
    const float *bias; /* NULL: none */
} Linear;

/* (x - mean) / deviation * gain + bias; where it is not centred, the mean is taken for 0. */
typedef struct {
    const float *gain, *bias;
    float epsilon;
    int centred;
} Norm;

/* Rooms for a product's input in between. */
typedef struct {
    float *between;
    int16_t *whole;
} Room;

static inline size_t up_to(size_t n, size_t of) { return (n + of - 1) / of * of; }

/* out = W x, in whole bands: out has room for rows rounded up to LANES. */
void multiply(const Matrix *w, const float *x, float *out, Room room);
void apply(const Linear *w, const float *x, float *out, Room room);

void row_of(const Matrix *w, int row, float *out);
void add(const float *x, float *out, int n);
float dot(const float *a, const float *b, int n);
/* out += sum over rows t of weight[t] * rows[t * stride]. */
void add_weighted(const float *weight, const float *rows, size_t stride, size_t count, int n,
                  float *out);
void normalise(const Norm *w, const float *x, float *out, int n);

float exponential(float x);
void sigmoid_all(float *x, int n);
void tanh_all(float *x, int n);
void gelu_all(float *x, int n), gelu_erf_all(float *x, int n); /* by tanh, as in GPT-2; itself */
void swiglu(float *gate, const float *up, int n); /* gate becomes gate * sigmoid(gate) * up */
/* x becomes probabilities, those of scale * x; it has room for n rounded up to eight. */
void softmax(float *x, int n, float scale);
/* h after a step of a gated recurrent unit of n numbers: gates (3 n) from the input, and from h. */
void gated_step(float *gates, const float *from_hidden, float *h, int n);
float inverse_root(float x);
void turn(float angle, float *cosine, float *sine); /* of an angle in radians */

#endif
