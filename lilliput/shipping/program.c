/* The program around a shipped model: a calculator, or a story teller. */
#include <stdio.h>
#include <stdlib.h>

static const char USAGE[] =
    "usage: %s [-t TEMPERATURE] [-k TOP-K] [-p TOP-P] [-m MIN-P] [-s SEED] [-n PIECES] [TEXT ...]\n"
    "Goes on with a text, or answers a question. Without one it reads lines until the end of input.\n";

static int refuse(const char *why)
{
    fprintf(stderr, "%s\n", why);
    return 2;
}

/* The same of a line, which may be long. */
static int refuse_line(const char *line, const char *why)
{
    fprintf(stderr, "%.60s %s\n", line, why);
    return 2;
}

/* Warns of an operand that was not learned; the question is a sum, as it has been read. */
static void warn(const char *question)
{
#ifdef LEARNED
    static const double learned[][2] = LEARNED;
    const int ranges = (int)(sizeof learned / sizeof *learned);
    int outside = 0;
    const char *at = question;
    for (int operand = 0; operand < 2; operand++) {
        char *end;
        double n = strtod(at, &end);
        int range = 0;
        while (range < ranges && !(learned[range][0] <= n && n <= learned[range][1])) range++;
        outside |= range == ranges;
        at = end + strspn(end, " +-*/");
    }
    if (outside) fprintf(stderr, "%s: %s\n", question, OUTSIDE);
#else
    (void)question;
#endif
}

/* Answers a line, or goes on with it. */
static int say(const char *line, const Sampling *sampling, uint64_t first_seed, long most)
{
    static char out[4 * MOST_BYTES];
    int lines = model.is.format == LINES, sums = !lines && model.is.format != TEXT;
    switch (ask_model(line, sampling, first_seed)) {
    case LP_OK: break;
    case LP_UNKNOWN:
        if (sums) return refuse_line(sum, "has a sign that this model has not learned");
        fprintf(stderr, "unknown character at byte %d: %.4s\n", wrong + 1, line + wrong);
        return 2;
    case NO_SUM: return refuse("write a sum of two whole numbers: 12 + 24");
    case BY_ZERO:
        return refuse_line(line, "has no answer: division by zero; divide by another");
    case NOT_WHOLE:
        return refuse_line(line, "has an operand that is no whole number of 0 or more");
    case NO_TEXT: return refuse("write something to go on with");
    case LP_NO_ROOM: return refuse("the text is too long");
    default:
        if (model.is.format == TEXT)
            return refuse("the text is longer than this model's window; shorten it");
        fprintf(stderr, "%.60s is too long for this model, which reads %d characters, question and"
                " answer together; ask something shorter\n", line, (int)model.is.context);
        return 2;
    }
    if (sums) warn(sum);
    printf("%s%s", sums ? sum : line, sums ? " = " : lines ? "\t" : "");
    for (long n = 0; n < most; n++) {
        int size = model_says(out, (int)sizeof out);
        if (!size) break;
        fwrite(out, 1, (size_t)size, stdout);
        fflush(stdout);
    }
    printf("\n");
    return 0;
}

int main(int argc, char **argv)
{
    static char line[MOST_BYTES];
    Sampling sampling = {0.0f, 0, 1.0f, 0.0f};
    uint64_t first_seed = 0;
    long most = 1000;
    int at = 1, code = 0;
    if (open_model()) return refuse("these weights are damaged");
    if (model.is.format == TEXT) sampling.temperature = 0.65f;
    /* What begins with a minus and a digit is a sum. */
    for (; at < argc && argv[at][0] == '-' && argv[at][1] > '9' && !argv[at][2]; at += 2) {
        char *end = NULL;
        double value = at + 1 < argc ? strtod(argv[at + 1], &end) : 0.0;
        /* What the number is turned into must have room for it; what is no number is refused too. */
        double largest = argv[at][1] == 's' ? 9007199254740992.0 : 2147483647.0;
        if (!end || *end || end == argv[at + 1] || !(value >= 0.0 && value <= largest))
            return fprintf(stderr, USAGE, argv[0]), 2;
        switch (argv[at][1]) {
        case 't': sampling.temperature = (float)value; break;
        case 'k': sampling.top_k = (int32_t)value; break;
        case 'p': sampling.top_p = (float)value; break;
        case 'm': sampling.min_p = (float)value; break;
        case 's': first_seed = (uint64_t)value; break;
        case 'n': most = (long)value; break;
        default: return fprintf(stderr, USAGE, argv[0]), 2;
        }
    }
    if (!(sampling.top_p > 0.0f && sampling.top_p <= 1.0f))
        return refuse("top-p must be above 0 and at most 1 (all)");
    if (!(sampling.min_p < 1.0f)) return refuse("min-p must be from 0 (all) to below 1");
    size_t used = 0;
    for (; at < argc; at++) {
        size_t size = strlen(argv[at]);
        if (used + size + 2 > sizeof line) return refuse("the text is too long");
        if (used) line[used++] = ' ';
        memcpy(line + used, argv[at], size);
        used += size;
    }
    if (used) return say(line, &sampling, first_seed, most);
    while (fgets(line, sizeof line, stdin)) {
        size_t size = strcspn(line, "\r\n");
        int cut = size + 1 == sizeof line, refused = 0;
        for (int rest = 0; cut && rest != '\n' && rest != EOF;) rest = getchar();
        line[size] = 0;
        if (cut) refused = refuse("the text is too long");
        else if (size) refused = say(line, &sampling, first_seed, most);
        first_seed = line[0] ? seed : first_seed; /* two lines alike need not end alike */
        code = refused ? refused : code;
        fflush(stdout);
    }
    return code;
}
