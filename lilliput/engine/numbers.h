/* Arithmetic that gives the same bits on every target: sums in a fixed order or in whole numbers,
 * exp and tanh of our own, no product and sum contracted into one.
 *
 * A matrix lies in bands of LANES rows, column by column: each row's sum runs over the columns in
 * their order, with LANES rows side by side. Whole numbers lie in groups of PAIR columns. Rows and
 * columns of zeros fill the last band and the last group. */
#pragma once
#include "real.h"

#define BYTES(n) ((size_t)(n) * sizeof(Real)) /* of n numbers */
#define ROUND 12582912.0f /* 1.5 * 2^23: once added, only whole numbers are left */

typedef enum { REAL = 0, INT16 = 1, INT8 = 2 } Kind;

typedef struct {
    const void *data;
    const Real *scale; /* of each row of whole numbers */
    int rows, cols;    /* no rows: there is no such matrix */
    Kind kind;
} Matrix;

/* W x + b, where W is left, or left times right. */
typedef struct {
    Matrix left, right;
    const Real *bias; /* NULL: none */
} Linear;

/* (x - mean) / deviation * gain + bias; where it is not centred, the mean is taken for 0. */
typedef struct {
    const Real *gain, *bias;
    Sum epsilon;
    int centred;
} Norm;

/* Rooms for a product's input in between. */
typedef struct {
    Real *between;
    Whole *whole;
} Room;

static inline size_t up_to(size_t n, size_t of) { return (n + of - 1) / of * of; }

/* out = W x, in whole bands: out has room for rows rounded up to LANES. */
void multiply(const Matrix *w, const Real *x, Real *out, Room room);
void apply(const Linear *w, const Real *x, Real *out, Room room);

void row_of(const Matrix *w, int row, Real *out);
void add(const Real *x, Real *out, int n);
Real dot(const Real *a, const Real *b, int n);
/* out += sum over rows t of weight[t] * rows[t * step]. */
void add_weighted(const Real *weight, const Real *rows, size_t step, size_t count, int n,
                  Real *out);
void normalise(const Norm *w, const Real *x, Real *out, int n);

Real exponential(Real x);
void sigmoid_all(Real *x, int n), tanh_all(Real *x, int n);
void gelu_all(Real *x, int n), gelu_erf_all(Real *x, int n); /* by tanh, as in GPT-2; itself */
void swiglu(Real *gate, const Real *up, int n); /* gate becomes gate * sigmoid(gate) * up */
/* x becomes probabilities, those of scale * x; it has room for n rounded up to eight. */
void softmax(Real *x, int n, Real scale);
/* h after a step of a gated recurrent unit of n numbers: gates (3 n) from the input, and from h. */
void gated_step(Real *gates, const Real *from_hidden, Real *h, int n);
Real inverse_root(Real x);
/* Of n angles, each of them so often. */
void turn(int often, const Real *angles, int n, Real *cosine, Real *sine);
