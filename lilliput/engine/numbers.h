/* Arithmetic that gives the same bits on every target: sums in a fixed order or in whole numbers,
 * exp and tanh of our own, no product and sum contracted into one.
 *
 * A matrix lies in bands of LANES rows, column by column, so that each row's sum runs over the
 * columns in their order while LANES rows are worked out side by side. Whole numbers lie in pairs of
 * columns; their sums are exact. Rows and columns of zeros fill the last band and the last pair.
 */
#ifndef LILLIPUT_NUMBERS_H
#define LILLIPUT_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

enum { LANES = 16 };

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

/* Rooms for a product's input in between. */
typedef struct {
    float *between;
    int16_t *whole;
} Room;

static inline size_t up_to(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

/* out = W x, in whole bands: out has room for rows rounded up to LANES. */
void multiply(const Matrix *w, const float *x, float *out, Room room);
void apply(const Linear *w, const float *x, float *out, Room room);

/* out += a row of the matrix. */
void add_row(const Matrix *w, int row, float *out);
void add(const float *x, float *out, int n);
float dot(const float *a, const float *b, int n);

/* out += sum over rows t of weight[t] * rows[t * stride]. */
void add_weighted(const float *weight, const float *rows, size_t stride, int count, int n, float *out);

void exp_all(float *x, int n);
void sigmoid_all(float *x, int n);
void tanh_all(float *x, int n);
/* Tanh's approximation of GELU, as GPT-2 has it. */
void gelu_all(float *x, int n);
void swiglu(float *gate, const float *up, int n); /* gate becomes gate * sigmoid(gate) * up */
/* x becomes probabilities, those of scale * x. */
void softmax(float *x, int n, float scale);
float inverse_root(float x);

/* Cosine and sine of an angle in radians. */
void turn(float angle, float *cosine, float *sine);

/* x / rms(x) * gain with epsilon 1e-6; (x - mean) / deviation * gain + bias with 1e-5. */
void rms_norm(const float *x, const float *gain, float *out, int n);
void layer_norm(const float *x, const float *gain, const float *bias, float *out, int n);

#endif
