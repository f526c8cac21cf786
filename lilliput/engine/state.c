#include "state.h"

#include <string.h>

typedef struct {
    uint8_t *base;
    size_t used;
} Arena;

static float *share(Arena *a, size_t n)
{
    size_t start = up_to(a->used, 64);
    a->used = start + n * sizeof(float);
    return a->base ? (float *)(void *)(a->base + start) : NULL;
}

static int larger(int a, int b) { return a > b ? a : b; }

/* Shares the room out; with no base, only what is needed is counted. */
static size_t share_out(const Model *m, uint8_t *base, State *s)
{
    const Fields *is = &m->is;
    Arena arena = {base, sizeof *s}, *a = &arena;
    int vocabulary = lp_vocabulary(m), width = larger(is->width, is->embedding);
    int widest = larger(3 * width, larger(2 * is->hidden, 2 * is->state));
    int deepest = larger(larger(width, is->hidden), is->state);
    size_t context = (size_t)is->context, wide = up_to((size_t)widest, LANES);
    s->logits = share(a, up_to((size_t)vocabulary, LANES));
    s->x = share(a, wide);
    s->y = share(a, wide);
    s->wide = share(a, wide);
    s->other = share(a, wide);
    s->room.between = share(a, up_to((size_t)is->rank, LANES));
    s->room.whole = (int16_t *)share(a, (size_t)larger(deepest, is->rank) / 2 + 2);
    if (is->family == GPT || is->attention) {
        s->scores = share(a, up_to(context, LANES));
        s->by_place = share(a, up_to(context, LANES));
    }
    if (is->family == GPT) {
        int size = lp_head_size(m);
        size_t heads = (size_t)is->layers * (size_t)is->loops * (size_t)is->kv_heads;
        s->keys = share(a, heads * in_bands(is->context, size));
        s->values = share(a, heads * context * (size_t)size);
        if (is->rotary) {
            s->cosine = share(a, context * (size_t)size / 2);
            s->sine = share(a, context * (size_t)size / 2);
        }
        return a->used;
    }
    size_t layers = (size_t)is->layers, state = (size_t)(is->family == MINGRU ? is->state : is->width);
    s->hidden = share(a, layers * state);
    if (is->family == MINGRU && is->convolution) {
        s->memory = share(a, layers * (size_t)is->convolution * (size_t)is->width);
        s->convolution = share(a, layers * (size_t)is->convolution * (size_t)is->width);
    }
    if (is->family == MEMORY_GRU) {
        size_t gates = up_to(3 * (size_t)is->width, LANES), places = is->positions ? context : 1;
        s->memory = share(a, (size_t)is->width);
        s->gates = share(a, gates);
        s->of_piece = share(a, (size_t)vocabulary * gates);
        s->of_place = share(a, (is->attention ? 1 : places) * gates);
        if (!is->attention && is->positions) s->window = (uint16_t *)share(a, context / 2 + 1);
        if (is->attention) {
            int size = is->embedding / is->heads, value = is->attention == SOFTMAX ? is->embedding : is->width;
            size_t keys = (size_t)is->heads * in_bands(is->context, size);
            s->keys = share(a, keys);
            s->values = share(a, context * (size_t)value);
            if (is->positions) {
                s->place_q = share(a, context * (size_t)is->embedding);
                s->place_k = share(a, keys);
                s->place_v = share(a, context * (size_t)is->embedding);
            }
        }
    }
    return a->used;
}

size_t lp_room(const Model *m)
{
    State nothing;
    return share_out(m, NULL, &nothing);
}

int lp_window(const Model *m) { return m->is.family == GPT ? m->is.context : 0; }

Error lp_begin(const Model *m, void *room, size_t size, State **state)
{
    if (size < lp_room(m) || (uintptr_t)room % sizeof(void *)) return LP_NO_ROOM;
    State *s = *state = (State *)room;
    memset(room, 0, size);
    share_out(m, (uint8_t *)room, s);
    if (m->is.family == MINGRU) mingru_begin(m, s);
    if (m->is.family == MEMORY_GRU) memory_gru_begin(m, s);
    if (m->turns) {
        int half = lp_head_size(m) / 2;
        for (int t = 0; t < m->is.context; t++)
            for (int i = 0; i < half; i++)
                turn((float)t * m->turns[i], &s->cosine[t * half + i], &s->sine[t * half + i]);
    }
    return LP_OK;
}

void lp_restart(const Model *m, State *s)
{
    const Fields *is = &m->is;
    size_t layers = (size_t)is->layers, width = (size_t)is->width, each = sizeof(float);
    s->length = s->slot = 0;
    if (s->hidden) memset(s->hidden, 0, each * layers * (is->family == MINGRU ? (size_t)is->state : width));
    if (s->memory) memset(s->memory, 0, each * layers * width * (is->family == MINGRU ? (size_t)is->convolution : 1));
}

Error lp_read(const Model *m, State *s, int piece)
{
    if (piece < 0 || piece >= lp_vocabulary(m)) return LP_UNKNOWN;
    switch (m->is.family) {
    case GPT: return gpt_read(m, s, piece);
    case GRU: gru_read(m, s, piece); break;
    case MEMORY_GRU: memory_gru_read(m, s, piece); break;
    default: mingru_read(m, s, piece);
    }
    return LP_OK;
}

void keep_key(float *bands, int place, int size, const float *key)
{
    float *column = bands + (size_t)(place / LANES * size) * LANES + place % LANES;
    for (int i = 0; i < size; i++) column[(size_t)i * LANES] = key[i];
}
