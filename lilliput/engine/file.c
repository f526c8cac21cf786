/* A weight file, which is not believed: every length is checked before what lies behind it is read.
 *
 *     0  "LILLIPUT"
 *     8  version, bytes of the file, CRC-32 of all that follows (uint32 each)
 *    20  Fields (int32), the characters' code points (uint32), merges (pairs of uint16), and the
 *        family's tensors in the order in which they are taken below
 *
 * All is little-endian. A matrix begins at a multiple of 64 bytes, all else at one of four.
 */
#include "model.h"

#include <string.h>

enum { HEAD = 20, MOST = 1 << 20 };

typedef struct {
    const uint8_t *bytes;
    size_t at, size;
    Kind kind;
    Error error;
} Reader;

static uint32_t checksum(const uint8_t *bytes, size_t size)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158,
        0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4,
        0xa00ae278, 0xbdbdf21c};
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc = table[(crc ^ bytes[i]) & 15] ^ crc >> 4;
        crc = table[(crc ^ (uint32_t)(bytes[i] >> 4)) & 15] ^ crc >> 4;
    }
    return ~crc;
}

/* Sizes are under 2^20 each, so that no product of two of them is too large for a size. */
static const void *take(Reader *r, size_t rows, size_t cols, size_t each, size_t boundary)
{
    size_t start = up_to(r->at, boundary);
    if (!r->error && (start > r->size || (uint64_t)rows * cols > (r->size - start) / each))
        r->error = LP_CUT_SHORT;
    if (r->error) return NULL;
    r->at = start + rows * cols * each;
    return r->bytes + start;
}

static const Real *reals(Reader *r, size_t rows, size_t cols, size_t boundary)
{
    const Real *found = (const Real *)take(r, rows, cols, sizeof *found, boundary);
    for (size_t i = 0; found && i < rows * cols; i++)
        if (!is_number(found[i])) r->error = LP_NO_MODEL;
    return found;
}

static const Real *vector(Reader *r, int size) { return reals(r, (size_t)size, 1, 4); }

static Matrix matrix(Reader *r, int rows, int cols)
{
    Matrix m = {NULL, NULL, rows, cols, r->kind};
    size_t most = up_to((size_t)rows, LANES);
    if (r->kind == REAL) {
        m.data = reals(r, most, (size_t)cols, 64);
    } else {
        if (r->kind == INT8 && cols > 4096) r->error = LP_NO_MODEL;
        m.data = take(r, most, up_to((size_t)cols, PAIR), r->kind == INT8 ? 1 : 2, 64);
        m.scale = vector(r, rows);
    }
    return m;
}

static Linear linear(Reader *r, int rows, int cols, int rank, int bias)
{
    Linear w = {{NULL, NULL, 0, 0, REAL}, {NULL, NULL, 0, 0, REAL}, NULL};
    int low = 0 < rank && rank < rows && rank < cols;
    w.left = matrix(r, rows, low ? rank : cols);
    if (low) w.right = matrix(r, rank, cols);
    if (bias) w.bias = vector(r, rows);
    return w;
}

static Norm norm(Reader *r, const Fields *is)
{
    Norm w = {vector(r, is->width), NULL, 0, is->layer_norm};
    int one_in = 1;
    if (is->layer_norm && is->bias) w.bias = vector(r, is->width);
    for (int i = 0; i < is->epsilon; i++) one_in *= 10;
    w.epsilon = epsilon(one_in);
    return w;
}

static void gpt(Reader *r, Model *m)
{
    const Fields *is = &m->is;
    int width = is->width, size = lp_head_size(m), bias = is->bias, rank = is->rank;
    if (is->positions) m->positions = matrix(r, is->context, width);
    if (is->rotary) m->turns = vector(r, size / 2);
    if (is->places) m->places = take(r, (size_t)is->context, (size_t)width, sizeof(Fixed), 4);
    for (int i = 0; i < is->layers && !r->error; i++) {
        Block *b = &m->block[i];
        b->norm_1 = norm(r, is);
        b->qkv = linear(r, is->state + 2 * is->kv_heads * size, width, rank, bias);
        b->out = linear(r, width, is->state, rank, bias);
        b->norm_2 = norm(r, is);
        b->up = linear(r, (is->activation == SWIGLU ? 2 : 1) * is->hidden, width, rank, bias);
        b->down = linear(r, width, is->hidden, rank, bias);
    }
}

static void gru(Reader *r, Model *m)
{
    int width = m->is.width;
    for (int i = 0; i < m->is.layers && !r->error; i++) {
        m->block[i].input = linear(r, 3 * width, i ? width : m->is.embedding, 0, 1);
        m->block[i].recurrent = linear(r, 3 * width, width, 0, 1);
    }
}

static void memory_gru(Reader *r, Model *m)
{
    int width = m->is.width, embedding = m->is.embedding, softmax = m->is.attention == SOFTMAX;
    if (m->is.positions) m->positions = matrix(r, m->is.context, embedding);
    if (m->is.attention) m->qkv = linear(r, (softmax ? 3 : 2) * embedding, embedding, 0, 1);
    if (softmax) m->out = linear(r, embedding, embedding, 0, 1);
    m->cell_input = matrix(r, 3 * width, embedding);
    if (softmax) m->cell_context = matrix(r, 3 * width, embedding);
    m->cell_memory = matrix(r, 3 * width, width);
    m->cell_hidden = matrix(r, 3 * width, width);
    m->bias_input = vector(r, 3 * width);
    m->bias_hidden = vector(r, 3 * width);
    m->priority = vector(r, width);
    m->priority_bias = vector(r, 1);
    m->writer = linear(r, width, width, 0, 1);
}

static void mingru(Reader *r, Model *m)
{
    const Fields *is = &m->is;
    for (int i = 0; i < is->layers && !r->error; i++) {
        Block *b = &m->block[i];
        b->norm_1 = norm(r, is);
        if (is->convolution) b->convolution = matrix(r, is->width, is->convolution);
        b->qkv = linear(r, 2 * is->state, is->width, 0, 1);
        b->out = linear(r, is->width, is->state, 0, 0);
        b->norm_2 = norm(r, is);
        b->up = linear(r, is->hidden, is->width, 0, 0);
        b->down = linear(r, is->width, is->hidden, 0, 0);
    }
}

/* Whether these are sizes that a model can have. */
static int sensible(const Fields *is)
{
    const int32_t *field = (const int32_t *)is;
    for (size_t i = 0; i < sizeof *is / sizeof *field; i++)
        if (field[i] < 0 || field[i] >= MOST) return 0;
    int yes_or_no = is->layer_norm | is->bias | is->tied | is->rotary | is->positions | is->places;
    if (yes_or_no > 1 || is->family > MINGRU || is->kind > INT8 || is->format > TEXT) return 0;
    if (is->activation > GELU_ERF || is->attention > SIGMOID || is->epsilon > 9) return 0;
    if (is->digits > 9 || is->decimals > 9 || is->characters + is->merges > 65536) return 0;
    if (!is->width || !is->embedding || !is->heads || !is->context || !is->characters) return 0;
    if (!is->layers || is->layers > MOST_BLOCKS || !is->loops || is->loops > MOST_BLOCKS) return 0;
    if ((is->tied || is->family == GPT || is->family == MINGRU) && is->embedding != is->width)
        return 0;
    switch (is->family) {
    case GPT:
        return is->hidden && is->state && is->state % is->heads == 0 && is->kv_heads &&
               is->heads % is->kv_heads == 0 && (!is->rotary || is->state / is->heads % 2 == 0);
    case MEMORY_GRU:
        return is->attention == NO_ATTENTION || (is->embedding % is->heads == 0 &&
               (is->attention == SOFTMAX || is->width % is->heads == 0));
    case MINGRU: return is->hidden && is->state && is->convolution <= 64;
    default: return 1;
    }
}

Error lp_open(const void *file, size_t size, Model *m)
{
    Reader reader = {(const uint8_t *)file, 8, size, REAL, LP_OK}, *r = &reader;
    const Fields *is = &m->is;
    memset(m, 0, sizeof *m);
    if (size < HEAD || memcmp(file, "LILLIPUT", 8)) return LP_NOT_OURS;
    const uint32_t *head = (const uint32_t *)take(r, 3, 1, 4, 4);
    if (head[0] != LP_VERSION) return head[0] > LP_VERSION ? LP_NEWER : LP_NOT_OURS;
    if (head[1] != size) return LP_CUT_SHORT;
    if (head[2] != checksum(r->bytes + HEAD, size - HEAD)) return LP_DAMAGED;
    const void *fields = take(r, 1, 1, sizeof *is, 4);
    if (!fields) return LP_CUT_SHORT;
    memcpy(&m->is, fields, sizeof *is);
    if (!sensible(is) || is->family != FAMILY(m)) return LP_NO_MODEL;
    m->characters = (const uint32_t *)take(r, (size_t)is->characters, 1, 4, 4);
    m->merges = (const uint16_t *)take(r, (size_t)is->merges, 2, 2, 4);
    for (int i = 0; !r->error && i < 2 * is->merges; i++)
        if (m->merges[i] == 0 || m->merges[i] >= is->characters + i / 2) return LP_NO_MODEL;
    r->kind = (Kind)is->kind;
    m->embedding = matrix(r, lp_vocabulary_size(m), is->embedding);
    switch (FAMILY(m)) {
    case GPT: gpt(r, m); break;
    case GRU: gru(r, m); break;
    case MEMORY_GRU: memory_gru(r, m); break;
    default: mingru(r, m);
    }
    if (FAMILY(m) != GRU) m->norm = norm(r, is);
    m->head.left = is->tied ? m->embedding : matrix(r, lp_vocabulary_size(m), is->width);
    if (FAMILY(m) == MEMORY_GRU) m->head.bias = vector(r, lp_vocabulary_size(m));
    return !r->error && r->at != size ? LP_CUT_SHORT : r->error;
}

size_t lp_model_size(void) { return sizeof(Model); }

int lp_vocabulary_size(const Model *m) { return m->is.characters + m->is.merges; }
