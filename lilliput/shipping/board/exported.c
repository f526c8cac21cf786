#include "model.h"

int lilliput_begin(void) { return open_model(); }

int lilliput_ask(const char *question, int temperature, uint32_t first_seed)
{
    Sampling sampling = {ratio(temperature, 100), 0, ratio(1, 1), 0};
    return ask_model(question, &sampling, first_seed);
}

int lilliput_next(char *out, int size) { return model_says(out, size); }
