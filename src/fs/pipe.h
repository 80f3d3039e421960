/* Named pipes of a run. */
#ifndef IRPLAB_FS_PIPE_H
#define IRPLAB_FS_PIPE_H

#include <stdbool.h>

#include "nt/io.h"

/* NAMED_PIPE_CREATE_PARAMETERS, as far as they are used. */
struct fs_pipe_parameters {
    bool message, message_read, no_wait;
    ULONG instances, in_quota, out_quota;
};

struct pipes;
struct pipes **fs_pipes(void); /* where the volume keeps them */
void fs_pipe_init(DEVICE_OBJECT *device);
/* 0: there is no such pipe; 1: all its instances are busy; 2: one can be opened. The name as behind "\\.\pipe\". */
int fs_pipe_state(const WCHAR *name, size_t length);

#endif
