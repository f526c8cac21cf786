#include "numbers.h"

#include <float.h>
#include <string.h>

#ifdef __FAST_MATH__
#error "-ffast-math changes what a model says from one machine to the next: leave it out"
#endif
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD > 0
#error "floats must be worked out as floats here; on 32-bit x86 that is -msse2 -mfpmath=sse"
#endif

/* A copy of the busy loops for each generation of processors, chosen when the program starts. */
#if !defined(LP_SMALL) && defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define FAST __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FAST
#endif

/* A band's sums as four vectors of four: what every processor here has, and what compilers keep in
 * registers (one of sixteen goes to memory and back: a fifth of the speed). */
#ifdef __GNUC__
typedef float Four __attribute__((vector_size(16), aligned(4), may_alias));
#define SUMS(a) Four a##0 = {0}, a##1 = {0}, a##2 = {0}, a##3 = {0}
#define ADD_PRODUCT(a, w, x) \
    a##0 += *(const Four *)(w) * (x), a##1 += *(const Four *)((w) + 4) * (x), \
    a##2 += *(const Four *)((w) + 8) * (x), a##3 += *(const Four *)((w) + 12) * (x)
#define STORE(a, out) \
    *(Four *)(out) = a##0, *(Four *)((out) + 4) = a##1, \
    *(Four *)((out) + 8) = a##2, *(Four *)((out) + 12) = a##3
#else
#define SUMS(a) float a[LANES] = {0}
#define ADD_PRODUCT(a, w, x) \
    for (int lane = 0; lane < LANES; lane++) a[lane] += (w)[lane] * (x)
#define STORE(a, out) memcpy(out, a, sizeof a)
#endif

/* Two bands at a time: a sum waits for its last addition, and the other band fills the wait. */
FAST static void multiply_floats(const float *w, int bands, int cols, const float *x, float *out)
{
    const size_t band = (size_t)cols * LANES;
    for (; bands >= 2; bands -= 2, w += 2 * band, out += 2 * LANES) {
        SUMS(a);
        SUMS(b);
        const float *column = w;
        for (int i = 0; i < cols; i++, column += LANES) {
            ADD_PRODUCT(a, column, x[i]);
            ADD_PRODUCT(b, column + band, x[i]);
        }
        STORE(a, out);
        STORE(b, out + LANES);
    }
    if (bands) {
        SUMS(a);
        for (int i = 0; i < cols; i++, w += LANES) ADD_PRODUCT(a, w, x[i]);
        STORE(a, out);
    }
}

/* Whole numbers in pairs of columns: a product of pairs is one instruction nearly everywhere. The
 * sums are exact, so each processor may go its own way. */
static void sum_bytes(const int8_t *w, int pairs, const int16_t *x, int32_t *sum)
{
    memset(sum, 0, sizeof *sum * LANES);
    for (int i = 0; i < pairs; i++, w += 2 * LANES, x += 2)
        for (int lane = 0; lane < LANES; lane++) sum[lane] += w[2 * lane] * x[0] + w[2 * lane + 1] * x[1];
}

FAST static void sum_shorts(const int16_t *w, int pairs, const int16_t *x, int64_t *sum)
{
    memset(sum, 0, sizeof *sum * LANES);
    for (int i = 0; i < pairs; i++, w += 2 * LANES, x += 2)
        for (int lane = 0; lane < LANES; lane++)
            sum[lane] += (int32_t)w[2 * lane] * x[0] + (int32_t)w[2 * lane + 1] * x[1];
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
__attribute__((target("avx2"))) static void sum_bytes_avx2(
    const int8_t *w, int pairs, const int16_t *x, int32_t *sum)
{
    __m256i low = _mm256_setzero_si256(), high = low;
    for (int i = 0; i < pairs; i++, w += 2 * LANES, x += 2) {
        int32_t both;
        memcpy(&both, x, sizeof both);
        __m256i pair = _mm256_set1_epi32(both);
        __m128i first = _mm_loadu_si128((const __m128i *)(const void *)w);
        __m128i second = _mm_loadu_si128((const __m128i *)(const void *)(w + LANES));
        low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_cvtepi8_epi16(first), pair));
        high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_cvtepi8_epi16(second), pair));
    }
    _mm256_storeu_si256((__m256i *)(void *)sum, low);
    _mm256_storeu_si256((__m256i *)(void *)(sum + LANES / 2), high);
}
#define SUM_BYTES (__builtin_cpu_supports("avx2") ? sum_bytes_avx2 : sum_bytes)
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
static void sum_bytes_wasm(const int8_t *w, int pairs, const int16_t *x, int32_t *sum)
{
    v128_t four[4] = {wasm_i32x4_splat(0), wasm_i32x4_splat(0), wasm_i32x4_splat(0), wasm_i32x4_splat(0)};
    for (int i = 0; i < pairs; i++, w += 2 * LANES, x += 2) {
        v128_t pair = wasm_v128_load32_splat(x);
        for (int n = 0; n < 4; n++)
            four[n] = wasm_i32x4_add(four[n], wasm_i32x4_dot_i16x8(wasm_i16x8_load8x8(w + 8 * n), pair));
    }
    for (int n = 0; n < 4; n++) wasm_v128_store(sum + 4 * n, four[n]);
}
#define SUM_BYTES sum_bytes_wasm
#else
#define SUM_BYTES sum_bytes
#endif

static const float ROUND = 12582912.0f; /* 1.5 * 2^23: once added, only whole numbers are left */

/* x as whole numbers of at most `largest`; what one of them is worth. */
FAST static float to_whole(const float *x, int n, float largest, int16_t *whole)
{
    float most = 0.0f;
    for (int i = 0; i < n; i++) {
        float size = x[i] < 0.0f ? -x[i] : x[i];
        most = size > most ? size : most;
    }
    float unit = most > 0.0f ? most / largest : 1.0f, each = 1.0f / unit;
    for (int i = 0; i < n; i++) {
        float v = x[i] * each;
        v = v < largest ? v : largest; /* what is no number goes here too */
        v = v > -largest ? v : -largest;
        whole[i] = (int16_t)(v + ROUND - ROUND);
    }
    return unit;
}

void multiply(const Matrix *w, const float *x, float *out, Room room)
{
    int bands = (w->rows + LANES - 1) / LANES, pairs = (w->cols + 1) / 2;
    if (w->kind == FLOAT32) {
        multiply_floats((const float *)w->data, bands, w->cols, x, out);
        return;
    }
    /* 127 * 4095 * 4096 columns are still under 2^31. */
    float unit = to_whole(x, w->cols, w->kind == INT8 ? 4095.0f : 32767.0f, room.whole);
    void (*sum_of_bytes)(const int8_t *, int, const int16_t *, int32_t *) = SUM_BYTES;
    if (w->cols % 2) room.whole[w->cols] = 0;
    for (int band = 0; band < bands; band++) {
        int64_t longs[LANES];
        int32_t sums[LANES];
        size_t start = (size_t)band * (size_t)pairs * 2 * LANES;
        if (w->kind == INT8)
            sum_of_bytes((const int8_t *)w->data + start, pairs, room.whole, sums);
        else
            sum_shorts((const int16_t *)w->data + start, pairs, room.whole, longs);
        for (int lane = 0; lane < LANES && band * LANES + lane < w->rows; lane++) {
            float scale = w->scale[band * LANES + lane] * unit;
            out[band * LANES + lane] = (w->kind == INT8 ? (float)sums[lane] : (float)longs[lane]) * scale;
        }
    }
}

void apply(const Linear *w, const float *x, float *out, Room room)
{
    if (w->right.rows) {
        multiply(&w->right, x, room.between, room);
        x = room.between;
    }
    multiply(&w->left, x, out, room);
    if (w->bias) add(w->bias, out, w->left.rows);
}

void add_row(const Matrix *w, int row, float *out)
{
    size_t band = (size_t)(row / LANES), lane = (size_t)(row % LANES), cols = (size_t)w->cols;
    if (w->kind == FLOAT32) {
        const float *first = (const float *)w->data + band * cols * LANES + lane;
        for (size_t i = 0; i < cols; i++) out[i] += first[i * LANES];
        return;
    }
    for (size_t i = 0; i < cols; i++) {
        size_t at = (band * ((cols + 1) / 2) + i / 2) * 2 * LANES + 2 * lane + i % 2;
        int whole = w->kind == INT8 ? ((const int8_t *)w->data)[at] : ((const int16_t *)w->data)[at];
        out[i] += (float)whole * w->scale[row];
    }
}

void add(const float *x, float *out, int n)
{
    for (int i = 0; i < n; i++) out[i] += x[i];
}

/* Eight sums side by side, what is left over after them, then all in a row. */
FAST float dot(const float *a, const float *b, int n)
{
    float sum[8] = {0}, rest = 0.0f;
    int i = 0;
    for (; i + 8 <= n; i += 8)
        for (int lane = 0; lane < 8; lane++) sum[lane] += a[i + lane] * b[i + lane];
    for (; i < n; i++) rest += a[i] * b[i];
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7])) + rest;
}

FAST void add_weighted(
    const float *weight, const float *rows, size_t stride, int count, int n, float *out)
{
    for (int t = 0; t < count; t++, rows += stride)
        for (int i = 0; i < n; i++) out[i] += weight[t] * rows[i];
}

/* 2^n * e^r with r within half of log 2 of zero; e^r by Cephes' polynomial (Moshier). */
static inline float exponential(float x)
{
    x = x < 88.0f ? x : 88.0f; /* what is no number goes here too */
    x = x > -87.0f ? x : -87.0f;
    float n = x * 1.44269504f + ROUND - ROUND;
    float r = x - n * 0.693359375f - n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    int32_t bits = ((int32_t)n + 127) * (1 << 23);
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

static inline float hyperbolic(float x) { return 1.0f - 2.0f / (exponential(2.0f * x) + 1.0f); }

FAST void exp_all(float *x, int n)
{
    for (int i = 0; i < n; i++) x[i] = exponential(x[i]);
}

FAST void sigmoid_all(float *x, int n)
{
    for (int i = 0; i < n; i++) x[i] = 1.0f / (1.0f + exponential(-x[i]));
}

FAST void tanh_all(float *x, int n)
{
    for (int i = 0; i < n; i++) x[i] = hyperbolic(x[i]);
}

FAST void gelu_all(float *x, int n)
{
    for (int i = 0; i < n; i++) {
        float inner = 0.7978845608f * (x[i] + 0.044715f * (x[i] * x[i] * x[i]));
        x[i] = 0.5f * x[i] * (1.0f + hyperbolic(inner));
    }
}

FAST void swiglu(float *gate, const float *up, int n)
{
    for (int i = 0; i < n; i++) gate[i] = gate[i] / (1.0f + exponential(-gate[i])) * up[i];
}

FAST void softmax(float *x, int n, float scale)
{
    float most = x[0], total = 0.0f;
    for (int i = 1; i < n; i++) most = x[i] > most ? x[i] : most;
    for (int i = 0; i < n; i++) x[i] = exponential((x[i] - most) * scale);
    for (int i = 0; i < n; i++) total += x[i];
    float each = 1.0f / total;
    for (int i = 0; i < n; i++) x[i] *= each;
}

/* What is left after whole quarters of a turn, by Taylor's series, exact to doubles' last places. */
void turn(float angle, float *cosine, float *sine)
{
    const double round = 6755399441055744.0; /* 1.5 * 2^52 */
    if (!(angle < 1e9f && angle > -1e9f)) angle = 0.0f; /* of no model */
    double quarters = (double)angle * 0.63661977236758134308 + round - round;
    double r = (double)angle - quarters * 1.57079632679489655800 - quarters * 6.123233995736766e-17;
    double c = 1.0, s = r, term = r, square = r * r;
    for (int n = 2; n <= 20; n += 2) {
        c += term * r / n * (n & 2 ? -1.0 : 1.0);
        term *= square / (n * (n + 1));
        s += n & 2 ? -term : term;
    }
    int quarter = (int)(quarters - 4.0 * (double)(int64_t)(quarters / 4.0)) & 3;
    if (quarter & 1) {
        double swapped = c;
        c = -s;
        s = swapped;
    }
    *cosine = (float)(quarter & 2 ? -c : c);
    *sine = (float)(quarter & 2 ? -s : s);
}

/* 1 / sqrt(x) by Newton's method, for there need not be a library where this runs. */
float inverse_root(float x)
{
    int32_t bits;
    float y;
    memcpy(&bits, &x, sizeof bits);
    bits = 0x5f3759df - (bits >> 1);
    memcpy(&y, &bits, sizeof y);
    for (int i = 0; i < 4; i++) y = y * (1.5f - 0.5f * x * y * y);
    return y;
}

void rms_norm(const float *x, const float *gain, float *out, int n)
{
    float inverse = inverse_root(dot(x, x, n) / (float)n + 1e-6f);
    for (int i = 0; i < n; i++) out[i] = x[i] * inverse * gain[i];
}

void layer_norm(const float *x, const float *gain, const float *bias, float *out, int n)
{
    float mean = 0.0f;
    for (int i = 0; i < n; i++) mean += x[i];
    mean /= (float)n;
    for (int i = 0; i < n; i++) out[i] = x[i] - mean;
    float inverse = inverse_root(dot(out, out, n) / (float)n + 1e-5f);
    for (int i = 0; i < n; i++) out[i] = out[i] * inverse * gain[i];
    if (bias) add(bias, out, n);
}
