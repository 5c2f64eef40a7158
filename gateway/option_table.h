/*
 * option_table.h
 *		Options of a program, from flags and environment variables.
 */
#ifndef GATEWAY_OPTION_TABLE_H
#define GATEWAY_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#define OPTION_AUTO (-1)

typedef enum OptionType
{
	OPTION_STRING, /* const char * */
	OPTION_NUMBER, /* long */
	OPTION_SWITCH  /* bool; the flag has no value, the variable "on" or "off" */
} OptionType;

typedef struct OptionDefinition
{
	const char *name; /* of the flag; the variable's name is derived from it */
	const char *initial;
	const char *help;
	size_t offset; /* of the field */
	OptionType type;
	long min; /* of a number; OPTION_AUTO: "auto" is a value too */
	long max;
} OptionDefinition;

typedef struct OptionTable
{
	const char *program;
	const char *purpose; /* for the help: a predicate */
	const char *prefix;  /* of the variables */
	const OptionDefinition *definitions;
	size_t count;
} OptionTable;

/*
 * Sets the fields of *options.  Exits after --help and --version, and with
 * status 2 for an invalid option.
 */
extern void option_table_read(const OptionTable *table, int argc, char **argv, void *options);

/* Prints why the options are refused, and exits with status 2. */
extern void option_table_refuse(const OptionTable *table, const char *message);

#endif /* GATEWAY_OPTION_TABLE_H */
