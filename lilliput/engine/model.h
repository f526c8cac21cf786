/* A model as it lies in a weight file: sizes, alphabet, answer format and matrices, all pointing
 * into the file's bytes, which stay the caller's and are never written to.
 */
#pragma once
#include "numbers.h"

/* What a library gives away; all else stays inside. */
#ifdef __GNUC__
#define LP_API __attribute__((visibility("default")))
#else
#define LP_API
#endif

enum { LP_VERSION = 2, MOST_BLOCKS = 48 };

typedef enum { GPT = 0, GRU = 1, MEMORY_GRU = 2, MINGRU = 3 } Family;
typedef enum { SWIGLU = 0, GELU = 1, RELU = 2, RELU2 = 3, GELU_ERF = 4 } Activation;
typedef enum { NO_ATTENTION = 0, SOFTMAX = 1, SIGMOID = 2 } Attention;
typedef enum { PLAIN = 0, REVERSED = 1, PADDED = 2, WORKED = 3, LINES = 4, TEXT = 5 } Format;

typedef enum {
    LP_OK = 0,
    LP_NOT_OURS = -1,   /* no weight file */
    LP_NEWER = -2,      /* of a newer version */
    LP_CUT_SHORT = -3,  /* shorter or longer than it says */
    LP_DAMAGED = -4,    /* its checksum is another */
    LP_NO_MODEL = -5,   /* sizes that no model has, or numbers that are none */
    LP_FULL = -6,       /* the text is longer than the model's window */
    LP_UNKNOWN = -7,    /* a character that the alphabet lacks */
    LP_NO_ROOM = -8     /* the room that the caller gave is too small */
} Error;

/* The head of a file, in this order, named as in a spec; a gpt's state: numbers of all heads. */
typedef struct {
    int32_t family, kind, context, characters, merges;
    int32_t layers, loops, width, heads, kv_heads, hidden, embedding, state, rank;
    int32_t activation, layer_norm, bias, tied, rotary, positions, places, attention, convolution;
    int32_t format, reverse, digits, decimals, operations, starts_with_end, longest_answer;
    int32_t epsilon; /* of norms: 10 to the power of minus this */
} Fields;

typedef struct {
    Norm norm_1, norm_2;
    Linear qkv, out, up, down; /* of a mingru, qkv is gate and candidate */
    Matrix convolution;
    Linear input, recurrent; /* gru */
} Block;

typedef struct {
    Fields is;
    const uint32_t *characters;
    const uint16_t *merges; /* pairs */
    Matrix embedding, positions;
    const Fixed *places; /* what each place in a line adds, (context, width) */
    const Real *turns;   /* rotary angle a position, (head size / 2) */
    Block block[MOST_BLOCKS];
    Linear qkv, out; /* to writer of a memory-gru alone */
    Matrix cell_input, cell_context, cell_memory, cell_hidden;
    const Real *bias_input, *bias_hidden, *priority, *priority_bias;
    Linear writer;
    Norm norm;
    Linear head;
} Model;

/* A program of one model may name its family when it is compiled, and is spared the others. */
#ifdef LP_FAMILY
#define FAMILY(m) LP_FAMILY
#else
#define FAMILY(m) ((m)->is.family)
#endif

/* Reads a weight file; every length is checked before anything behind it is looked at. */
LP_API Error lp_open(const void *file, size_t size, Model *model);
LP_API size_t lp_model_size(void); /* bytes, for callers that see no header */
LP_API int lp_vocabulary_size(const Model *m);

static inline int lp_head_size(const Model *m) { return m->is.state / m->is.heads; }
