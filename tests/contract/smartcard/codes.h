/* The reader's own control codes: a card comes, a card goes. */
#ifndef CODES_H
#define CODES_H

#define IOCTL_READER_INSERT SCARD_CTL_CODE(2049)
#define IOCTL_READER_REMOVE SCARD_CTL_CODE(2050)

/* Instructions of the card in the reader. */
enum { INS_READ = 0xB0, INS_WRITE = 0xD0, INS_SLOW = 0xC0, INS_GARBLED = 0xE0 };

#endif
