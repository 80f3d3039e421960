/* The table behind symbols.h while it is being filled. Private to this room: symbols.c owns it, the readers of COFF,
 * exports and PDB add to it. */
#ifndef IRPLAB_PE_SYMBOL_TABLE_H
#define IRPLAB_PE_SYMBOL_TABLE_H

#include "pe/symbols.h"

struct pe_name_chunk { /* names never move */
    struct pe_name_chunk *next;
    size_t used, size;
    char bytes[];
};

struct pe_symbols {
    struct pe_symbol *at;
    size_t count, room;
    struct pe_name_chunk *names;
    uint32_t *by_name; /* open hash of indexes + 1, made by the first pe_symbol_find */
    size_t by_name_size;
    uint32_t section_count;
    struct pe_span {
        uint32_t rva, end;
        bool execute;
    } sections[PE_MAX_SECTIONS];
    char *pdb_path;
    bool out_of_memory;
};

/* Copies the name. A symbol outside every section is ignored. False: out of memory. */
bool pe_symbol_add(struct pe_symbols *s, const struct pe_symbol *symbol, const char *name, size_t length);

/* Section from 1, as COFF and PDB count; 0 when there is no such place. */
uint32_t pe_symbol_rva(const struct pe_symbols *s, uint32_t section, uint32_t offset);

/* The readers. */
bool pe_symbols_coff(struct pe_symbols *s, const struct pe_image *img);
bool pe_symbols_dwarf(struct pe_symbols *s, const struct pe_image *img);
bool pe_symbols_exports(struct pe_symbols *s, const struct pe_mapped *m);

#endif
