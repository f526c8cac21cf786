/* What a model remembers of a text, in a room that the caller gives: nothing is allocated later. */
#pragma once
#include "model.h"

typedef struct {
    int length;    /* pieces in the window, of families that have one */
    int slot;      /* of a window that slides: where the next piece is kept */
    Real *logits; /* (vocabulary) after the last piece */
    Real *x, *y, *wide, *other, *gates, *scores, *by_place;
    Room room;
    Real *keys, *values;   /* gpt (pass, head, ...), memory-gru (head, ...) */
    Real *cosine, *sine;   /* (context, head size / 2); without tables of one place */
    Real *hidden, *memory; /* (layers, width); what a mingru's convolution saw */
    size_t hidden_size, memory_size;
    Real *of_piece, *of_place;         /* memory-gru: what each adds to the gates */
    Real *place_q, *place_k, *place_v; /* memory-gru: what places add to attention */
    uint16_t *window; /* memory-gru without attention: the pieces, to be read again */
} State;

/* Bytes of room that a text needs, and a text of nothing in such a room (aligned to 64 bytes). */
LP_API size_t lp_room(const Model *m);
LP_API Error lp_begin(const Model *m, void *room, size_t size, State **state);

/* The same room for another text. */
LP_API void lp_restart(const Model *m, State *s);

/* Reads a piece on, or several, up to the first that is refused; the logits after the last. */
LP_API Error lp_read(const Model *m, State *s, int piece);
LP_API Error lp_read_all(const Model *m, State *s, const uint16_t *pieces, int count);
LP_API const Real *lp_logits(const State *s);

/* Pieces of the longest text that it reads; 0: no limit. */
LP_API int lp_window(const Model *m);

/* Numbers in a key cache of n places, which lies in bands, and where it takes a key. */
static inline size_t in_bands(int n, int size) { return up_to((size_t)n, LANES) * (size_t)size; }
void keep_key(Real *bands, int place, int size, const Real *key);

void memory_gru_begin(const Model *m, State *s);
/* What the head makes logits of. */
const Real *gpt_read(const Model *m, State *s, int piece);
const Real *gru_read(const Model *m, State *s, int piece);
const Real *memory_gru_read(const Model *m, State *s, int piece);
const Real *mingru_read(const Model *m, State *s, int piece);
