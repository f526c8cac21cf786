/* How a text goes on. */
#include "engine.h"

/* The generator: SplitMix64 (Steele, Lea and Flood 2014). */
static uint64_t bits(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Shell's sort, the largest first; what is no number goes last. */
static void sort(Real *x, int n)
{
    for (int gap = n / 2; gap > 0; gap = gap > 2 ? gap * 5 / 11 : gap / 2)
        for (int i = gap; i < n; i++) {
            Real moved = x[i];
            int j = i;
            for (; j >= gap && !(x[j - gap] >= moved); j -= gap) x[j] = x[j - gap];
            x[j] = moved;
        }
}

int lp_draw(const Real *logits, int count, const Sampling *how, uint64_t *seed, Real *sorted)
{
    int best = 0;
    for (int i = 1; i < count; i++)
        if (logits[i] > logits[best]) best = i;
    if (!(how->temperature > 0)) return best;
    Real most = logits[best], least = LEAST;
    int few = 0 < how->top_k && how->top_k < count ? how->top_k : count, left = few;
    if (few < count || how->top_p < ratio(1, 1)) {
        for (int i = 0; i < count; i++) sorted[i] = logits[i];
        sort(sorted, count);
    }
    if (few < count) least = sorted[few - 1];
    while (left < count && sorted[left] >= least) left++;
    if (how->top_p < ratio(1, 1)) {
        Sum total = 0, through = 0;
        for (int i = 0; i < left; i++) total += exponential(sorted[i] - most);
        for (int i = 0; i < left && through < part(how->top_p, total); i++) {
            least = sorted[i];
            through += exponential(least - most);
        }
    }
    Real each = over(ratio(1, 1), how->temperature);
    Sum total = 0;
    for (int i = 0; i < count; i++) {
        int kept = logits[i] >= least && exponential(logits[i] - most) >= how->min_p;
        sorted[i] = kept ? exponential(times(logits[i] - most, each)) : 0;
        total += sorted[i];
    }
    Sum rest = drawn(bits(seed), total);
    for (int i = 0; i < count; i++) {
        rest -= sorted[i];
        if (rest < 0 && sorted[i] > 0) return i;
    }
    return best;
}

int lp_write(const Model *m, State *s, const Sampling *how, uint64_t *seed, int most,
             uint16_t *pieces, Real *sorted)
{
    for (int count = 0; count < most; count++) {
        int piece = lp_draw(s->logits, lp_vocabulary_size(m), how, seed, sorted);
        pieces[count] = (uint16_t)piece;
        if (piece == LP_END || count + 1 == most || lp_read(m, s, piece)) return count + 1;
    }
    return 0;
}
