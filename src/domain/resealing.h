/*
 * resealing.h
 *		How far one call of authfort.reseal() has come.
 */
#ifndef AUTHFORT_RESEALING_H
#define AUTHFORT_RESEALING_H

typedef struct Resealing
{
	int left;     /* values that it may still seal */
	int resealed; /* values that it has sealed */
	int failed;   /* values that do not open, and were left as they are */
} Resealing;

#endif /* AUTHFORT_RESEALING_H */
