/* Security: minimal. Everybody may do everything; there is one token, LocalSystem's, so that it can be asked for. */
#ifndef IRPLAB_SE_SE_H
#define IRPLAB_SE_SE_H

#include "nt/se.h"

/* After ps_init. Gives the processes that exist their token. */
void se_init(void);
/* The one token (not referenced). */
void *se_token(void);

/* A SID S-1-authority-parts… in pool. */
void *se_sid_make(uint8_t authority, unsigned count, const uint32_t *parts);

#endif
