/* Structured exceptions, with the lower-case words that Microsoft's header also offers to C. */
#include_next <excpt.h>

#if !defined(IRPLAB_EXCPT_H) && !defined(__cplusplus)
#define IRPLAB_EXCPT_H

#define try __try
#define except __except
#define finally __finally
#define leave __leave

#endif
