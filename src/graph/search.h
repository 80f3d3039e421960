/* Searching the instructions of an image.
 *
 * A pattern is one of
 *   bytes       48 8b ?? ?? e8, at the first byte of an instruction; a digit may be free too: 4? 8b
 *   a constant  0C0000120h, 0xC0000120, STATUS_CANCELLED: an immediate, read-only data, or computed in a register
 *   a text      mov reg,[reg+30h]; words stand for what they name: reg r8 r16 r32 r64 xmm mem imm, * is anything
 * Only code of functions is searched, at true instruction boundaries. */
#ifndef IRPLAB_GRAPH_SEARCH_H
#define IRPLAB_GRAPH_SEARCH_H

#include "graph/format.h"

enum graph_pattern_kind { GRAPH_PATTERN_BYTES, GRAPH_PATTERN_CONSTANT, GRAPH_PATTERN_TEXT };

struct graph_pattern {
    enum graph_pattern_kind kind;
    uint8_t bytes[64], mask[64];
    size_t length;
    uint64_t constant;
    char text[256];     /* normalised */
    char mnemonic[32];  /* of a text, if it is fixed */
    bool only_mnemonic;
    bool has_disp; /* a text that fits only instructions with this displacement, or its negative */
    int32_t disp;
};

bool graph_pattern_parse(const char *text, struct graph_pattern *out, char *err, size_t errlen);

struct graph_match {
    uint32_t rva, function;
    bool computed; /* the constant is the result, not an operand */
};

/* Matches in order of address; `deep`: follow constants through registers in large images too. *out is malloc'ed. False: out of memory. */
bool graph_search(const struct graph_image *g, const struct graph_pattern *p, bool deep, struct graph_match **out, size_t *count);

/* pattern.c: whether a formatted instruction fits. */
bool graph_text_fits(const struct graph_pattern *p, const char *line);

#endif
