/* Text as pieces and back, and how the next piece is drawn. */
#ifndef LILLIPUT_TEXT_H
#define LILLIPUT_TEXT_H

#include "model.h"

/* A character of the alphabet: its code point, and above it what it is in a word. */
enum { CODE_POINT = 0xffffff, LETTER = 0, MARK = 1, SPACE = 2, LINE_END = 3, CLASS_SHIFT = 24 };

/* The likeliest pieces are kept by three filters, in this order, then one is drawn. */
typedef struct {
    float temperature; /* 0: the likeliest piece */
    int32_t top_k;     /* 0: all */
    float top_p;       /* 1: all */
    float min_p;       /* 0: all */
} Sampling;

/* Pieces of UTF-8 text; `pieces` has room for as many as there are bytes.
 * Returns how many, or LP_UNKNOWN with *wrong at the byte where the unknown character begins. */
LP_API int lp_encode(const Model *m, const char *text, int size, uint16_t *pieces, int *wrong);

/* A piece as UTF-8 without a zero at its end; returns its bytes, or LP_NO_ROOM. */
LP_API int lp_decode(const Model *m, int piece, char *out, int room);

/* The next piece; `seed` is the generator's state and moves on; `sorted` is room for the logits. */
LP_API int lp_draw(const float *logits, int count, const Sampling *how, uint64_t *seed, float *sorted);

#endif
