/* Object callbacks (ObRegisterCallbacks): what happens when a handle to a process or thread is made or duplicated. */
#ifndef IRPLAB_OB_CALLBACK_H
#define IRPLAB_OB_CALLBACK_H

#include "ob/ob.h"

enum { OB_HANDLE_CREATE = 1, OB_HANDLE_DUPLICATE = 2 };

/* One handle on its way. NULL source and target: not a duplication. */
struct ob_handle_call;

/* Tells the callbacks before the handle is made; *access is what they leave of it. NULL: nobody is told. */
struct ob_handle_call *ob_callbacks_pre(unsigned operation, void *object, bool kernel, struct process *source, struct process *target, ACCESS_MASK *access);
/* Tells them how it ended, and frees call (NULL: nothing). */
void ob_callbacks_post(struct ob_handle_call *call, NTSTATUS status);
/* Whether a registered routine lies in [base, base + size). */
bool ob_callback_left_in(uint64_t base, uint64_t size, uint64_t *routine);

#endif
