/* The symbols of a program database. Private to this room. DOC: "The PDB File Format" (LLVM) and the
 * structures Microsoft published as microsoft-pdb.
 *
 * Reads as little as names need: the record stream, and the symbol part of each module's stream, in which the
 * bodies of procedures are jumped over. */
#ifndef IRPLAB_PE_PDB_H
#define IRPLAB_PE_PDB_H

#include "pe/msf.h"
#include "pe/symbols.h"

struct pe_pdb_symbol {
    const char *name; /* valid during the call */
    uint32_t name_length;
    uint32_t offset; /* in the section */
    uint16_t section; /* from 1 */
    uint32_t size;
    uint8_t kind, source;
    bool is_static;
};

/* False stops (out of memory). */
typedef bool pe_pdb_symbol_fn(void *ctx, const struct pe_pdb_symbol *s);

/* Refuses a database whose GUID or age is not the image's. */
enum pe_status pe_pdb_symbols(const struct pe_msf *f, const struct pe_codeview *wanted, pe_pdb_symbol_fn *fn,
                              void *ctx, char *err, size_t errlen);

#endif
