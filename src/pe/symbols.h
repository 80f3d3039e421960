/* Names for addresses of an image: from its program database (PDB), its COFF symbol table, DWARF and its exports.
 *
 * Owns the names and the table; the image may be closed after loading. Host memory, never guest state.
 * Sources, best first where several name one address: procedures of the PDB's modules (with sizes), thunks, public
 * symbols, COFF symbols (where there are none and no PDB: DWARF), exports, data. Other names of an address stay findable by name.
 *
 * Names are as debuggers show them: public symbols of a PDB lose one leading underscore (`_security_check_cookie`
 * for the linker's `__security_check_cookie`); nothing else is stripped. pe_symbol_find accepts both forms. */
#ifndef IRPLAB_PE_SYMBOLS_H
#define IRPLAB_PE_SYMBOLS_H

#include "pe/pe.h"

enum pe_symbol_kind { PE_SYMBOL_FUNCTION, PE_SYMBOL_DATA };

enum pe_symbol_source {
    PE_SYMBOL_PROC,   /* S_GPROC32, S_LPROC32 */
    PE_SYMBOL_THUNK,  /* S_THUNK32 */
    PE_SYMBOL_PUBLIC, /* S_PUB32 */
    PE_SYMBOL_COFF,
    PE_SYMBOL_EXPORT,
    PE_SYMBOL_VARIABLE, /* S_GDATA32, S_LDATA32 */
};

struct pe_symbol {
    const char *name;
    uint32_t rva;
    uint32_t size;      /* bytes; 0: unknown */
    uint8_t kind;       /* enum pe_symbol_kind */
    uint8_t source;     /* enum pe_symbol_source */
    bool is_static;     /* not visible outside its object file */
    bool stripped;      /* name[-1] is the underscore that is not shown */
};

struct pe_symbols;

/* The i-th place to look for a program database, from 0: by the base name of its path in the image, next to `image_path`, then
 * in each folder of `dirs` (may be NULL), of IRPLAB_SYMBOLS and of _NT_SYMBOL_PATH: directly or as NAME/GUIDAGE/NAME. Lists are
 * separated by ';', ':' or, as debuggers write them, srv*DIR*URL (addresses of servers are passed over). False past the last. */
bool pe_pdb_candidate(const struct pe_codeview *cv, const char *image_path, const char *dirs, int i, char *out, size_t n);

/* Loads what there is; NULL only without memory. When the image names a PDB that is not used, `note` says why in one line;
 * else it is empty. C++ names are shown plain (demangle.h); their decorated forms stay findable. */
struct pe_symbols *pe_symbols_load(const struct pe_image *img, const char *image_path, const char *symbol_dir,
                                   char *note, size_t notelen);
void pe_symbols_free(struct pe_symbols *s); /* NULL is fine */

/* The symbol that an address belongs to: the nearest at or before it in the same section, unless that one is known
 * to end before. NULL: none. */
const struct pe_symbol *pe_symbol_at(const struct pe_symbols *s, uint32_t rva, uint32_t *offset);

/* By exact name; functions before data. NULL: none. */
const struct pe_symbol *pe_symbol_find(struct pe_symbols *s, const char *name);

/* Sorted by RVA, at one RVA the preferred name first. */
size_t pe_symbol_count(const struct pe_symbols *s);
const struct pe_symbol *pe_symbol_get(const struct pe_symbols *s, size_t i); /* NULL past the end */

const char *pe_symbols_pdb(const struct pe_symbols *s); /* path of the PDB in use, or NULL */

#endif
