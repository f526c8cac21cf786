/* The whole engine for a program that uses it: open a model, begin a text, read pieces, write on.
 *
 *     Model model;                                   lp_open(file, size, &model);
 *     State *text;                                   lp_begin(&model, room, lp_room(&model), &text);
 *     lp_encode(&model, prompt, ...);                lp_read_all(&model, text, pieces, count);
 *     lp_write(&model, text, &how, &seed, ...);      lp_decode(&model, piece, ...);
 */
#ifndef LILLIPUT_ENGINE_H
#define LILLIPUT_ENGINE_H

#include "answer.h"
#include "state.h"
#include "text.h"

/* The piece that ends an answer or a story. */
enum { LP_END = 0 };

/* For callers that see no header: bytes of a Model, its pieces, and a copy of the logits. */
LP_API size_t lp_model_size(void);
LP_API int lp_vocabulary_size(const Model *m);
LP_API void lp_logits(const Model *m, const State *s, float *out);

/* Reads pieces on; stops at the first that is refused. */
LP_API Error lp_read_all(const Model *m, State *s, const uint16_t *pieces, int count);

/* Writes on up to `most` pieces, an end mark included, or until the window is full; `sorted` is
 * room for the logits. Returns how many. */
LP_API int lp_write(const Model *m, State *s, const Sampling *how, uint64_t *seed, int most,
             uint16_t *pieces, float *sorted);

#endif
