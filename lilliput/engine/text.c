/* Text as pieces and back. */
#include "engine.h"

/* The next code point; an odd byte stands for itself, so that no text is out of range. */
static uint32_t next(const char *text, int size, int *at)
{
    const uint8_t *b = (const uint8_t *)text + *at;
    int more = b[0] >= 0xf0 ? 3 : b[0] >= 0xe0 ? 2 : b[0] >= 0xc0 ? 1 : 0;
    if (more >= size - *at) more = 0;
    uint32_t code = more ? b[0] & (0x3fu >> more) : b[0];
    for (int i = 1; i <= more; i++) code = code << 6 | (b[i] & 0x3f);
    *at += 1 + more;
    return code;
}

static int number_of(const Model *m, uint32_t code)
{
    for (int n = 1; n < m->is.characters; n++)
        if ((m->characters[n] & CODE_POINT) == code) return n;
    return LP_UNKNOWN;
}

/* Characters of the word that begins a text: a space and letters, a space and marks, or one. */
static int word(const Model *m, const uint16_t *pieces, int size)
{
#define CLASS(i) ((i) < size ? (int)(m->characters[pieces[i]] >> CLASS_SHIFT) : LINE_END)
    int end = CLASS(0) == SPACE;
    int class = CLASS(end);
    if (class >= SPACE) return 1;
    while (CLASS(end) == class) end++;
    return end;
}

/* Joins pairs in the order of the merges: what a merge makes is joined by later ones alone. */
static int join(const Model *m, uint16_t *word, int size)
{
    for (int n = 0; n < m->is.merges && size > 1; n++) {
        const uint16_t *pair = m->merges + 2 * n;
        int kept = 0;
        for (int i = 0; i < size; kept++) {
            int both = i + 1 < size && word[i] == pair[0] && word[i + 1] == pair[1];
            word[kept] = both ? (uint16_t)(m->is.characters + n) : word[i];
            i += 1 + both;
        }
        size = kept;
    }
    return size;
}

int lp_encode(const Model *m, const char *text, int size, uint16_t *pieces, int *wrong)
{
    int count = 0, kept = 0;
    for (int at = 0; at < size; count++) {
        *wrong = at;
        int number = number_of(m, next(text, size, &at));
        if (number < 0) return LP_UNKNOWN;
        pieces[count] = (uint16_t)number;
    }
    for (int at = 0; at < count;) {
        int length = word(m, pieces + at, count - at), joined = join(m, pieces + at, length);
        for (int i = 0; i < joined; i++) pieces[kept++] = pieces[at + i];
        at += length;
    }
    return kept;
}

static int spell(uint32_t code, char *out, int room)
{
    int more = code >= 0x10000 ? 3 : code >= 0x800 ? 2 : code >= 0x80 ? 1 : 0;
    if (more >= room) return LP_NO_ROOM;
    for (int i = more; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(more ? (0xf0u << (3 - more) & 0xffu) | code : code);
    return 1 + more;
}

int lp_decode(const Model *m, int piece, char *out, int room)
{
    /* Parts still to be written; a file of pieces nested deeper than this is not of ours. */
    int parts[64] = {piece}, count = 1, written = 0;
    while (count) {
        int part = parts[--count];
        if (part >= m->is.characters) {
            const uint16_t *pair = m->merges + 2 * (part - m->is.characters);
            if (count + 2 > 64) return LP_NO_ROOM;
            parts[count++] = pair[1];
            parts[count++] = pair[0];
        } else {
            int bytes = spell(m->characters[part] & CODE_POINT, out + written, room - written);
            if (bytes < 0) return bytes;
            written += bytes;
        }
    }
    return written;
}
