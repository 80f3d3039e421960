/* INF files as text: sections, entries, fields, strings. What they mean is inf_install.c's.
 *
 * DOC: sections of one name are one; names compare without case; "\" at the end of a line continues it; ";" outside quotes begins a
 * comment; "" inside quotes is a quote; %name% is replaced from [Strings], %% is a percent sign; a %number% is a directory and stays.
 * UTF-16 with its mark, UTF-8, or the ANSI code page 1252. */
#ifndef IRPLAB_SESSION_INF_H
#define IRPLAB_SESSION_INF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INF_MAX_BYTES = 1 << 20 };

struct inf_entry {
    const char *key; /* before "=", strings replaced; NULL: none */
    const char **fields; /* after it, or the whole line; a field left out is "" */
    uint32_t field_count;
    uint32_t line;
};

struct inf_section {
    const char *name;
    struct inf_entry *entries;
    uint32_t entry_count;
};

struct inf {
    struct inf_section *sections; /* in the order of their first line */
    uint32_t section_count;
    void *memory; /* all of the above lies in it */
};

/* path only names the file in err: one line, "path:line: reason". Copies what it needs. Release with inf_free, also after a failure. */
bool inf_parse(struct inf *inf, const char *path, const void *bytes, size_t size, char *err, size_t errlen);
void inf_free(struct inf *inf);
const struct inf_section *inf_section(const struct inf *inf, const char *name);
/* The entry with this key; NULL. */
const struct inf_entry *inf_find(const struct inf_section *s, const char *key);
/* Field i, "" if it is not there. */
const char *inf_field(const struct inf_entry *e, uint32_t i);

#endif
