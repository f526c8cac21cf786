#include "numbers.h"

#include <string.h>

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

/* Whole numbers go in pairs of columns: two products and their sum are one instruction nearly
 * everywhere, and fit into 32 bits. So does the sum of a row of bytes, which is exact whatever its
 * order; the pairs of shorts are added up as floats, one after another. */
static inline int32_t pair_of(const int16_t *x)
{
    int32_t both;
    memcpy(&both, x, sizeof both);
    return both;
}

static void sum_bytes(const int8_t *w, int pairs, const int16_t *x, float *sum)
{
    int32_t exact[LANES] = {0};
    for (int i = 0; i < 2 * pairs; i += 2, w += 2 * LANES)
        for (int n = 0; n < LANES; n++) exact[n] += w[2 * n] * x[i] + w[2 * n + 1] * x[i + 1];
    for (int n = 0; n < LANES; n++) sum[n] = (float)exact[n];
}

static void sum_shorts(const int16_t *w, int pairs, const int16_t *x, float *sum)
{
    memset(sum, 0, sizeof *sum * LANES);
    for (int i = 0; i < 2 * pairs; i += 2, w += 2 * LANES)
        for (int n = 0; n < LANES; n++)
            sum[n] += (float)(w[2 * n] * x[i] + w[2 * n + 1] * x[i + 1]);
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2")))
#define LOAD(w) _mm256_loadu_si256((const __m256i *)(const void *)(w))
#define LOAD_BYTES(w) _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(w)))

AVX2 static void sum_bytes_avx2(const int8_t *w, int pairs, const int16_t *x, float *sum)
{
    __m256i low = _mm256_setzero_si256(), high = low;
    for (int i = 0; i < pairs; i++, w += 2 * LANES) {
        __m256i pair = _mm256_set1_epi32(pair_of(x + 2 * i));
        low = _mm256_add_epi32(low, _mm256_madd_epi16(LOAD_BYTES(w), pair));
        high = _mm256_add_epi32(high, _mm256_madd_epi16(LOAD_BYTES(w + LANES), pair));
    }
    _mm256_storeu_ps(sum, _mm256_cvtepi32_ps(low));
    _mm256_storeu_ps(sum + LANES / 2, _mm256_cvtepi32_ps(high));
}

AVX2 static void sum_shorts_avx2(const int16_t *w, int pairs, const int16_t *x, float *sum)
{
    __m256 low = _mm256_setzero_ps(), high = low;
    for (int i = 0; i < pairs; i++, w += 2 * LANES) {
        __m256i pair = _mm256_set1_epi32(pair_of(x + 2 * i));
        low = _mm256_add_ps(low, _mm256_cvtepi32_ps(_mm256_madd_epi16(LOAD(w), pair)));
        high = _mm256_add_ps(high, _mm256_cvtepi32_ps(_mm256_madd_epi16(LOAD(w + LANES), pair)));
    }
    _mm256_storeu_ps(sum, low);
    _mm256_storeu_ps(sum + LANES / 2, high);
}
#define SUM(kind) (__builtin_cpu_supports("avx2") ? sum_##kind##_avx2 : sum_##kind)
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
static void sum_bytes_wasm(const int8_t *w, int pairs, const int16_t *x, float *sum)
{
    v128_t four[4] = {0};
    for (int i = 0; i < pairs; i++, w += 2 * LANES) {
        v128_t pair = wasm_i32x4_splat(pair_of(x + 2 * i));
        for (int n = 0; n < 4; n++) {
            v128_t product = wasm_i32x4_dot_i16x8(wasm_i16x8_load8x8(w + 8 * n), pair);
            four[n] = wasm_i32x4_add(four[n], product);
        }
    }
    for (int n = 0; n < 4; n++) wasm_v128_store(sum + 4 * n, wasm_f32x4_convert_i32x4(four[n]));
}

static void sum_shorts_wasm(const int16_t *w, int pairs, const int16_t *x, float *sum)
{
    v128_t four[4] = {0};
    for (int i = 0; i < pairs; i++, w += 2 * LANES) {
        v128_t pair = wasm_i32x4_splat(pair_of(x + 2 * i));
        for (int n = 0; n < 4; n++) {
            v128_t product = wasm_i32x4_dot_i16x8(wasm_v128_load(w + 8 * n), pair);
            four[n] = wasm_f32x4_add(four[n], wasm_f32x4_convert_i32x4(product));
        }
    }
    for (int n = 0; n < 4; n++) wasm_v128_store(sum + 4 * n, four[n]);
}
#define SUM(kind) sum_##kind##_wasm
#else
#define SUM(kind) sum_##kind
#endif

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
    if (n % 2) whole[n] = 0;
    return unit;
}

void multiply(const Matrix *w, const float *x, float *out, Room room)
{
    int bands = (w->rows + LANES - 1) / LANES, pairs = (w->cols + 1) / 2, bytes = w->kind == INT8;
    if (w->kind == FLOAT32) {
        multiply_floats((const float *)w->data, bands, w->cols, x, out);
        return;
    }
    /* 127 * 4095 * 4096 columns are still under 2^31, and so are 2 * 32768 * 32767. */
    float unit = to_whole(x, w->cols, bytes ? 4095.0f : 32767.0f, room.whole);
    void (*bytes_of)(const int8_t *, int, const int16_t *, float *) = SUM(bytes);
    void (*shorts_of)(const int16_t *, int, const int16_t *, float *) = SUM(shorts);
    for (int row = 0; row < w->rows; row += LANES) {
        size_t start = (size_t)row * (size_t)pairs * 2;
        int last = w->rows - row < LANES ? w->rows - row : LANES;
        if (bytes)
            bytes_of((const int8_t *)w->data + start, pairs, room.whole, out + row);
        else
            shorts_of((const int16_t *)w->data + start, pairs, room.whole, out + row);
        for (int i = 0; i < last; i++) out[row + i] *= w->scale[row + i] * unit;
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
    for (size_t i = 0; i < cols; i++) {
        size_t pair = (band * ((cols + 1) / 2) + i / 2) * 2 * LANES + 2 * lane + i % 2;
        switch (w->kind) {
        case FLOAT32: out[i] += ((const float *)w->data)[(band * cols + i) * LANES + lane]; break;
        case INT16: out[i] += (float)((const int16_t *)w->data)[pair] * w->scale[row]; break;
        case INT8: out[i] += (float)((const int8_t *)w->data)[pair] * w->scale[row]; break;
        }
    }
}

void row_of(const Matrix *w, int row, float *out)
{
    memset(out, 0, sizeof *out * (size_t)w->cols);
    add_row(w, row, out);
}
