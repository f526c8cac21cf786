#include "numbers.h"

#include <string.h>

void add(const float *x, float *out, int n)
{
    for (int i = 0; i < n; i++) out[i] += x[i];
}

static float in_a_row(const float *a)
{
    return ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));
}

/* Eight sums side by side, what is left over after them, then all in a row. */
FAST float dot(const float *a, const float *b, int n)
{
    float sum[8] = {0}, rest = 0.0f;
    int i = 0;
    for (; i + 8 <= n; i += 8)
        for (int lane = 0; lane < 8; lane++) sum[lane] += a[i + lane] * b[i + lane];
    for (; i < n; i++) rest += a[i] * b[i];
    return in_a_row(sum) + rest;
}

/* 2^n * e^r with r within half of log 2 of zero; e^r by Cephes' polynomial (Moshier). */
float exponential(float x)
{
    x = x < 88.0f ? x : 88.0f; /* what is no number goes here too */
    x = x > -87.0f ? x : -87.0f;
    float n = x * 1.44269504f + ROUND - ROUND;
    float r = x - n * 0.693359375f - n * -2.12194440e-4f;
    float p = (1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f;
    p = ((p * r + 4.1665795894e-2f) * r + 1.6666665459e-1f) * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    int32_t bits = ((int32_t)n + 127) * (1 << 23);
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

static inline float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }
static inline float hyperbolic(float x) { return 1.0f - 2.0f / (exponential(2.0f * x) + 1.0f); }

/* x times the normal distribution's share below x (Abramowitz and Stegun, 7.1.26). */
static inline float gelu_erf(float x)
{
    float a = x < 0.0f ? -x : x, t = 1.0f / (1.0f + 0.23164189f * a);
    float p = t * (-1.453152027f + t * 1.061405429f) + 1.421413741f;
    p = t * (0.254829592f + t * (t * p - 0.284496736f)) * 0.5f * exponential(-0.5f * a * a);
    return x * (x < 0.0f ? p : 1.0f - p);
}

#define EACH(name, value) \
    FAST void name(float *x, int n) \
    { \
        for (int i = 0; i < n; i++) x[i] = value; \
    }
EACH(sigmoid_all, sigmoid(x[i]))
EACH(tanh_all, hyperbolic(x[i]))
#define WIDER (0.7978845608f + 0.0356774081f * (x[i] * x[i]))
EACH(gelu_all, 0.5f * x[i] * (1.0f + hyperbolic(WIDER * x[i])))
EACH(gelu_erf_all, gelu_erf(x[i]))

FAST void swiglu(float *gate, const float *up, int n)
{
    for (int i = 0; i < n; i++) gate[i] = gate[i] / (1.0f + exponential(-gate[i])) * up[i];
}

FAST void gated_step(float *gates, const float *from_hidden, float *h, int n)
{
    float *reset = gates, *update = reset + n, *new = update + n;
    add(from_hidden, gates, 2 * n);
    sigmoid_all(gates, 2 * n);
    for (int i = 0; i < n; i++) new[i] += reset[i] * from_hidden[2 * n + i];
    tanh_all(new, n);
    for (int i = 0; i < n; i++) h[i] = new[i] + update[i] * (h[i] - new[i]);
}

/* In eight lanes, filled up with what changes neither the largest nor the sum. */
FAST void softmax(float *x, int n, float scale)
{
    float most[8], total[8] = {0};
    int end = (int)up_to((size_t)n, 8);
    for (int i = n; i < end; i++) x[i] = x[0];
    memcpy(most, x, sizeof most);
    for (int i = 0; i < end; i += 8)
        for (int k = 0; k < 8; k++) most[k] = x[i + k] > most[k] ? x[i + k] : most[k];
    for (int k = 1; k < 8; k++) most[0] = most[k] > most[0] ? most[k] : most[0];
    for (int i = 0; i < end; i++) x[i] = exponential((x[i] - most[0]) * scale);
    for (int i = n; i < end; i++) x[i] = 0.0f;
    for (int i = 0; i < end; i += 8)
        for (int k = 0; k < 8; k++) total[k] += x[i + k];
    float each = 1.0f / in_a_row(total);
    for (int i = 0; i < n; i++) x[i] *= each;
}

/* term - term * square / ((n + 1) (n + 2)) + ..., Taylor's series of cosine and sine. */
static double series(double term, double square, int n)
{
    double sum = 0.0;
    for (; n < 22; n += 2) {
        sum += term;
        term *= -square / ((n + 1) * (n + 2));
    }
    return sum;
}

/* Of what is left after whole quarters of a turn, exact to doubles' last places. */
void turn(int often, const float *angles, int n, float *cosine, float *sine)
{
    const double round = 6755399441055744.0; /* 1.5 * 2^52 */
    for (int i = 0; i < n; i++) {
        double a = (float)often * angles[i];
        if (!(a < 1e9 && a > -1e9)) a = 0.0; /* of no model */
        double quarters = a * 0.63661977236758134308 + round - round;
        double r = a - quarters * 1.57079632679489655800 - quarters * 6.123233995736766e-17;
        double c = series(1.0, r * r, 0), s = series(r, r * r, 1);
        int quarter = (int)(quarters - 4.0 * (double)(int64_t)(quarters / 4.0)) & 3;
        double across = quarter & 1 ? -s : c, up = quarter & 1 ? c : s;
        cosine[i] = (float)(quarter & 2 ? -across : across);
        sine[i] = (float)(quarter & 2 ? -up : up);
    }
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

void normalise(const Norm *w, const float *x, float *out, int n)
{
    float mean = 0.0f;
    for (int i = 0; w->centred && i < n; i++) mean += x[i];
    mean /= (float)n;
    for (int i = 0; i < n; i++) out[i] = x[i] - mean;
    float inverse = inverse_root(dot(out, out, n) / (float)n + w->epsilon);
    for (int i = 0; i < n; i++) out[i] = out[i] * inverse * w->gain[i];
    if (w->bias) add(w->bias, out, n);
}
