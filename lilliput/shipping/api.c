/* A model and one text of it in three steps: begin once, ask, and take what it says until it ends. */

enum { NO_SUM = -9, NO_TEXT = -10, BY_ZERO = -11, NOT_WHOLE = -12 };
enum { MOST_DIGITS = 18, SHOWN = 30 }; /* characters of an answer that is no number */

static Model model;
static State *text;
static uint64_t room[ROOM / 8 + 1];
static uint16_t pieces[MOST_BYTES + 1];
static Real sorted[VOCABULARY];
static Sampling how;
static uint64_t seed;
static int left, last; /* pieces that may still be written; the last, which is not read yet */
static int wrong;      /* byte of what was asked at which an unknown character begins */
static char operation;
static char asked[MOST_BYTES + 16];       /* a question as the model reads it */
static char sum[2 * MOST_DIGITS + 4]; /* a sum as it is shown: `12 * 3` */

static int open_model(void)
{
    Error error = lp_open(WEIGHTS, WEIGHTS_SIZE, &model);
    return error ? error : lp_begin(&model, room, sizeof room, &text);
}

static const char *behind_blanks(const char *at)
{
    while (*at == ' ' || ('\t' <= *at && *at <= '\r')) at++;
    return at;
}

/* A sign of the keyboard, or one that is printed (× · ÷ −); 0: none. */
static char sign_at(const char **at)
{
    static const char printed[][5] = {
        "\xc3\x97*", "\xc2\xb7*", "\xc3\xb7/", "\xe2\x88\x92-"};
    for (int i = 0; i < 4; i++) {
        int n = 0;
        while (printed[i][n + 1] && (*at)[n] == printed[i][n]) n++;
        if (printed[i][n + 1]) continue;
        *at += n;
        return printed[i][n];
    }
    return **at && strchr("+-*/", **at) ? *(*at)++ : 0;
}

/* Digits from here on; *some: one of them is not 0. */
static int digits_from(const char **at, int *some)
{
    int count = 0;
    for (; '0' <= **at && **at <= '9'; ++*at, count++) *some |= **at != '0';
    return count <= MOST_DIGITS ? count : 0;
}

/* The digits of a number, without zeros in front, and what follows it. Returns 0, or why not. */
static int number_at(const char **at, const char **digits, int *length)
{
    int some = 0, part = 0;
    const char *after = *at = behind_blanks(*at);
    int negative = sign_at(&after) == '-';
    *digits = *at = negative ? after : *at;
    *length = digits_from(at, &some);
    if (!*length) return NO_SUM;
    if (**at == '.' && (++*at, !digits_from(at, &part))) return NO_SUM;
    for (; *length > 1 && **digits == '0'; --*length) ++*digits;
    *at = behind_blanks(*at);
    return part || (negative && some) ? NOT_WHOLE : 0;
}

/* Reads a sum as `calc` does (tasks.expressions), into `sum`. Returns 0, or why it is none. */
static int read_sum(const char *at)
{
    const char *digits[2];
    int length[2], why[2];
    for (int i = 0; i < 2; i++) {
        why[i] = number_at(&at, &digits[i], &length[i]);
        if (why[i] == NO_SUM || (!i && !(operation = sign_at(&at)))) return NO_SUM;
    }
    if (*at == '=') at = behind_blanks(at + 1);
    if (*at) return NO_SUM;
    if (operation == '/' && !why[1] && *digits[1] == '0') return BY_ZERO;
    if (why[0] || why[1]) return NOT_WHOLE;
    char *out = sum;
    for (int i = 0; i < 2; i++) {
        memcpy(out, digits[i], (size_t)length[i]);
        out += length[i];
        if (!i) *out++ = ' ', *out++ = operation, *out++ = ' ';
    }
    *out = 0;
    return 0;
}

/* Characters of the longest answer to a question, end mark included (tasks.formats). */
static int longest_answer(void)
{
    int digits = model.is.digits, decimals = model.is.decimals, divides = operation == '/';
    int times = operation == '*', point = decimals > 0;
    if (model.is.format == LINES) return 2; /* of one character */
    if (model.is.format == WORKED) {
        int lines = divides ? 11 * (digits + decimals) : times ? 10 * digits : operation == '-' ? 4 : 2;
        return (6 * digits + 3) * lines + 8 * digits + decimals + 3;
    }
    int whole = times ? 2 * digits : digits + !divides;
    if (model.is.format == PADDED) return whole + divides * decimals + 1;
    if (model.is.format == REVERSED) return whole + divides * (decimals + point) + 1;
    return 1 + whole + decimals + point + 1;
}

static int read_prompt(const char *prompt, int size)
{
    int count = lp_encode(&model, prompt, size, pieces, &wrong);
    if (count <= 0) return count ? count : NO_TEXT;
    int more = model.is.context - count - model.is.starts_with_end, longest = model.is.longest_answer;
    if (model.is.format != TEXT && more < longest_answer()) return LP_FULL;
    lp_restart(&model, text);
    if (model.is.starts_with_end && lp_read(&model, text, LP_END)) return LP_FULL;
    if (lp_read_all(&model, text, pieces, count)) return LP_FULL;
    left = MOST_BYTES;
    if (model.is.format == TEXT) {
        if (lp_window(&model)) left = more;
        return LP_OK;
    }
    if (more < left) left = more; /* question and answer together, of every family */
    if (longest && longest < left) left = longest;
    return LP_OK;
}

/* Reads a question or the beginning of a text; returns 0, or why it cannot. */
static int ask_model(const char *question, const Sampling *sampling, uint64_t first_seed)
{
    size_t size = strlen(question);
    how = *sampling;
    seed = first_seed;
    last = -1;
    left = 0;
    if (size >= MOST_BYTES) return LP_NO_ROOM;
    if (model.is.format == TEXT) return read_prompt(question, (int)size);
    if (model.is.format == LINES) {
        memcpy(asked, question, size);
        asked[size++] = '\t';
        return read_prompt(asked, (int)size);
    }
    int why = read_sum(question);
    if (why) return why;
    int length = lp_prompt(&model, sum, asked, (int)sizeof asked, &operation);
    return length < 0 ? NO_SUM : read_prompt(asked, length);
}

/* What is said of an answer that is no number: its beginning, and that. */
static int not_read(const char *written, int size, char *out, int room)
{
    static const char words[] = "' (cannot be read as a number)";
    char told[4 * SHOWN + sizeof words + 4] = "'";
    int at = 1, shown = 0, i = 0;
    for (; i < size; i++) {
        unsigned char c = (unsigned char)written[i];
        if ((c & 0xc0) != 0x80 && shown++ == SHOWN) break;
        told[at++] = c < ' ' || c == 0x7f ? '?' : (char)c;
    }
    if (i < size) memcpy(told + at, "\xe2\x80\xa6", 3), at += 3;
    memcpy(told + at, words, sizeof words - 1);
    at += (int)sizeof words - 1;
    if (at > room - 1) at = room - 1;
    memcpy(out, told, (size_t)at);
    return at;
}

/* The whole answer to a question. */
static int whole_answer(char *out, int size)
{
    static char written[4 * MOST_BYTES];
    int count = lp_write(&model, text, &how, &seed, left, pieces, sorted), at = 0, length = -1;
    left = 0;
    for (int i = 0; i < count && pieces[i] != LP_END; i++) {
        int more = lp_decode(&model, pieces[i], written + at, (int)sizeof written - at);
        if (more < 0) break;
        at += more;
    }
    if (model.is.format != LINES) {
        length = lp_answer(&model, operation, written, at, out, size - 1);
        return length < 0 ? not_read(written, at, out, size) : length;
    }
    length = at < size - 1 ? at : size - 1;
    memcpy(out, written, (size_t)length);
    return length;
}

/* What the model says next: a piece of a text, or a whole answer, with a zero at its end. Returns
 * its bytes; 0: it has ended. */
static int model_says(char *out, int size)
{
    int length = 0;
    out[0] = 0;
    if (model.is.format != TEXT) {
        length = left > 0 ? whole_answer(out, size) : 0;
    } else if (left > 0 && !(last >= 0 && lp_read(&model, text, last))) {
        last = lp_draw(text->logits, VOCABULARY, &how, &seed, sorted);
        length = last == LP_END ? 0 : lp_decode(&model, last, out, size - 1);
        left = length > 0 ? left - !!lp_window(&model) : 0;
    }
    if (length < 0) length = 0;
    out[length] = 0;
    return length;
}
