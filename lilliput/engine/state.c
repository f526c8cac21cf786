#include "state.h"

#include <string.h>

typedef struct {
    uint8_t *base;
    size_t used;
} Arena;

static Real *share(Arena *a, size_t n)
{
    size_t start = up_to(a->used, ALIGNED);
    a->used = start + BYTES(n);
    return a->base ? (Real *)(void *)(a->base + start) : NULL;
}

static int larger(int a, int b) { return a > b ? a : b; }

static void share_of_gpt(const Model *m, State *s, Arena *a)
{
    const Fields *is = &m->is;
    size_t context = (size_t)is->context, size = (size_t)lp_head_size(m);
    size_t heads = (size_t)is->layers * (size_t)is->loops * (size_t)is->kv_heads;
    s->keys = share(a, heads * in_bands(is->context, lp_head_size(m)));
    s->values = share(a, heads * context * size);
    if (!is->rotary) return;
    size_t turns = (TABLES ? context : 1) * size / 2;
    s->cosine = share(a, turns), s->sine = share(a, turns);
}

static void share_of_memory_gru(const Model *m, State *s, Arena *a)
{
    const Fields *is = &m->is;
    size_t context = (size_t)is->context, embedding = (size_t)is->embedding;
    size_t gates = up_to(3 * (size_t)is->width, LANES);
    size_t keys = (size_t)is->heads * in_bands(is->context, is->embedding / is->heads);
    s->gates = share(a, gates);
    s->of_piece = share(a, TABLES ? (size_t)lp_vocabulary_size(m) * gates : 0);
    s->of_place = share(a, TABLES ? (is->attention || !is->positions ? 1 : context) * gates : 0);
    if (!is->attention) {
        if (is->positions) s->window = (uint16_t *)share(a, context / 2 + 1);
        return;
    }
    s->keys = share(a, keys);
    s->values = share(a, context * (is->attention == SOFTMAX ? embedding : (size_t)is->width));
    if (!is->positions) return;
    s->place_q = share(a, context * embedding);
    s->place_k = share(a, keys);
    s->place_v = share(a, context * embedding);
}

/* Shares the room out; with no base, only what is needed is counted. */
static size_t share_out(const Model *m, uint8_t *base, State *s)
{
    const Fields *is = &m->is;
    Arena arena = {base, sizeof *s}, *a = &arena;
    int width = larger(is->width, is->embedding);
    int deepest = larger(larger(width, is->rank), larger(is->hidden, is->state));
    int widest = larger(3 * width, larger(2 * is->hidden, 3 * is->state));
    size_t wide = up_to((size_t)widest, LANES), layers = (size_t)is->layers;
    size_t seen = FAMILY(m) == MINGRU ? layers * (size_t)is->convolution : 1;
    s->logits = share(a, up_to((size_t)lp_vocabulary_size(m), LANES));
    s->x = share(a, wide), s->y = share(a, wide);
    s->wide = share(a, wide), s->other = share(a, wide);
    s->room.between = share(a, up_to((size_t)is->rank, LANES));
    s->room.whole = (Whole *)share(a, (size_t)deepest / (4 / sizeof(Whole)) + 2);
    s->scores = share(a, up_to((size_t)is->context, LANES));
    s->by_place = share(a, up_to((size_t)is->context, LANES));
    if (FAMILY(m) == GPT) {
        share_of_gpt(m, s, a);
        return a->used;
    }
    s->hidden_size = layers * (size_t)(FAMILY(m) == MINGRU ? is->state : is->width);
    s->memory_size = seen * (size_t)is->width;
    s->hidden = share(a, s->hidden_size);
    s->memory = share(a, s->memory_size);
    if (FAMILY(m) == MEMORY_GRU) share_of_memory_gru(m, s, a);
    return a->used;
}

size_t lp_room(const Model *m) { return share_out(m, NULL, &(State){0}); }

int lp_window(const Model *m) { return FAMILY(m) == GPT ? m->is.context : 0; }

Error lp_begin(const Model *m, void *room, size_t size, State **state)
{
    if (size < lp_room(m) || (uintptr_t)room % sizeof(void *)) return LP_NO_ROOM;
    State *s = *state = (State *)room;
    memset(room, 0, size);
    share_out(m, (uint8_t *)room, s);
    if (FAMILY(m) == MEMORY_GRU) memory_gru_begin(m, s);
    size_t half = (size_t)lp_head_size(m) / 2, end = TABLES && m->turns ? (size_t)m->is.context : 0;
    for (size_t n = 0; n < end; n++)
        turn((int)n, m->turns, (int)half, s->cosine + n * half, s->sine + n * half);
    return LP_OK;
}

void lp_restart(const Model *m, State *s)
{
    (void)m;
    s->length = s->slot = 0;
    if (s->hidden) memset(s->hidden, 0, BYTES(s->hidden_size));
    if (s->memory) memset(s->memory, 0, BYTES(s->memory_size));
}

Error lp_read(const Model *m, State *s, int piece)
{
    const Real *found;
    if (piece < 0 || piece >= lp_vocabulary_size(m)) return LP_UNKNOWN;
    if (FAMILY(m) == GPT && s->length == m->is.context) return LP_FULL;
    switch (FAMILY(m)) {
    case GPT: found = gpt_read(m, s, piece); break;
    case GRU: found = gru_read(m, s, piece); break;
    case MEMORY_GRU: found = memory_gru_read(m, s, piece); break;
    default: found = mingru_read(m, s, piece);
    }
    apply(&m->head, found, s->logits, s->room);
    return LP_OK;
}

Error lp_read_all(const Model *m, State *s, const uint16_t *pieces, int count)
{
    Error error = LP_OK;
    for (int i = 0; !error && i < count; i++) error = lp_read(m, s, pieces[i]);
    return error;
}

const Real *lp_logits(const State *s) { return s->logits; }

void keep_key(Real *bands, int place, int size, const Real *key)
{
    Real *column = bands + (size_t)(place / LANES * size) * LANES + place % LANES;
    for (int i = 0; i < size; i++) column[(size_t)i * LANES] = key[i];
}
