/* Opens a weight file, reads and writes a little, and says how it went: for sanitizers and fuzzers.
 *
 * As a program: engine_driver FILE ... As a fuzzer's target the input's size and checksum are put right
 * first, so that only the reader's own checks are between what was made up and the weights.
 */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A fuzzer does better with many small models than with a few large ones. */
#ifdef FUZZ
enum { LARGEST = 1 << 16, LONGEST = 6 };
#else
enum { LARGEST = 1 << 22, LONGEST = 64 };
#endif

static Error try(const uint8_t *file, size_t size)
{
    static Model model;
    Error error = lp_open(file, size, &model);
    size_t needed = error ? 0 : lp_room(&model);
    if (error || needed > LARGEST) return error;
    int count = lp_vocabulary_size(&model), wrong;
    void *room = aligned_alloc(64, up_to(needed, 64));
    float *sorted = malloc(sizeof *sorted * (size_t)count);
    State *state;
    uint64_t seed = 1;
    uint16_t pieces[64];
    char out[256];
    error = lp_begin(&model, room, needed, &state);
    for (int i = 0; !error && i < 3 * model.is.context + 3 && i < LONGEST; i++) lp_read(&model, state, i % count);
    lp_restart(&model, state);
    if (!lp_read(&model, state, count - 1)) {
        Sampling how = {0.7f, 3, 0.9f, 0.1f};
        int written = lp_write(&model, state, &how, &seed, 8, pieces, sorted);
        for (int i = 0; i < written; i++) lp_decode(&model, pieces[i], out, (int)sizeof out);
    }
    lp_encode(&model, "the cat\n 12\xf0\x9f", 13, pieces, &wrong);
    lp_answer(&model, '-', "-00>12", 6, out, (int)sizeof out);
    lp_prompt(&model, "007 / 8", out, (int)sizeof out, out + 200);
    free(room);
    free(sorted);
    return error;
}

#ifdef FUZZ
static uint32_t crc_of(const uint8_t *bytes, size_t size)
{
    static uint32_t table[256];
    uint32_t crc = 0xffffffffu;
    for (uint32_t n = 0; !table[255] && n < 256; n++) {
        uint32_t c = n;
        for (int bit = 0; bit < 8; bit++) c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
        table[n] = c;
    }
    for (size_t i = 0; i < size; i++) crc = table[(crc ^ bytes[i]) & 255] ^ crc >> 8;
    return ~crc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *file = malloc(size ? size : 1);
    memcpy(file, data, size);
    if (size >= 20) {
        uint32_t length = (uint32_t)size, crc = crc_of(file + 20, size - 20);
        memcpy(file + 12, &length, sizeof length);
        memcpy(file + 16, &crc, sizeof crc);
    }
    try(file, size);
    free(file);
    return 0;
}
#else
int main(int argc, char **argv)
{
    for (int n = 1; n < argc; n++) {
        FILE *in = fopen(argv[n], "rb");
        if (!in) return 2;
        fseek(in, 0, SEEK_END);
        size_t size = (size_t)ftell(in);
        uint8_t *file = malloc(size ? size : 1);
        rewind(in);
        if (fread(file, 1, size, in) != size) return 2;
        fclose(in);
        printf("%d\n", (int)try(file, size));
        free(file);
    }
    return 0;
}
#endif
