/* The decoder family: blocks of attention and MLP. */
#include "state.h"

#include <string.h>

/* Turns the pairs (i, i + half) of a head. */
static void rotate(Real *head, const Real *cosine, const Real *sine, int half)
{
    for (int i = 0; i < half; i++) {
        Real first = head[i], second = head[i + half];
        head[i] = times(first, cosine[i]) - times(second, sine[i]);
        head[i + half] = times(second, cosine[i]) + times(first, sine[i]);
    }
}

/* What each head finds among the keys of the text so far: s->y, heads side by side. */
static void attend(const Model *m, State *s, int pass)
{
    int size = lp_head_size(m), heads = m->is.heads, kv_heads = m->is.kv_heads, at = s->length;
    const Real *q = s->wide, *k = q + heads * size, *v = k + kv_heads * size;
    size_t stretch = in_bands(m->is.context, size), rows = (size_t)m->is.context * (size_t)size;
    memset(s->y, 0, BYTES(m->is.state));
    for (int n = 0; n < heads; n++) {
        int own = n / (heads / kv_heads);
        size_t kv = (size_t)(pass * kv_heads + own);
        Real *keys = s->keys + kv * stretch, *values = s->values + kv * rows;
        if (n % (heads / kv_heads) == 0) {
            keep_key(keys, at, size, k + own * size);
            memcpy(values + (size_t)at * (size_t)size, v + own * size, BYTES(size));
        }
        Matrix of = {keys, NULL, at + 1, size, REAL};
        multiply(&of, q + n * size, s->scores, s->room);
        softmax(s->scores, at + 1, inverse_root(ratio(size, 1)));
        add_weighted(s->scores, values, (size_t)size, (size_t)at + 1, size, s->y + n * size);
    }
}

static void activate(const Model *m, Real *up)
{
    int kind = m->is.activation, n = m->is.hidden;
    if (kind == SWIGLU) swiglu(up, up + n, n);
    if (kind == GELU) gelu_all(up, n);
    if (kind == GELU_ERF) gelu_erf_all(up, n);
    for (int i = 0; (kind == RELU || kind == RELU2) && i < n; i++)
        up[i] = up[i] > 0 ? kind == RELU2 ? times(up[i], up[i]) : up[i] : 0;
}

const Real *gpt_read(const Model *m, State *s, int piece)
{
    const Fields *is = &m->is;
    int half = lp_head_size(m) / 2, width = is->width, at = s->length;
    size_t row = TABLES ? (size_t)at * (size_t)half : 0;
    if (!TABLES && is->rotary) turn(at, m->turns, half, s->cosine, s->sine);
    row_of(&m->embedding, piece, s->x);
    if (is->positions) row_of(&m->positions, at, s->y), add(s->y, s->x, width);
    for (int i = 0; is->places && i < width; i++)
        s->x[i] = plus(s->x[i], real(m->places[(size_t)at * (size_t)width + (size_t)i]));
    for (int pass = 0; pass < is->layers * is->loops; pass++) {
        const Block *b = &m->block[pass % is->layers];
        normalise(&b->norm_1, s->x, s->y, width);
        apply(&b->qkv, s->y, s->wide, s->room);
        for (int n = 0; is->rotary && n < is->heads + is->kv_heads; n++)
            rotate(s->wide + 2 * n * half, s->cosine + row, s->sine + row, half);
        attend(m, s, pass);
        apply(&b->out, s->y, s->other, s->room);
        add(s->other, s->x, width);
        normalise(&b->norm_2, s->x, s->y, width);
        apply(&b->up, s->y, s->wide, s->room);
        activate(m, s->wide);
        apply(&b->down, s->wide, s->other, s->room);
        add(s->other, s->x, width);
    }
    s->length++;
    normalise(&m->norm, s->x, s->y, width);
    return s->y;
}
