/* How a text goes on. */
#include "engine.h"

/* The generator: SplitMix64 (Steele, Lea and Flood 2014), a number from 0 to under 1. */
static double uniform(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

/* Shell's sort, the largest first; what is no number goes last. */
static void sort(float *x, int n)
{
    for (int gap = n / 2; gap > 0; gap = gap > 2 ? (int)(gap / 2.2) : gap / 2)
        for (int i = gap; i < n; i++) {
            float moved = x[i];
            int j = i;
            for (; j >= gap && !(x[j - gap] >= moved); j -= gap) x[j] = x[j - gap];
            x[j] = moved;
        }
}

int lp_draw(const float *logits, int count, const Sampling *how, uint64_t *seed, float *sorted)
{
    int best = 0;
    for (int i = 1; i < count; i++)
        if (logits[i] > logits[best]) best = i;
    if (!(how->temperature > 0.0f)) return best;
    float most = logits[best], least = -3.0e38f;
    int left = count;
    if ((0 < how->top_k && how->top_k < count) || how->top_p < 1.0f) {
        for (int i = 0; i < count; i++) sorted[i] = logits[i];
        sort(sorted, count);
    }
    if (0 < how->top_k && how->top_k < count) {
        least = sorted[how->top_k - 1];
        for (left = how->top_k; left < count && sorted[left] >= least;) left++;
    }
    if (how->top_p < 1.0f) {
        float total = 0.0f, through = 0.0f;
        for (int i = 0; i < left; i++) total += exponential(sorted[i] - most);
        for (int i = 0; i < left && through < how->top_p * total; i++) {
            least = sorted[i];
            through += exponential(least - most);
        }
    }
    float total = 0.0f, each = 1.0f / how->temperature;
    for (int i = 0; i < count; i++) {
        int kept = logits[i] >= least && exponential(logits[i] - most) >= how->min_p;
        sorted[i] = kept ? exponential((logits[i] - most) * each) : 0.0f;
        total += sorted[i];
    }
    float drawn = (float)uniform(seed) * total;
    for (int i = 0; i < count; i++) {
        drawn -= sorted[i];
        if (drawn < 0.0f && sorted[i] > 0.0f) return i;
    }
    return best;
}

int lp_write(const Model *m, State *s, const Sampling *how, uint64_t *seed, int most,
             uint16_t *pieces, float *sorted)
{
    for (int count = 0; count < most; count++) {
        int piece = lp_draw(s->logits, lp_vocabulary(m), how, seed, sorted);
        pieces[count] = (uint16_t)piece;
        if (piece == LP_END || count + 1 == most || lp_read(m, s, piece)) return count + 1;
    }
    return 0;
}
