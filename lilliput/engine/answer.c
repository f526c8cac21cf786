#include "answer.h"

#include <string.h>

static const char OPERATIONS[] = "+-*/";

static int is_digit(char c) { return c >= '0' && c <= '9'; }

/* A whole number and what follows it; its leading zeros are left out. */
static const char *number(const char *text, const char **digits, int *length)
{
    while (*text == ' ') text++;
    while (*text == '0' && is_digit(text[1])) text++;
    *digits = text;
    while (is_digit(*text)) text++;
    *length = (int)(text - *digits);
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
    int digits = m->is.digits;
    return operation == '/' ? digits + m->is.decimals : operation == '*' ? 2 * digits : digits + (operation == '+');
}

int lp_answer(const Model *m, char operation, const char *text, int size, char *out, int room)
{
    char body[64];
    int length = 0, decimals = m->is.decimals, divides = operation == '/', format = m->is.format;
    const char *found = strchr(OPERATIONS, operation);
    if (!operation || !found) return LP_UNKNOWN;
    if (format == PLAIN && size && *text == ' ') text++, size--;
    if (format == WORKED) {
        int mark = size;
        while (mark > 0 && text[mark - 1] != '>') mark--;
        if (!mark) return LP_UNKNOWN;
        text += mark, size -= mark;
    }
    int turned = (format == REVERSED || format == PADDED) && m->is.reverse >> (found - OPERATIONS) & 1;
    for (int i = 0; i < size; i++) {
        char c = text[turned ? size - 1 - i : i];
        if (format == WORKED && c == '_') continue;
        if (length == (int)sizeof body) return LP_UNKNOWN;
        body[length++] = c;
    }
    /* Sign, digits, and where the point stands: in the text, or before its last digits. */
    int at = 0, negative = 0, first, point;
    if (format == PADDED) {
        if (operation == '-' && length && (body[0] == '-' || body[0] == '+')) negative = body[at++] == '-';
        else if (operation == '-') return LP_UNKNOWN;
        if (length - at != answer_width(m, operation)) return LP_UNKNOWN;
    } else if (length && body[0] == '-') {
        negative = 1, at++;
    }
    for (first = at; at < length && is_digit(body[at]); at++) {}
    int written = format == PLAIN || (divides && format != PADDED); /* whether the point is */
    point = format == PADDED && divides ? length - decimals : at;
    if (at == first) return LP_UNKNOWN;
    if (written && decimals) {
        if (at == length || body[at++] != '.') return LP_UNKNOWN;
        for (int i = 0; i < decimals; i++, at++)
            if (at >= length || !is_digit(body[at])) return LP_UNKNOWN;
    }
    if (at != length || room < length + decimals + 4) return LP_UNKNOWN;
    int digits = 0, nothing = 1;
    if (format == PADDED) { /* no zeros in front, and none is less than nothing */
        for (int i = first; i < length; i++) nothing &= body[i] == '0';
        while (first + 1 < point && body[first] == '0') first++;
        negative &= !nothing;
    }
    if (negative) out[digits++] = '-';
    for (int i = first; i < point; i++) out[digits++] = body[i];
    if (decimals) {
        out[digits++] = '.';
        for (int i = 0; i < decimals; i++) {
            int has = divides || format == PLAIN;
            out[digits++] = has ? body[length - decimals + i] : '0';
        }
    }
    out[digits] = 0;
    return digits;
}
