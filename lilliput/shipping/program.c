/* The program around a shipped model: a calculator, or a story teller. */
#include <stdio.h>
#include <stdlib.h>

static const char USAGE[] =
    "usage: %s [-t TEMPERATURE] [-k TOP-K] [-p TOP-P] [-m MIN-P] [-s SEED] [-n PIECES] [TEXT ...]\n"
    "Goes on with a text, or answers a question. Without one it reads lines until the end of input.\n";

static Model model;
static State *text;
static uint64_t room[ROOM / 8];
static uint16_t pieces[MOST_BYTES + 1];
static float sorted[VOCABULARY];
static uint64_t seed;
static long most = 1000;

static int refuse(const char *why)
{
    fprintf(stderr, "%s\n", why);
    return 2;
}

/* Reads a prompt on; the characters that it lacks are named. */
static int read_prompt(const char *prompt, int size, long *left)
{
    int wrong = 0, count = lp_encode(&model, prompt, size, pieces, &wrong);
    if (count == LP_UNKNOWN) {
        fprintf(stderr, "unknown character at byte %d: %.4s\n", wrong + 1, prompt + wrong);
        return 2;
    }
    lp_restart(&model, text);
    if ((model.is.starts_with_end && lp_read(&model, text, LP_END)) || lp_read_all(&model, text, pieces, count))
        return refuse("the text is longer than this model's window; shorten it");
    long window = lp_window(&model), more = window - count - model.is.starts_with_end;
    if (window && more < *left) *left = more;
    return count ? 0 : refuse("write something to go on with");
}

static int tell(const char *prompt, const Sampling *how)
{
    long left = most;
    int error = read_prompt(prompt, (int)strlen(prompt), &left);
    if (error) return error;
    printf("%s", prompt);
    for (long n = 0; n < left; n++) {
        char out[4096];
        int piece = lp_draw(text->logits, VOCABULARY, how, &seed, sorted);
        int size = piece == LP_END ? 0 : lp_decode(&model, piece, out, (int)sizeof out);
        if (size <= 0) break;
        fwrite(out, 1, (size_t)size, stdout);
        fflush(stdout);
        if (lp_read(&model, text, piece)) break;
    }
    printf("\n");
    return 0;
}

static int answer(const char *question, const Sampling *how)
{
    char asked[MOST_BYTES + 16], written[4 * MOST_BYTES], found[64], operation = 0;
    int lines = model.is.format == LINES, size;
    if (lines) {
        size = (int)strlen(question);
        memcpy(asked, question, (size_t)size);
        asked[size++] = '\t';
    } else {
        size = lp_prompt(&model, question, asked, (int)sizeof asked, &operation);
    }
    if (size < 0) return refuse("write a sum of two whole numbers: 12 + 24");
    long left = model.is.longest_answer ? model.is.longest_answer : MOST_BYTES;
    int error = read_prompt(asked, size, &left);
    if (error) return error;
    int count = lp_write(&model, text, how, &seed, (int)left, pieces, sorted), at = 0;
    for (int i = 0; i < count && pieces[i] != LP_END; i++) {
        int more = lp_decode(&model, pieces[i], written + at, (int)sizeof written - at);
        if (more < 0) break;
        at += more;
    }
    size = lines ? -1 : lp_answer(&model, operation, written, at, found, (int)sizeof found);
    printf("%s%s%.*s\n", question, lines ? "\t" : " = ", size < 0 ? at : size, size < 0 ? written : found);
    return 0;
}

int main(int argc, char **argv)
{
    static char line[MOST_BYTES];
    Sampling how = {0.0f, 0, 1.0f, 0.0f};
    Error error = lp_open(WEIGHTS, WEIGHTS_SIZE, &model);
    if (error || lp_begin(&model, room, sizeof room, &text)) return refuse("these weights are damaged");
    int story = model.is.format == TEXT, at = 1, code = 0;
    if (story) how.temperature = 0.65f;
    for (; at < argc && argv[at][0] == '-' && argv[at][1] && !argv[at][2]; at += 2) {
        char *end = NULL;
        double value = at + 1 < argc ? strtod(argv[at + 1], &end) : 0.0;
        if (!end || *end || end == argv[at + 1] || value < 0.0) return fprintf(stderr, USAGE, argv[0]), 2;
        switch (argv[at][1]) {
        case 't': how.temperature = (float)value; break;
        case 'k': how.top_k = (int32_t)value; break;
        case 'p': how.top_p = (float)value; break;
        case 'm': how.min_p = (float)value; break;
        case 's': seed = (uint64_t)value; break;
        case 'n': most = (long)value; break;
        default: return fprintf(stderr, USAGE, argv[0]), 2;
        }
    }
    size_t used = 0;
    for (; at < argc; at++) {
        size_t size = strlen(argv[at]);
        if (used + size + 2 > sizeof line) return refuse("the text is too long");
        if (used) line[used++] = ' ';
        memcpy(line + used, argv[at], size);
        used += size;
    }
    if (used) return story ? tell(line, &how) : answer(line, &how);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\r\n")] = 0;
        int refused = line[0] ? (story ? tell(line, &how) : answer(line, &how)) : 0;
        code = refused ? refused : code;
        fflush(stdout);
    }
    return code;
}
