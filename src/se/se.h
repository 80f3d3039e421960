/* Security: minimal. Everybody may do everything; tokens exist so that they can be asked for. */
#ifndef IRPLAB_SE_SE_H
#define IRPLAB_SE_SE_H

#include <stdint.h>

/* A SID S-1-authority-parts… in pool. */
void *se_sid_make(uint8_t authority, unsigned count, const uint32_t *parts);

#endif
