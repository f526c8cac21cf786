/* The engine's arithmetic (numbers.h) in whole numbers alone: for a chip without floats, and on any
 * other machine the same to the last bit. What is too large is held at the largest number. */
#include "numbers.h"

/* Of row scales: a mantissa of 23 bits, and below it by how many places it is shifted. */
enum { SHIFT_BITS = 6, SHIFT = (1 << SHIFT_BITS) - 1 };

static int bits_of(uint32_t x)
{
    int bits = 0;
    for (; x; x >>= 1) bits++;
    return bits;
}

static uint32_t size_of(Real x) { return x < 0 ? 0u - (uint32_t)x : (uint32_t)x; }

static uint32_t high(uint32_t a, uint32_t b) { return (uint32_t)((uint64_t)a * b >> 32); }

/* v / 2^by, where by may be less than nothing. */
static Real scaled(int64_t v, int by)
{
    if (by >= 0) return held(shifted(v, by));
    return v > LARGEST >> -by ? LARGEST : v < -(LARGEST >> -by) ? LEAST : (Real)(v * (1 << -by));
}

void add(const Real *x, Real *out, int n)
{
    for (int i = 0; i < n; i++) out[i] = plus(out[i], x[i]);
}

/* Of a (n) within 2^30 and b within ONE, as states and shares are. */
Real dot(const Real *a, const Real *b, int n)
{
    Sum sum = 0;
    for (int i = 0; i < n; i++) sum += (int64_t)a[i] * b[i];
    return held(shifted(sum, FRACTION));
}

/* A product's input in so many bits that no sum of a row of bytes is over 31, and none of shorts,
 * times its scale, over 62. Returns by how many places it was shifted; none: it is x itself. */
static int to_whole(const Real *x, int n, Whole *whole)
{
    int bits = 24 - bits_of((uint32_t)n - 1);
    uint32_t most = 0;
    for (int i = 0; i < n; i++) most = size_of(x[i]) > most ? size_of(x[i]) : most;
    int by = bits_of(most) - bits, limit = (1 << bits) - 1;
    for (int i = 0; by > 0 && i < n; i++) {
        int64_t v = shifted(x[i], by);
        whole[i] = (Whole)(v > limit ? limit : v < -limit ? -limit : v);
    }
    return by > 0 ? by : 0;
}

/* Told to save bytes, gcc keeps sums of shorts in memory and not in registers. */
#if defined(__GNUC__) && !defined(__clang__)
#define LOOP __attribute__((noinline, optimize("O2")))
#else
#define LOOP
#endif

/* Of a band, or of as many columns of rows that lie so far from one another. */
#define SUM(name, Number, Total) \
    static LOOP void name(const Number *w, size_t step, int count, const Whole *x, Sum *sum) \
    { \
        Total a = 0, b = 0, c = 0, d = 0; \
        for (; count > 0; count--, w += step) { \
            Total each = *x++; \
            a += each * w[0], b += each * w[1], c += each * w[2], d += each * w[3]; \
        } \
        sum[0] = a, sum[1] = b, sum[2] = c, sum[3] = d; \
    }
SUM(sum_bytes, int8_t, int32_t)
SUM(sum_shorts, int16_t, int64_t)
SUM(sum_numbers, Real, int64_t)

void add_weighted(
    const Real *weight, const Real *rows, size_t step, size_t count, int n, Real *out)
{
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
        Sum sum[LANES];
        sum_numbers(rows + i, step, (int)count, weight, sum);
        for (int k = 0; k < LANES; k++) out[i + k] = held(out[i + k] + shifted(sum[k], FRACTION));
    }
    for (; i < n; i++) {
        Sum sum = 0;
        for (size_t t = 0; t < count; t++) sum += (int64_t)weight[t] * rows[t * step + (size_t)i];
        out[i] = held(out[i] + shifted(sum, FRACTION));
    }
}

void multiply(const Matrix *w, const Real *x, Real *out, Room room)
{
    Sum sum[LANES];
    int by = to_whole(x, w->cols, room.whole);
    if (by) x = room.whole;
    for (int row = 0; row < w->rows; row++) {
        size_t at = (size_t)row * (size_t)w->cols;
        Sum *found = sum + row % LANES;
        if (found == sum) {
            if (w->kind == INT8) sum_bytes((const int8_t *)w->data + at, LANES, w->cols, x, sum);
            if (w->kind == INT16) sum_shorts((const int16_t *)w->data + at, LANES, w->cols, x, sum);
            if (w->kind == REAL) sum_numbers((const Real *)w->data + at, LANES, w->cols, x, sum);
        }
        Real scale = w->kind == REAL ? 1 << SHIFT_BITS | FRACTION : w->scale[row];
        out[row] = scaled(*found * (scale >> SHIFT_BITS), (scale & SHIFT) - by);
    }
}

void apply(const Linear *w, const Real *x, Real *out, Room room)
{
    if (w->right.rows) multiply(&w->right, x, room.between, room);
    multiply(&w->left, w->right.rows ? room.between : x, out, room);
    if (w->bias) add(w->bias, out, w->left.rows);
}

void row_of(const Matrix *w, int row, Real *out)
{
    Real mantissa = w->scale[row] >> SHIFT_BITS, shift = w->scale[row] & SHIFT;
    size_t at = (size_t)(row / LANES * w->cols) * LANES + (size_t)(row % LANES);
    const int8_t *bytes = (const int8_t *)w->data;
    const int16_t *shorts = (const int16_t *)w->data;
    for (int i = 0; i < w->cols; i++, at += LANES) {
        int number = w->kind == INT8 ? bytes[at] : shorts[at];
        out[i] = scaled((int64_t)number * mantissa, shift - FRACTION);
    }
}

/* e^x in parts of 2^bits, within 2^31: 2 to the power of x / log 2, whose fraction goes through a
 * polynomial that is off by at most 1.1e-7 of itself. */
static uint32_t power(Real x, int bits)
{
    int64_t exponent = (int64_t)x * 1549082005; /* log2(e) * 2^30 */
    uint32_t f = (uint32_t)(exponent >> (FRACTION - 2));
    uint32_t p = 19363921 + high(4009633, f);
    p = high(1488531108 + high(515749229 + high(119829404 + high(p, f), f), f), f);
    int by = 31 - bits - (int)(exponent >> (FRACTION + 30));
    if (by < 1) return LARGEST;
    return by < 32 ? (uint32_t)shifted((int64_t)(0x80000000u + p), by) : 0;
}

Real exponential(Real x) { return held(power(x, FRACTION)); }

/* 2^60 / d of d from 2^30, by a step of Newton's method. */
static uint32_t inverse(uint32_t d)
{
    int64_t y = (int64_t)(0xffffffffu / (d >> 15)) << 13;
    return (uint32_t)(y + (y * (((int64_t)1 << 30) - (d * y >> 30)) >> 30));
}

enum { WHOLE_30 = 1 << 30 }; /* one, of what is kept in parts of 2^30 */

static uint32_t logistic(Real x)
{
    uint32_t share = inverse(WHOLE_30 + power(-(Real)size_of(x), 30));
    return x < 0 ? WHOLE_30 - share : share;
}

static Real sigmoid(Real x) { return (Real)shifted(logistic(x), 30 - FRACTION); }

static Real hyperbolic(Real x)
{
    Real size = x < 16 * ONE ? x > -16 * ONE ? (Real)size_of(x) : 16 * ONE : 16 * ONE;
    int64_t rest = power(-2 * size, 30);
    int64_t share = (WHOLE_30 - rest) * inverse((uint32_t)(WHOLE_30 + rest));
    Real found = (Real)shifted(share, 60 - FRACTION);
    return x < 0 ? -found : found;
}

static Real eight(Real x) { return x > 8 * ONE ? 8 * ONE : x < -8 * ONE ? -8 * ONE : x; }

/* x times the share of the sigmoid, or of its tanh, which is a sigmoid of twice as much. */
static Real gated(Real x, Real by) { return (Real)shifted((int64_t)x * logistic(by), 30); }

static Real gelu(Real x)
{
    Real near = eight(x), cube = (Real)((int64_t)times(near, near) * 76616541 >> 30);
    return gated(x, times(near, cube + ratio(15957691, 10000000)));
}

/* As numbers.c has it; its polynomial in parts of 2^28. */
static Real gelu_erf(Real x)
{
    Real near = (Real)size_of(eight(x));
    int64_t t = inverse((uint32_t)(WHOLE_30 + ((int64_t)near * 248723585 >> FRACTION)));
    int64_t p = -390081213 + (t * 284920713 >> 30);
    p = 381559188 + (t * p >> 30);
    p = -76368760 + (t * p >> 30);
    p = t * (68405429 + (t * p >> 30)) >> 30;
    Real beyond = (Real)shifted(x * (p * power(-times(near, near) / 2, 30) >> 31), 28);
    return x < 0 ? beyond : x - beyond;
}

#define EACH(name, value) \
    void name(Real *x, int n) \
    { \
        for (int i = 0; i < n; i++) x[i] = value; \
    }
EACH(sigmoid_all, sigmoid(x[i]))
EACH(tanh_all, hyperbolic(x[i]))
EACH(gelu_all, gelu(x[i]))
EACH(gelu_erf_all, gelu_erf(x[i]))

void swiglu(Real *gate, const Real *up, int n)
{
    for (int i = 0; i < n; i++) gate[i] = times(gated(gate[i], gate[i]), up[i]);
}

void gated_step(Real *gates, const Real *from_hidden, Real *h, int n)
{
    Real *reset = gates, *update = reset + n, *new = update + n;
    add(from_hidden, gates, 2 * n);
    sigmoid_all(gates, 2 * n);
    for (int i = 0; i < n; i++) new[i] = plus(new[i], times(reset[i], from_hidden[2 * n + i]));
    tanh_all(new, n);
    for (int i = 0; i < n; i++) h[i] = new[i] + times(update[i], h[i] - new[i]);
}

void softmax(Real *x, int n, Real scale)
{
    Real most = x[0];
    uint64_t total = 0;
    int by = 0;
    for (int i = 1; i < n; i++) most = x[i] > most ? x[i] : most;
    for (int i = 0; i < n; i++) {
        x[i] = (Real)power(times(x[i] - most, scale), 30);
        total += (uint32_t)x[i];
    }
    while (total >> by > 0xffffffffu) by++;
    uint32_t each = inverse((uint32_t)(total >> by));
    for (int i = 0; i < n; i++) x[i] = (Real)shifted((int64_t)x[i] * each, 60 - FRACTION + by);
}

/* 2^46 / sqrt(x / 4^k), with the k that brings it between 2^30 and 2^31: Newton's method. */
static uint32_t root(uint64_t x, int *k)
{
    for (*k = 0; x >= (uint64_t)1 << 32; x >>= 2) ++*k;
    for (; x < (uint64_t)1 << 30; x <<= 2) --*k;
    uint32_t m = (uint32_t)x, y = 0x80000000u - (m - WHOLE_30) / 3;
    for (int i = 0; i < 4; i++) {
        uint64_t next = (uint64_t)y * (3u * (1u << 28) - high(high(y, y), m)) >> 29;
        y = next > 0x80000000u ? 0x80000000u : (uint32_t)next;
    }
    return y;
}

Real inverse_root(Real x)
{
    int k;
    uint32_t y = root((uint64_t)x, &k);
    return (Real)shifted(y, 46 - FRACTION * 3 / 2 + k);
}

void normalise(const Norm *w, const Real *x, Real *out, int n)
{
    Sum mean = 0;
    uint32_t most = 0;
    for (int i = 0; w->centred && i < n; i++) mean += x[i];
    mean /= n;
    for (int i = 0; i < n; i++) {
        out[i] = held(x[i] - mean);
        most = size_of(out[i]) > most ? size_of(out[i]) : most;
    }
    int by = bits_of(most) > 24 ? bits_of(most) - 24 : 0, k;
    uint64_t total = 0;
    for (int i = 0; i < n; i++) total += (uint64_t)((int64_t)(out[i] >> by) * (out[i] >> by));
    total = total / (uint32_t)n + (uint64_t)(w->epsilon >> 2 * by);
    uint32_t y = root(total ? total : 1, &k);
    for (int i = 0; i < n; i++) {
        Real even = held(shifted((int64_t)out[i] * y, 46 - FRACTION + by + k));
        out[i] = times(even, w->gain[i]);
    }
    if (w->bias) add(w->bias, out, n);
}

/* Of an angle in parts of 2^30 of a whole turn: quarters, and what is left by Taylor's series. */
static void turn_one(uint32_t angle, Real *cosine, Real *sine)
{
    uint32_t whole = angle * 4u, quarter = (whole + (1u << 29)) >> 30;
    int64_t r = (int64_t)(int32_t)(whole - (quarter << 30)) * 1686629713 >> 30; /* half of pi */
    int64_t square = r * r >> 30, one = WHOLE_30;
    int64_t c = one - (square * (one - square / 30) >> 30) / 12, s = one - square / 42;
    c = one - (square * c >> 31);
    s = one - (square * (one - (square * s >> 30) / 20) >> 30) / 6;
    s = r * s >> 30;
    Real up = (Real)shifted(quarter & 1 ? c : s, 30 - FRACTION);
    Real across = (Real)shifted(quarter & 1 ? -s : c, 30 - FRACTION);
    *cosine = quarter & 2 ? -across : across;
    *sine = quarter & 2 ? -up : up;
}

void turn(int often, const Real *angles, int n, Real *cosine, Real *sine)
{
    for (int i = 0; i < n; i++)
        turn_one((uint32_t)often * (uint32_t)angles[i], cosine + i, sine + i);
}
