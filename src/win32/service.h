/* Where the service manager finds a driver's file: set by the session. */
#ifndef IRPLAB_WIN32_SERVICE_H
#define IRPLAB_WIN32_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

/* image: as the service's ImagePath has it. path: on the host. false: there is no such file. */
extern bool (*service_file_hook)(const char *image, char *path, size_t size);

/* "module!function" that GetProcAddress last answered with NULL although Windows may have it; NULL: none. For the crash of a program
 * that calls such an answer. */
const char *module_asked_in_vain(void);

/* For pnp_user_hook: tells programs. */
struct pnp_event;
bool device_notify_event(const struct pnp_event *e);

#endif
