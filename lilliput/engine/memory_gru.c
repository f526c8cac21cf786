/* A gated recurrent unit with a gated memory beside it, and attention over the window's pieces.
 *
 *     h = GRU([x, context, M], h);  p = sigmoid(w h + b);  M = M + p (tanh(C h + c) - M)
 *
 * What a piece adds to the gates is the same wherever it stands, and so is what a place adds. A
 * window that slides keeps pieces in a ring, each in its slot, and counts places from its start.
 */
#include "state.h"

#include <string.h>

/* Queries, keys and values of what is in s->x: the keys and values kept, the queries in s->wide. */
static void seek(const Model *m, State *s, const Real *bias, Real *keys, Real *values, int at)
{
    int embedding = m->is.embedding, size = embedding / m->is.heads;
    Linear qkv = {m->qkv.left, m->qkv.right, bias};
    const Real *k = s->wide + embedding, *v = k + embedding;
    apply(&qkv, s->x, s->wide, s->room);
    for (int n = 0; n < m->is.heads; n++)
        keep_key(keys + n * in_bands(m->is.context, size), at, size, k + n * size);
    if (m->is.attention == SOFTMAX)
        memcpy(values + (size_t)at * (size_t)embedding, v, BYTES(embedding));
}

/* What a piece, a place or both add to the gates; less than 0: none of them. */
static void add_gates(const Model *m, State *s, int piece, int place, Real *gates)
{
    int width = m->is.width, embedding = m->is.embedding;
    memset(s->x, 0, BYTES(embedding));
    if (piece >= 0) row_of(&m->embedding, piece, s->x);
    if (place >= 0 && s->window) row_of(&m->positions, place, s->y), add(s->y, s->x, embedding);
    multiply(&m->cell_input, s->x, gates, s->room);
    if (place < 0) return;
    add(m->bias_input, gates, 3 * width);
    add(m->bias_hidden, gates, 2 * width);
}

void memory_gru_begin(const Model *m, State *s)
{
    size_t size = up_to(3 * (size_t)m->is.width, LANES), embedding = (size_t)m->is.embedding;
    int pieces = TABLES ? lp_vocabulary_size(m) : 0, end = s->window ? m->is.context : 1;
    for (int n = 0; n < pieces; n++) add_gates(m, s, n, -1, s->of_piece + (size_t)n * size);
    for (int n = 0; TABLES && n < end; n++) add_gates(m, s, -1, n, s->of_place + (size_t)n * size);
    for (size_t place = 0; s->place_q && place < (size_t)m->is.context; place++) {
        row_of(&m->positions, (int)place, s->x);
        seek(m, s, NULL, s->place_k, s->place_v, (int)place);
        memcpy(s->place_q + place * embedding, s->wide, BYTES(embedding));
    }
}

/* The place in the window of what is kept in a slot. */
static int place_of(const State *s, int slot, int context)
{
    if (s->length < context) return slot;
    return slot > s->slot ? slot - s->slot - 1 : slot + context - s->slot - 1;
}

/* How much of each slot a head of the last piece takes: s->scores, and s->by_place. */
static void weigh(const Model *m, State *s, int head, const Real *q)
{
    int size = m->is.embedding / m->is.heads, context = m->is.context;
    size_t stretch = in_bands(context, size);
    Matrix keys = {s->keys + (size_t)head * stretch, NULL, s->length, size, REAL};
    multiply(&keys, q, s->scores, s->room);
    if (s->place_k) {
        Matrix places = {s->place_k + (size_t)head * stretch, NULL, s->length, size, REAL};
        multiply(&places, q, s->by_place, s->room);
        for (int slot = 0; slot < s->length; slot++)
            s->scores[slot] = plus(s->scores[slot], s->by_place[place_of(s, slot, context)]);
    }
    Real scale = inverse_root(ratio(size, 1));
    for (int slot = 0; slot < s->length; slot++) s->scores[slot] = times(s->scores[slot], scale);
    if (m->is.attention == SOFTMAX) softmax(s->scores, s->length, ratio(1, 1));
    else sigmoid_all(s->scores, s->length);
    for (int slot = 0; s->place_k && slot < s->length; slot++)
        s->by_place[place_of(s, slot, context)] = s->scores[slot];
}

/* What the cell reads of the window, added to its gates. */
static void find(const Model *m, State *s)
{
    int width = m->is.embedding, size = width / m->is.heads;
    size_t stride = (size_t)width, count = (size_t)s->length;
    memset(s->y, 0, BYTES(width));
    for (int at = 0; at < width; at += size) {
        weigh(m, s, at / size, s->wide + at);
        add_weighted(s->scores, s->values + at, stride, count, size, s->y + at);
        if (s->place_v)
            add_weighted(s->by_place, s->place_v + at, stride, count, size, s->y + at);
    }
    apply(&m->out, s->y, s->x, s->room);
    multiply(&m->cell_context, s->x, s->other, s->room);
    add(s->other, s->gates, 3 * m->is.width);
}

/* One step of the cell and of its memory, from what the input adds to the gates. */
static void cell(const Model *m, State *s)
{
    int width = m->is.width;
    Real *h = s->hidden, *more = s->other;
    multiply(&m->cell_memory, s->memory, more, s->room);
    add(more, s->gates, 3 * width);
    multiply(&m->cell_hidden, h, more, s->room);
    add(m->bias_hidden + 2 * width, more + 2 * width, width);
    gated_step(s->gates, more, h, width);
    Real priority = plus(dot(m->priority, h, width), *m->priority_bias);
    sigmoid_all(&priority, 1);
    apply(&m->writer, h, more, s->room);
    tanh_all(more, width);
    for (int i = 0; i < width; i++) s->memory[i] += times(priority, more[i] - s->memory[i]);
}

/* Sigmoid attention: the sum of the hidden states so far, each by how much it is asked for. */
static void sum_up(const Model *m, State *s)
{
    int heads = m->is.heads, size = m->is.width / heads, key = m->is.embedding / heads;
    size_t width = (size_t)m->is.width, count = (size_t)s->length;
    memcpy(s->values + (size_t)s->slot * width, s->hidden, BYTES(width));
    memset(s->x, 0, BYTES(width));
    for (int n = 0; n < heads; n++) {
        weigh(m, s, n, s->wide + n * key);
        add_weighted(s->scores, s->values + n * size, width, count, size, s->x + n * size);
    }
}

/* What a piece and its place add to the gates. */
static void gates_of(const Model *m, State *s, int piece, int place)
{
    size_t size = up_to(3 * (size_t)m->is.width, LANES);
    if (TABLES) memcpy(s->gates, s->of_piece + (size_t)piece * size, BYTES(size));
    if (TABLES) add(s->of_place + (size_t)place * size, s->gates, 3 * m->is.width);
    else add_gates(m, s, piece, place, s->gates);
}

static void read_plain(const Model *m, State *s, int piece)
{
    gates_of(m, s, piece, s->window ? s->length : 0);
    cell(m, s);
    if (s->window) s->window[s->length++] = (uint16_t)piece;
}

/* Without attention a full window begins anew with its later half, which is read again. */
static void slide(const Model *m, State *s)
{
    int half = m->is.context / 2;
    const uint16_t *later = s->window + m->is.context - half;
    lp_restart(m, s);
    for (int i = 0; i < half; i++) read_plain(m, s, later[i]);
}

static void read_window(const Model *m, State *s, int piece)
{
    int context = m->is.context, embedding = m->is.embedding;
    s->length += s->length < context;
    row_of(&m->embedding, piece, s->x);
    seek(m, s, m->qkv.bias, s->keys, s->values, s->slot);
    if (s->place_q)
        add(s->place_q + (size_t)(s->length - 1) * (size_t)embedding, s->wide, embedding);
    gates_of(m, s, piece, 0);
    if (m->is.attention == SOFTMAX) find(m, s);
    cell(m, s);
    if (m->is.attention == SIGMOID) sum_up(m, s);
    s->slot = (s->slot + 1) % context;
}

const Real *memory_gru_read(const Model *m, State *s, int piece)
{
    if (s->window && s->length == m->is.context) slide(m, s);
    (m->is.attention ? read_window : read_plain)(m, s, piece);
    normalise(&m->norm, m->is.attention == SIGMOID ? s->x : s->hidden, s->y, m->is.width);
    return s->y;
}
