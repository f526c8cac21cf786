/* A gated recurrent unit with a gated memory beside it, and attention over the window's pieces.
 *
 *     h = GRU([x, context, M], h);  p = sigmoid(w h + b);  M = M + p (tanh(C h + c) - M)
 *
 * What a piece adds to the gates is the same wherever it stands, and so is what a place adds: both
 * are worked out once. A window that slides keeps pieces in a ring, each in its slot, while places
 * are counted from the window's start.
 */
#include "state.h"

#include <string.h>

static void place_begin(const Model *m, State *s, int place)
{
    int embedding = m->is.embedding, size = embedding / m->is.heads;
    Linear plain = {m->qkv.left, m->qkv.right, NULL};
    row_of(&m->positions, place, s->x);
    apply(&plain, s->x, s->wide, s->room);
    memcpy(s->place_q + (size_t)place * (size_t)embedding, s->wide, sizeof *s->wide * (size_t)embedding);
    for (int n = 0; n < m->is.heads; n++)
        keep_key(s->place_k + (size_t)n * in_bands(m->is.context, size), place, size,
                 s->wide + embedding + n * size);
    if (m->is.attention == SOFTMAX)
        memcpy(s->place_v + (size_t)place * (size_t)embedding, s->wide + 2 * embedding,
               sizeof *s->wide * (size_t)embedding);
}

void memory_gru_begin(const Model *m, State *s)
{
    int width = m->is.width;
    size_t gates = up_to(3 * (size_t)width, LANES);
    for (int piece = 0; piece < lp_vocabulary(m); piece++) {
        row_of(&m->embedding, piece, s->x);
        multiply(&m->cell_input, s->x, s->of_piece + (size_t)piece * gates, s->room);
    }
    int seen = m->is.positions && !m->is.attention; /* whether the cell sees places */
    for (int place = 0; place < (seen ? m->is.context : 1); place++) {
        float *out = s->of_place + (size_t)place * gates;
        if (seen) {
            row_of(&m->positions, place, s->x);
            multiply(&m->cell_input, s->x, out, s->room);
        }
        add(m->bias_input, out, 3 * width);
        add(m->bias_hidden, out, 2 * width);
    }
    for (int place = 0; m->is.positions && m->is.attention && place < m->is.context; place++)
        place_begin(m, s, place);
}

/* The place in the window of what is kept in a slot. */
static int place_of(const State *s, int slot, int context)
{
    if (s->length < context) return slot;
    return slot > s->slot ? slot - s->slot - 1 : slot + context - s->slot - 1;
}

/* How much of each slot a head of the last piece takes: s->scores, and s->by_place. */
static void weigh(const Model *m, State *s, int head, const float *q)
{
    int size = m->is.embedding / m->is.heads, context = m->is.context;
    size_t stretch = in_bands(context, size);
    Matrix keys = {s->keys + (size_t)head * stretch, NULL, s->length, size, FLOAT32};
    multiply(&keys, q, s->scores, s->room);
    if (m->is.positions) {
        Matrix places = {s->place_k + (size_t)head * stretch, NULL, s->length, size, FLOAT32};
        multiply(&places, q, s->by_place, s->room);
        for (int slot = 0; slot < s->length; slot++)
            s->scores[slot] += s->by_place[place_of(s, slot, context)];
    }
    float scale = inverse_root((float)size);
    if (m->is.attention == SOFTMAX) {
        softmax(s->scores, s->length, scale);
    } else {
        for (int slot = 0; slot < s->length; slot++) s->scores[slot] *= scale;
        sigmoid_all(s->scores, s->length);
    }
    for (int slot = 0; m->is.positions && slot < s->length; slot++)
        s->by_place[place_of(s, slot, context)] = s->scores[slot];
}

/* Keeps a piece's keys and values in its slot; leaves its queries in s->wide. */
static void keep(const Model *m, State *s, int piece)
{
    int embedding = m->is.embedding, size = embedding / m->is.heads, context = m->is.context;
    row_of(&m->embedding, piece, s->x);
    apply(&m->qkv, s->x, s->wide, s->room);
    for (int n = 0; n < m->is.heads; n++)
        keep_key(s->keys + (size_t)n * in_bands(context, size), s->slot, size, s->wide + embedding + n * size);
    if (m->is.attention == SOFTMAX)
        memcpy(s->values + (size_t)s->slot * (size_t)embedding, s->wide + 2 * embedding,
               sizeof *s->wide * (size_t)embedding);
    if (m->is.positions)
        add(s->place_q + (size_t)(s->length - 1) * (size_t)embedding, s->wide, embedding);
}

/* What the cell reads of the window, added to its gates. */
static void find(const Model *m, State *s)
{
    int embedding = m->is.embedding, size = embedding / m->is.heads;
    memset(s->y, 0, sizeof *s->y * (size_t)embedding);
    for (int n = 0; n < m->is.heads; n++) {
        float *found = s->y + n * size;
        weigh(m, s, n, s->wide + n * size);
        add_weighted(s->scores, s->values + n * size, (size_t)embedding, s->length, size, found);
        if (m->is.positions)
            add_weighted(s->by_place, s->place_v + n * size, (size_t)embedding, s->length, size, found);
    }
    apply(&m->out, s->y, s->x, s->room);
    multiply(&m->cell_context, s->x, s->other, s->room);
    add(s->other, s->gates, 3 * m->is.width);
}

/* One step of the cell and of its memory, from what the input adds to the gates. */
static void cell(const Model *m, State *s)
{
    int width = m->is.width;
    float *gates = s->gates, *h = s->hidden, *more = s->other, *new = gates + 2 * width, *reset = gates;
    multiply(&m->cell_memory, s->memory, more, s->room);
    add(more, gates, 3 * width);
    multiply(&m->cell_hidden, h, more, s->room);
    add(more, gates, 2 * width);
    sigmoid_all(gates, 2 * width);
    for (int i = 0; i < width; i++)
        new[i] += reset[i] * (more[2 * width + i] + m->bias_hidden[2 * width + i]);
    tanh_all(new, width);
    for (int i = 0; i < width; i++) h[i] = new[i] + gates[width + i] * (h[i] - new[i]);
    float priority = dot(m->priority, h, width) + *m->priority_bias;
    sigmoid_all(&priority, 1);
    apply(&m->writer, h, more, s->room);
    tanh_all(more, width);
    for (int i = 0; i < width; i++) s->memory[i] += priority * (more[i] - s->memory[i]);
}

/* Sigmoid attention: the sum of the hidden states so far, each by how much it is asked for. */
static void sum_up(const Model *m, State *s)
{
    int width = m->is.width, size = width / m->is.heads, key = m->is.embedding / m->is.heads;
    memcpy(s->values + (size_t)s->slot * (size_t)width, s->hidden, sizeof *s->hidden * (size_t)width);
    memset(s->x, 0, sizeof *s->x * (size_t)width);
    for (int n = 0; n < m->is.heads; n++) {
        weigh(m, s, n, s->wide + n * key);
        add_weighted(s->scores, s->values + n * size, (size_t)width, s->length, size, s->x + n * size);
    }
}

static void gates_of(const Model *m, State *s, int piece, int place)
{
    size_t width = up_to(3 * (size_t)m->is.width, LANES);
    memcpy(s->gates, s->of_piece + (size_t)piece * width, sizeof *s->gates * width);
    add(s->of_place + (size_t)place * width, s->gates, 3 * m->is.width);
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
    int half = m->is.context / 2, first = m->is.context - half;
    size_t bytes = sizeof(float) * (size_t)m->is.width;
    memset(s->hidden, 0, bytes);
    memset(s->memory, 0, bytes);
    s->length = 0;
    for (int i = 0; i < half; i++) read_plain(m, s, s->window[first + i]);
}

static void read_window(const Model *m, State *s, int piece)
{
    int context = m->is.context;
    s->length += s->length < context;
    keep(m, s, piece);
    gates_of(m, s, piece, 0);
    if (m->is.attention == SOFTMAX) find(m, s);
    cell(m, s);
    if (m->is.attention == SIGMOID) sum_up(m, s);
    s->slot = (s->slot + 1) % context;
}

const float *memory_gru_read(const Model *m, State *s, int piece)
{
    if (s->window && s->length == m->is.context) slide(m, s);
    if (m->is.attention)
        read_window(m, s, piece);
    else
        read_plain(m, s, piece);
    normalise(&m->norm, m->is.attention == SIGMOID ? s->x : s->hidden, s->y, m->is.width);
    return s->y;
}
