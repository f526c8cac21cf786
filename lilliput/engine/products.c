#include "numbers.h"

#include <string.h>

/* A band's sums as four vectors of four: what every processor here has, and what compilers keep in
 * registers (vectors of eight lose a quarter of the speed, and of sixteen four fifths). */
#ifdef __GNUC__
typedef float Part __attribute__((vector_size(16), aligned(4), may_alias));
#else
typedef float Part;
#endif
enum { PART = sizeof(Part) / sizeof(float), PARTS = LANES / PART };

/* Two bands at a time: a sum waits for its last addition, and the other band fills the wait. */
FAST static void multiply_floats(const float *w, int bands, int cols, const float *x, float *out)
{
    const size_t band = (size_t)cols * LANES;
    for (; bands > 0; bands -= 2, w += 2 * band, out += 2 * LANES) {
        Part a[PARTS] = {0}, b[PARTS] = {0};
        const float *second = bands > 1 ? w + band : w;
        for (int i = 0; i < cols; i++)
            for (int n = 0; n < PARTS; n++) {
                a[n] += *(const Part *)(w + i * LANES + PART * n) * x[i];
                b[n] += *(const Part *)(second + i * LANES + PART * n) * x[i];
            }
        memcpy(out, a, sizeof a);
        if (bands > 1) memcpy(out + LANES, b, sizeof b);
    }
}

/* Adds to as many columns as fill some vectors, whose sums stay in registers. */
#define ADD_COLUMNS(parts) \
    for (; n >= (parts) * PART; n -= (parts) * PART, out += (parts) * PART) { \
        Part sum[parts]; \
        memcpy(sum, out, sizeof sum); \
        for (size_t t = 0; t < count; t++) \
            for (int k = 0; k < (parts); k++) \
                sum[k] += *(const Part *)(rows + t * stride + PART * k) * weight[t]; \
        memcpy(out, sum, sizeof sum); \
        rows += (parts) * PART; \
    }
FAST void add_weighted(
    const float *weight, const float *rows, size_t stride, size_t count, int n, float *out)
{
    ADD_COLUMNS(8)
    ADD_COLUMNS(2)
    for (; n > 0; n--, rows++, out++)
        for (size_t t = 0; t < count; t++) *out += weight[t] * rows[t * stride];
}

/* Whole numbers go in pairs of columns: two products and their sum are one instruction nearly
 * everywhere, and fit into 32 bits. So does the sum of a row of bytes, which is exact whatever its
 * order; the pairs of shorts are added up as floats, one after another. */
#define SUM(name, Number, Vector, count, product, plus, put) \
    static void name(const Number *w, int pairs, const int16_t *x, float *sum) \
    { \
        Vector total[count] = {0}; \
        for (; pairs > 0; pairs--, w += 2 * LANES, x += 2) \
            for (int n = 0; n < (count); n++) \
                total[n] = plus(total[n], product(w + 2 * LANES / (count) * n, x)); \
        for (int n = 0; n < (count); n++) put(sum + LANES / (count) * n, total[n]); \
    }
#define PLAIN_PRODUCT(w, x) ((w)[0] * (x)[0] + (w)[1] * (x)[1])
#define PLAIN_PRODUCT_FLOAT(w, x) (float)PLAIN_PRODUCT(w, x)
#define PLAIN_PLUS(a, b) ((a) + (b))
#define PLAIN_PUT(out, a) *(out) = (float)(a)
SUM(sum_bytes, int8_t, int32_t, 16, PLAIN_PRODUCT, PLAIN_PLUS, PLAIN_PUT)
SUM(sum_shorts, int16_t, float, 16, PLAIN_PRODUCT_FLOAT, PLAIN_PLUS, PLAIN_PUT)

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2")))
#define AT(type, p) (const type *)(const void *)(p)
#define WIDENED(w) _mm256_cvtepi8_epi16(_mm_loadu_si128(AT(__m128i, w)))
#define PRODUCT(w, x) _mm256_madd_epi16(w, _mm256_castps_si256(_mm256_broadcast_ss(AT(float, x))))
#define OF_BYTES(w, x) PRODUCT(WIDENED(w), x)
#define OF_SHORTS(w, x) _mm256_cvtepi32_ps(PRODUCT(_mm256_loadu_si256(AT(__m256i, w)), x))
#define PUT_WHOLE(out, a) _mm256_storeu_ps(out, _mm256_cvtepi32_ps(a))
AVX2 SUM(sum_bytes_wide, int8_t, __m256i, 2, OF_BYTES, _mm256_add_epi32, PUT_WHOLE)
AVX2 SUM(sum_shorts_wide, int16_t, __m256, 2, OF_SHORTS, _mm256_add_ps, _mm256_storeu_ps)
#define HERE(kind) (HAS_AVX2 ? sum_##kind##_wide : sum_##kind)
/* The compiler's own way brings 4.5 kB with it; glibc knows too. */
#if defined(LP_SMALL) && defined(__GLIBC__) && __GLIBC__ * 100 + __GLIBC_MINOR__ >= 233
#include <sys/platform/x86.h>
#define HAS_AVX2 CPU_FEATURE_ACTIVE(AVX2)
#else
#define HAS_AVX2 __builtin_cpu_supports("avx2")
#endif
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#define PRODUCT(w, x) wasm_i32x4_dot_i16x8(w, wasm_v128_load32_splat(x))
#define OF_BYTES(w, x) PRODUCT(wasm_i16x8_load8x8(w), x)
#define OF_SHORTS(w, x) wasm_f32x4_convert_i32x4(PRODUCT(wasm_v128_load(w), x))
#define PUT_WHOLE(out, a) wasm_v128_store(out, wasm_f32x4_convert_i32x4(a))
SUM(sum_bytes_wide, int8_t, v128_t, 4, OF_BYTES, wasm_i32x4_add, PUT_WHOLE)
SUM(sum_shorts_wide, int16_t, v128_t, 4, OF_SHORTS, wasm_f32x4_add, wasm_v128_store)
#define HERE(kind) sum_##kind##_wide
#else
#define HERE(kind) sum_##kind
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
    if (w->kind == REAL) {
        multiply_floats((const float *)w->data, bands, w->cols, x, out);
        return;
    }
    /* 128 * 4095 * 4096 columns are still under 2^31, and so are 2 * 32768 * 32767. */
    float unit = to_whole(x, w->cols, bytes ? 4095.0f : 32767.0f, room.whole);
    for (int row = 0; row < w->rows; row += LANES) {
        size_t at = (size_t)row * (size_t)pairs * 2;
        if (bytes) HERE(bytes)((const int8_t *)w->data + at, pairs, room.whole, out + row);
        else HERE(shorts)((const int16_t *)w->data + at, pairs, room.whole, out + row);
    }
    for (int row = 0; row < w->rows; row++) out[row] *= w->scale[row] * unit;
}

void apply(const Linear *w, const float *x, float *out, Room room)
{
    if (w->right.rows) multiply(&w->right, x, room.between, room);
    multiply(&w->left, w->right.rows ? room.between : x, out, room);
    if (w->bias) add(w->bias, out, w->left.rows);
}

void row_of(const Matrix *w, int row, float *out)
{
    size_t band = (size_t)(row / LANES), lane = (size_t)(row % LANES), cols = (size_t)w->cols;
    for (size_t i = 0; i < cols; i++) {
        size_t pair = (band * ((cols + 1) / 2) + i / 2) * 2 * LANES + 2 * lane + i % 2;
        if (w->kind == REAL) out[i] = ((const float *)w->data)[(band * cols + i) * LANES + lane];
        if (w->kind == INT16) out[i] = ((const int16_t *)w->data)[pair] * w->scale[row];
        if (w->kind == INT8) out[i] = ((const int8_t *)w->data)[pair] * w->scale[row];
    }
}
