/* How a sum is written for a model, and how its answer is read back: as the weight file says. */
#include "engine.h"

#include <string.h>

static const char OPERATIONS[] = "+-*/";

static int digits_at(const char *text)
{
    int count = 0;
    while (text[count] >= '0' && text[count] <= '9') count++;
    return count;
}

/* A whole number and what follows it; its leading zeros are left out. */
static const char *number(const char *text, const char **digits, int *length)
{
    while (*text == ' ') text++;
    for (*length = digits_at(text); *length > 1 && *text == '0'; --*length) text++;
    *digits = text;
    text += *length;
    while (*text == ' ') text++;
    return text;
}

int lp_prompt(const Model *m, const char *sum, char *out, int room, char *operation)
{
    const char *part[2];
    int length[2], at = 0, wide = m->is.format >= PADDED;
    sum = number(sum, &part[0], &length[0]);
    if (!length[0] || !*sum || !strchr(OPERATIONS, *sum)) return LP_UNKNOWN;
    *operation = *sum;
    sum = number(sum + 1, &part[1], &length[1]);
    if (!length[1] || *sum || (*operation == '/' && *part[1] == '0')) return LP_UNKNOWN;
    for (int i = 0; i < 2; i++) {
        int zeros = wide && length[i] < m->is.digits ? m->is.digits - length[i] : 0;
        if (room - at < zeros + length[i] + 6) return LP_NO_ROOM;
        memset(out + at, '0', (size_t)zeros);
        memcpy(out + at + zeros, part[i], (size_t)length[i]);
        at += zeros + length[i];
        if (m->is.format == PLAIN) out[at++] = ' ';
        out[at++] = i ? '=' : *operation;
        if (m->is.format == PLAIN && !i) out[at++] = ' ';
    }
    out[at] = 0;
    return at;
}

/* Digits of the largest answer of an operation without its sign and point, as `padded` has them. */
static int answer_width(const Model *m, char operation)
{
    if (operation == '/') return m->is.digits + m->is.decimals;
    return operation == '*' ? 2 * m->is.digits : m->is.digits + (operation == '+');
}

/* What counts of a text, in its usual order, with a zero behind it; whether it has room. */
static int body_of(const Model *m, char operation, const char *text, int size, char *body, int room)
{
    int format = m->is.format, place = (int)(strchr(OPERATIONS, operation) - OPERATIONS);
    int turned = (format == REVERSED || format == PADDED) && m->is.reverse >> place & 1;
    int first = format == PLAIN && size && *text == ' ', length = 0;
    for (int i = 0; format == WORKED && i < size; i++)
        if (text[i] == '>') first = i + 1;
    if (format == WORKED && !first) return 0;
    for (int i = first; i < size; i++) {
        char c = text[turned ? size - 1 - (i - first) : i];
        if (format == WORKED && c == '_') continue;
        if (!c || length + 1 == room) return 0;
        body[length++] = c;
    }
    body[length] = 0;
    return 1;
}

int lp_answer(const Model *m, char operation, const char *text, int size, char *out, int room)
{
    char body[64], *at = body;
    int decimals = m->is.decimals, padded = m->is.format == PADDED, divides = operation == '/';
    int negative = 0, length = 0;
    if (!operation || !strchr(OPERATIONS, operation)) return LP_UNKNOWN;
    if (!body_of(m, operation, text, size, body, (int)sizeof body)) return LP_UNKNOWN;
    if (padded && operation == '-' && *at != '-' && *at != '+') return LP_UNKNOWN;
    if (padded ? operation == '-' : *at == '-') negative = *at++ == '-';
    /* Whole digits, and after the point, which stands in the text or before its last digits. */
    int whole = digits_at(at), after = 0;
    const char *fraction = at + whole;
    if (!whole || (padded && whole != answer_width(m, operation))) return LP_UNKNOWN;
    if (padded && divides) {
        whole -= after = decimals;
        fraction -= decimals;
    } else if (decimals && (m->is.format == PLAIN || divides)) {
        if (*fraction++ != '.' || digits_at(fraction) != decimals) return LP_UNKNOWN;
        after = decimals;
    }
    if (fraction[after] || room < whole + decimals + 4) return LP_UNKNOWN;
    if (padded) { /* no zeros in front, and none is less than nothing */
        const char *more = at;
        while (*more == '0') more++;
        negative &= *more != 0;
        for (; whole > 1 && *at == '0'; whole--) at++;
    }
    if (negative) out[length++] = '-';
    memcpy(out + length, at, (size_t)whole);
    length += whole;
    if (decimals) out[length++] = '.';
    for (int i = 0; i < decimals; i++) out[length++] = after ? fraction[i] : '0';
    out[length] = 0;
    return length;
}
