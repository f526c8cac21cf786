/* A chip's model.c on this machine: pieces come in (uint16), 65535 begins anew, and logits (int32) go
 * out after each. With the argument `room`: bytes that are needed, and that there are. With `draw`:
 * the logits come in, and pieces that are drawn from a seed go out.
 */
#include "model.c"

#include <stdio.h>

static int draw(void)
{
    static Real found[VOCABULARY];
    const Sampling how[] = {{ratio(9, 10), 0, ratio(1, 1), 0},
                            {ratio(1, 1), 7, ratio(9, 10), ratio(1, 100)}};
    if (fread(found, sizeof found, 1, stdin) != 1) return 5;
    for (int n = 0; n < 2; n++) {
        uint64_t state = 7;
        for (int i = 0; i < 1000; i++)
            printf("%d\n", lp_draw(found, VOCABULARY, &how[n], &state, sorted));
    }
    return 0;
}

int main(int argc, char **argv)
{
    uint16_t piece;
    if (open_model()) return 3;
    if (argc > 1 && *argv[1] == 'd') return draw();
    if (argc > 1) return printf("%zu %zu\n", lp_room(&model), sizeof room) < 0;
    while (fread(&piece, sizeof piece, 1, stdin) == 1) {
        if (piece == 65535) {
            lp_restart(&model, text);
            continue;
        }
        if (lp_read(&model, text, piece)) return 4;
        fwrite(lp_logits(text), sizeof(Real), VOCABULARY, stdout);
    }
    return 0;
}
