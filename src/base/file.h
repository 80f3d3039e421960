/* A file that is there whole or not at all: written under another name beside it, and renamed at the end. */
#ifndef IRPLAB_BASE_FILE_H
#define IRPLAB_BASE_FILE_H

#include <stdbool.h>
#include <stdio.h>

enum { BASE_FILE_PATH = 4096 };

struct base_file {
    FILE *stream; /* to write to, between begin and end */
    char path[BASE_FILE_PATH], beside[BASE_FILE_PATH + 8];
};

/* Opens the file beside `path` for writing, with the permissions that a new file gets. False: errno says why (EISDIR for a folder), nothing is left. */
bool base_file_begin(struct base_file *f, const char *path);

/* Closes it; if `ok` and everything could be written, it becomes `path`. False: nothing changed there, and errno says why (kept from the
 * caller's failure when !ok). */
bool base_file_end(struct base_file *f, bool ok);

#endif
