/* What the engine writes from a seed, as numbers of pieces, and a sum over the bits of the logits at
 * the end: engine_told FILE ... */
#include "engine.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    static uint64_t file[1 << 17], room[1 << 17];
    static Model model;
    static float sorted[1 << 12];
    static const Sampling how[] = {{0.0f, 0, 1.0f, 0.0f}, {0.9f, 0, 0.9f, 0.0f}, {1.2f, 7, 0.95f, 0.02f}};
    for (int n = 1; n < argc; n++) {
        FILE *in = fopen(argv[n], "rb");
        size_t size = in ? fread(file, 1, sizeof file, in) : 0;
        State *text;
        if (!in || lp_open(file, size, &model) || lp_begin(&model, room, sizeof room, &text)) return 2;
        fclose(in);
        for (int which = 0; which < 3; which++) {
            uint16_t pieces[64];
            uint64_t seed = 7;
            lp_restart(&model, text);
            lp_read(&model, text, 1);
            int count = lp_write(&model, text, &how[which], &seed, 64, pieces, sorted);
            for (int i = 0; i < count; i++) printf("%d ", pieces[i]);
            uint32_t sum = 0;
            for (int i = 0; i < lp_vocabulary_size(&model); i++) {
                uint32_t bits;
                memcpy(&bits, lp_logits(text) + i, sizeof bits);
                sum = sum * 31 + bits;
            }
            printf("%u\n", (unsigned)sum);
        }
    }
    return 0;
}
