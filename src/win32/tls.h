/* End of a thread's local storage. */
#ifndef IRPLAB_WIN32_TLS_H
#define IRPLAB_WIN32_TLS_H

#include "win32/win32.h"

/* Runs the call-backs of the current thread's fiber slots. */
void tls_thread_end(void);

#endif
