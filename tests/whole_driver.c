/* Logits of a chip's model.c on this machine: pieces come in (uint16), 65535 begins anew, and logits
 * (int32) go out after each; an argument asks for the room instead: what is needed, what there is. */
#include "model.c"

#include <stdio.h>

int main(int argc, char **argv)
{
    uint16_t piece;
    (void)argv;
    if (open_model()) return 3;
    if (argc > 1) return printf("%zu %zu\n", lp_room(&model), sizeof room) < 0;
    while (fread(&piece, sizeof piece, 1, stdin) == 1) {
        if (piece == 65535) {
            lp_restart(&model, text);
            continue;
        }
        if (lp_read(&model, text, piece)) return 4;
        fwrite(lp_logits(text), sizeof(Real), VOCABULARY, stdout);
    }
    Sampling how = {ratio(9, 10), 7, ratio(9, 10), ratio(1, 100)};
    uint64_t state = 1;
    for (int i = 0; i < 9; i++) lp_draw(lp_logits(text), VOCABULARY, &how, &state, sorted);
    return 0;
}
