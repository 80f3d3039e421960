/* Reasons for suppressing the analyser's warnings: nothing to the compiler. */
#ifndef IRPLAB_SUPPRESS_H
#define IRPLAB_SUPPRESS_H
#endif
