/* Stacked gated recurrent units, PyTorch's variant; and minimal gated units, whose gates see the
 * input alone. */
#include "state.h"

#include <string.h>

const Real *gru_read(const Model *m, State *s, int piece)
{
    const Real *x = s->x;
    row_of(&m->embedding, piece, s->x);
    for (int layer = 0; layer < m->is.layers; layer++) {
        Real *h = s->hidden + (size_t)layer * (size_t)m->is.width;
        apply(&m->block[layer].input, x, s->wide, s->room);
        apply(&m->block[layer].recurrent, h, s->other, s->room);
        gated_step(s->wide, s->other, h, m->is.width);
        x = h;
    }
    return x;
}

/* y becomes the sum of the last inputs, each times its tap. */
static void convolve(const Model *m, State *s, int layer, Real *y)
{
    int width = m->is.width, taps = m->is.convolution;
    size_t step = (size_t)width, before = (size_t)(taps - 1) * step;
    Real *seen = s->memory + (size_t)layer * (size_t)taps * step, row[64];
    memmove(seen, seen + step, BYTES(before));
    memcpy(seen + before, y, BYTES(step));
    for (int i = 0; i < width; i++) {
        row_of(&m->block[layer].convolution, i, row);
        y[i] = 0;
        for (int t = 0; t < taps; t++) y[i] = plus(y[i], times(seen[(size_t)t * step], row[t]));
        seen++;
    }
}

const Real *mingru_read(const Model *m, State *s, int piece)
{
    int width = m->is.width, state = m->is.state;
    row_of(&m->embedding, piece, s->x);
    for (int layer = 0; layer < m->is.layers; layer++) {
        const Block *b = &m->block[layer];
        Real *h = s->hidden + (size_t)layer * (size_t)state;
        Real *gate = s->wide, *candidate = gate + state;
        normalise(&b->norm_1, s->x, s->y, width);
        if (m->is.convolution) convolve(m, s, layer, s->y);
        apply(&b->qkv, s->y, gate, s->room);
        memcpy(s->other, candidate, sizeof *candidate * (size_t)state);
        sigmoid_all(gate, 2 * state);
        for (int i = 0; i < state; i++) {
            Real c = s->other[i] >= 0 ? plus(s->other[i], ratio(1, 2)) : candidate[i];
            h[i] = h[i] + times(gate[i], c - h[i]);
        }
        apply(&b->out, h, s->other, s->room);
        add(s->other, s->x, width);
        normalise(&b->norm_2, s->x, s->y, width);
        apply(&b->up, s->y, s->wide, s->room);
        gelu_all(s->wide, m->is.hidden);
        apply(&b->down, s->wide, s->other, s->room);
        add(s->other, s->x, width);
    }
    normalise(&m->norm, s->x, s->y, width);
    return s->y;
}
