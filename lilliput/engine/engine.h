/* The whole engine for a program that uses it: open a model, begin a text, read pieces, write on.
 *
 *     Model model;    lp_open(file, size, &model);
 *     State *text;    lp_begin(&model, room, lp_room(&model), &text);
 *     lp_encode(&model, prompt, ...);    lp_read_all(&model, text, pieces, count);
 *     lp_write(&model, text, &how, &seed, ...);    lp_decode(&model, piece, ...);
 */
#pragma once
#include "state.h"

enum { LP_END = 0 }; /* the piece that ends an answer or a story */
/* A character of the alphabet: its code point, and above it what it is in a word. */
enum { CODE_POINT = 0xffffff, LETTER = 0, MARK = 1, SPACE = 2, LINE_END = 3, CLASS_SHIFT = 24 };

/* The likeliest pieces are kept by three filters, in this order, then one is drawn. */
typedef struct {
    Real temperature; /* 0: the likeliest piece */
    int32_t top_k;    /* 0: all */
    Real top_p;       /* 1: all */
    Real min_p;       /* 0: all */
} Sampling;

/* Pieces of UTF-8 text; `pieces` has room for as many as there are bytes.
 * Returns how many, or LP_UNKNOWN with *wrong at the byte where the unknown character begins. */
LP_API int lp_encode(const Model *m, const char *text, int size, uint16_t *pieces, int *wrong);

/* A piece as UTF-8 without a zero at its end; returns its bytes, or LP_NO_ROOM. */
LP_API int lp_decode(const Model *m, int piece, char *out, int room);

/* The next piece; `seed` is the generator's state and moves on; `sorted` is room for the logits. */
LP_API int lp_draw(const Real *logits, int count, const Sampling *how, uint64_t *seed,
                   Real *sorted);

/* Writes up to `most` pieces, an end mark included, or until the window is full; how many. */
LP_API int lp_write(const Model *m, State *s, const Sampling *how, uint64_t *seed, int most,
                    uint16_t *pieces, Real *sorted);

/* `12 + 24` as the model is asked it. Returns its length without the zero at its end, with
 * *operation the sign; LP_UNKNOWN: it is no sum of two whole numbers; LP_NO_ROOM. */
LP_API int lp_prompt(const Model *m, const char *sum, char *out, int room, char *operation);

/* The answer in its usual form (`36.00`) of what a model wrote before the end mark; LP_UNKNOWN: it
 * is no number as this format writes it. */
LP_API int lp_answer(const Model *m, char operation, const char *text, int size, char *out,
                     int room);
