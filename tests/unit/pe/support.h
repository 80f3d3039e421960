/* What the tests of src/pe share. */
#ifndef TESTS_PE_SUPPORT_H
#define TESTS_PE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pe/pe.h"

/* Where the build puts the images: argv[1] of every test. */
extern const char *image_dir;
const char *image_path(const char *name); /* valid until the next call */

struct loaded {
    struct pe_image img;
    struct pe_mapped m;
    char err[PE_ERROR_TEXT];
};

/* Opens, maps privately; fails the test when that fails. */
void load(struct loaded *l, const char *path);
void unload(struct loaded *l);

/* The same in memory that can be executed, relocated to it. */
void load_executable(struct loaded *l, const char *path);
void unload_executable(struct loaded *l);

uint8_t *read_bytes(const char *path, size_t *size); /* malloc'ed */

#endif
