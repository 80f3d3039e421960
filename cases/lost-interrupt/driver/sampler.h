/* Between the sampler's driver and programs. */
#ifndef SAMPLER_H
#define SAMPLER_H

/* Takes one sample; out: how many there have been (ULONG). */
#define IOCTL_SAMPLER_TAKE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* Down to the device: begin a conversion. It interrupts when the conversion is done. */
#define IOCTL_SAMPLER_CONVERT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

#endif
