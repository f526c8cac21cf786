#include "engine.h"

#include <string.h>

size_t lp_model_size(void) { return sizeof(Model); }

int lp_vocabulary_size(const Model *m) { return lp_vocabulary(m); }

void lp_logits(const Model *m, const State *s, float *out)
{
    memcpy(out, s->logits, sizeof *out * (size_t)lp_vocabulary(m));
}

Error lp_read_all(const Model *m, State *s, const uint16_t *pieces, int count)
{
    Error error = LP_OK;
    for (int i = 0; !error && i < count; i++) error = lp_read(m, s, pieces[i]);
    return error;
}

int lp_write(const Model *m, State *s, const Sampling *how, uint64_t *seed, int most,
             uint16_t *pieces, float *sorted)
{
    for (int count = 0; count < most; count++) {
        int piece = lp_draw(s->logits, lp_vocabulary(m), how, seed, sorted);
        pieces[count] = (uint16_t)piece;
        if (piece == LP_END || count + 1 == most || lp_read(m, s, piece)) return count + 1;
    }
    return 0;
}
