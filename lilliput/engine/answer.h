/* How a sum is written for a model, and how its answer is read back: as the weight file says. */
#ifndef LILLIPUT_ANSWER_H
#define LILLIPUT_ANSWER_H

#include "model.h"

/* `12 + 24` as the model is asked it. Returns its length without the zero at its end, with
 * *operation the sign; LP_UNKNOWN: it is no sum of two whole numbers; LP_NO_ROOM. */
LP_API int lp_prompt(const Model *m, const char *sum, char *out, int room, char *operation);

/* The answer in its usual form (`36.00`) of what a model wrote before the end mark; LP_UNKNOWN: it
 * is no number as this format writes it. */
LP_API int lp_answer(const Model *m, char operation, const char *text, int size, char *out, int room);

#endif
