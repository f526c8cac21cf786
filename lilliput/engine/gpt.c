/* The decoder family: blocks of attention and MLP. */
#include "state.h"

#include <string.h>

/* Turns the pairs (i, i + half) of a head. */
static void rotate(float *head, const float *cosine, const float *sine, int half)
{
    for (int i = 0; i < half; i++) {
        float first = head[i], second = head[i + half];
        head[i] = first * cosine[i] - second * sine[i];
        head[i + half] = second * cosine[i] + first * sine[i];
    }
}

/* What each head finds among the keys of the text so far: s->y, heads side by side. */
static void attend(const Model *m, State *s, int pass)
{
    int size = lp_head_size(m), heads = m->is.heads, kv_heads = m->is.kv_heads, at = s->length;
    const float *q = s->wide, *k = q + heads * size, *v = k + kv_heads * size;
    size_t stretch = in_bands(m->is.context, size), rows = (size_t)m->is.context * (size_t)size;
    memset(s->y, 0, BYTES(m->is.state));
    for (int n = 0; n < heads; n++) {
        int own = n / (heads / kv_heads);
        size_t kv = (size_t)(pass * kv_heads + own);
        float *keys = s->keys + kv * stretch, *values = s->values + kv * rows;
        if (n % (heads / kv_heads) == 0) {
            keep_key(keys, at, size, k + own * size);
            memcpy(values + (size_t)at * (size_t)size, v + own * size, BYTES(size));
        }
        Matrix of = {keys, NULL, at + 1, size, FLOAT32};
        multiply(&of, q + n * size, s->scores, s->room);
        softmax(s->scores, at + 1, inverse_root((float)size));
        add_weighted(s->scores, values, (size_t)size, (size_t)at + 1, size, s->y + n * size);
    }
}

static void activate(const Model *m, float *up)
{
    int kind = m->is.activation, n = m->is.hidden;
    if (kind == SWIGLU) swiglu(up, up + n, n);
    if (kind == GELU) gelu_all(up, n);
    if (kind == GELU_ERF) gelu_erf_all(up, n);
    for (int i = 0; (kind == RELU || kind == RELU2) && i < n; i++)
        up[i] = up[i] > 0.0f ? up[i] * (kind == RELU2 ? up[i] : 1.0f) : 0.0f;
}

const float *gpt_read(const Model *m, State *s, int piece)
{
    const Fields *is = &m->is;
    int half = lp_head_size(m) / 2, width = is->width, at = s->length;
    size_t turn = (size_t)at * (size_t)half;
    row_of(&m->embedding, piece, s->x);
    if (is->positions) row_of(&m->positions, at, s->y), add(s->y, s->x, width);
    if (is->places) add(m->places + (size_t)at * (size_t)width, s->x, width);
    for (int pass = 0; pass < is->layers * is->loops; pass++) {
        const Block *b = &m->block[pass % is->layers];
        normalise(&b->norm_1, s->x, s->y, width);
        apply(&b->qkv, s->y, s->wide, s->room);
        for (int n = 0; is->rotary && n < is->heads + is->kv_heads; n++)
            rotate(s->wide + 2 * n * half, s->cosine + turn, s->sine + turn, half);
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
