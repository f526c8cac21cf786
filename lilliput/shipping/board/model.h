/* A language model of its own, for a chip: three calls, no allocation, no library. */
#ifndef LILLIPUT_MODEL_ON_A_CHIP
#define LILLIPUT_MODEL_ON_A_CHIP

#include <stdint.h>

enum {
    LILLIPUT_LONGEST = {longest}, /* bytes of a text that is asked, the zero at its end included */
    LILLIPUT_ROOM = 4 * LILLIPUT_LONGEST /* bytes for what lilliput_next says */
};
#define LILLIPUT_BETWEEN "{between}" /* what is written between a question and its answer */

/* Once, first. 0; or less, where the weights are damaged. */
int lilliput_begin(void);

/* Reads a question, or the beginning of a text. `temperature` is in hundredths; 0: always the
 * likeliest piece. 0; or less: it is too long, no question, or has a character that is unknown. */
int lilliput_ask(const char *text, int temperature, uint32_t seed);

/* What the model says next, with a zero at its end: a piece of a text, or a whole answer (of
 * what is no number its beginning, and that). Returns its bytes; 0: it has ended. */
int lilliput_next(char *out, int size);

#endif
