#include "text.h"

/* The next code point; an odd byte stands for itself, so that no text is out of range. */
static uint32_t next(const char *text, int size, int *at)
{
    const uint8_t *b = (const uint8_t *)text + *at;
    int more = b[0] >= 0xf0 ? 3 : b[0] >= 0xe0 ? 2 : b[0] >= 0xc0 ? 1 : 0;
    if (more >= size - *at) more = 0;
    uint32_t code = more ? b[0] & (0x3fu >> more) : b[0];
    for (int i = 1; i <= more; i++) code = code << 6 | (b[i] & 0x3f);
    *at += 1 + more;
    return code;
}

static int number_of(const Model *m, uint32_t code)
{
    for (int n = 1; n < m->is.characters; n++)
        if ((m->characters[n] & CODE_POINT) == code) return n;
    return LP_UNKNOWN;
}

/* Characters of the word that begins a text: a space and letters, a space and marks, or one. */
static int word(const Model *m, const uint16_t *pieces, int size)
{
#define CLASS(i) ((i) < size ? (int)(m->characters[pieces[i]] >> CLASS_SHIFT) : LINE_END)
    int end = CLASS(0) == SPACE;
    int class = CLASS(end);
    if (class >= SPACE) return 1;
    while (CLASS(end) == class) end++;
    return end;
#undef CLASS
}

/* Joins pairs in the order of the merges: what a merge makes is joined by later ones alone. */
static int join(const Model *m, uint16_t *word, int size)
{
    for (int n = 0; n < m->is.merges && size > 1; n++) {
        const uint16_t *pair = m->merges + 2 * n;
        int kept = 0;
        for (int i = 0; i < size; kept++) {
            int both = i + 1 < size && word[i] == pair[0] && word[i + 1] == pair[1];
            word[kept] = both ? (uint16_t)(m->is.characters + n) : word[i];
            i += 1 + both;
        }
        size = kept;
    }
    return size;
}

int lp_encode(const Model *m, const char *text, int size, uint16_t *pieces, int *wrong)
{
    int count = 0, kept = 0;
    for (int at = 0; at < size; count++) {
        *wrong = at;
        int number = number_of(m, next(text, size, &at));
        if (number < 0) return LP_UNKNOWN;
        pieces[count] = (uint16_t)number;
    }
    for (int at = 0; m->is.merges && at < count;) {
        int length = word(m, pieces + at, count - at), joined = join(m, pieces + at, length);
        for (int i = 0; i < joined; i++) pieces[kept++] = pieces[at + i];
        at += length;
    }
    return m->is.merges ? kept : count;
}

static int spell(uint32_t code, char *out, int room)
{
    int more = code >= 0x10000 ? 3 : code >= 0x800 ? 2 : code >= 0x80 ? 1 : 0;
    if (more >= room) return LP_NO_ROOM;
    for (int i = more; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(more ? (0xf0u << (3 - more) & 0xffu) | code : code);
    return 1 + more;
}

int lp_decode(const Model *m, int piece, char *out, int room)
{
    /* Parts still to be written; a file of pieces nested deeper than this is not of ours. */
    int parts[64] = {piece}, count = 1, written = 0;
    while (count) {
        int part = parts[--count];
        if (part >= m->is.characters) {
            const uint16_t *pair = m->merges + 2 * (part - m->is.characters);
            if (count + 2 > 64) return LP_NO_ROOM;
            parts[count++] = pair[1];
            parts[count++] = pair[0];
        } else {
            int bytes = spell(m->characters[part] & CODE_POINT, out + written, room - written);
            if (bytes < 0) return bytes;
            written += bytes;
        }
    }
    return written;
}

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

static float likelihood(float logit, float most)
{
    float x = logit - most;
    exp_all(&x, 1);
    return x;
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
        for (int i = 0; i < left; i++) total += likelihood(sorted[i], most);
        for (int i = 0; i < left && through < how->top_p * total; i++) {
            least = sorted[i];
            through += likelihood(least, most);
        }
    }
    float total = 0.0f, each = 1.0f / how->temperature;
    for (int i = 0; i < count; i++) {
        int kept = logits[i] >= least && likelihood(logits[i], most) >= how->min_p;
        sorted[i] = kept ? likelihood((logits[i] - most) * each, 0.0f) : 0.0f;
        total += sorted[i];
    }
    float drawn = (float)uniform(seed) * total;
    for (int i = 0; i < count; i++) {
        drawn -= sorted[i];
        if (drawn < 0.0f && sorted[i] > 0.0f) return i;
    }
    return best;
}
