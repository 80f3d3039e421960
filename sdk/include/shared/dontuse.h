/* The WDK's list of functions that a driver should not call. It only warns: nothing is left of it here. */
#ifndef IRPLAB_DONTUSE_H
#define IRPLAB_DONTUSE_H
#endif
