/*
 * hex.h
 *		Hexadecimal digits.  Builds without a server.
 */
#ifndef AUTHFORT_HEX_H
#define AUTHFORT_HEX_H

/* The value of a digit, in either case; -1 if it is not one. */
static inline int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

#endif /* AUTHFORT_HEX_H */
