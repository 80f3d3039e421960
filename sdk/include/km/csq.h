/* The cancel-safe queue is part of nt, and its types of wdm.h; this header is only the older way to ask for them. */
#include <wdm.h>
