/* A model and one text of it in three steps: begin once, ask, and take what it says until it ends. */

enum { NO_SUM = -9, NO_TEXT = -10 };

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

static int open_model(void)
{
    Error error = lp_open(WEIGHTS, WEIGHTS_SIZE, &model);
    return error ? error : lp_begin(&model, room, sizeof room, &text);
}

static int read_prompt(const char *prompt, int size)
{
    int count = lp_encode(&model, prompt, size, pieces, &wrong);
    if (count <= 0) return count ? count : NO_TEXT;
    lp_restart(&model, text);
    if (model.is.starts_with_end && lp_read(&model, text, LP_END)) return LP_FULL;
    if (lp_read_all(&model, text, pieces, count)) return LP_FULL;
    int window = lp_window(&model), more = window - count - model.is.starts_with_end;
    int longest = model.is.longest_answer;
    left = longest && longest < MOST_BYTES ? longest : MOST_BYTES;
    if (window && (more < left || model.is.format == TEXT)) left = more;
    return LP_OK;
}

/* Reads a question or the beginning of a text; returns 0, or why it cannot. */
static int ask_model(const char *question, const Sampling *sampling, uint64_t first_seed)
{
    static char asked[MOST_BYTES + 16];
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
    int length = lp_prompt(&model, question, asked, (int)sizeof asked, &operation);
    return length < 0 ? NO_SUM : read_prompt(asked, length);
}

/* The whole answer to a question; what cannot be read as a number is given as it was written. */
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
    if (model.is.format != LINES) length = lp_answer(&model, operation, written, at, out, size - 1);
    if (length < 0) {
        length = at < size - 1 ? at : size - 1;
        memcpy(out, written, (size_t)length);
    }
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
