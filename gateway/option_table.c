/*
 * option_table.c
 *		Options of a program, from flags and environment variables.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option_table.h"

#define MAX_OPTIONS 64

static void
variable_name(const OptionTable *table, const OptionDefinition *definition, char *name, size_t size)
{
	snprintf(name, size, "%s%s", table->prefix, definition->name);
	for (char *p = name; *p != '\0'; p++)
		*p = (*p == '-') ? '_' : toupper((unsigned char) *p);
}

static long
read_number(const OptionTable *table, const OptionDefinition *definition, const char *value,
			const char *from)
{
	char *end;
	long number;

	if (definition->min == OPTION_AUTO && strcmp(value, "auto") == 0)
		return OPTION_AUTO;
	errno = 0;
	number = strtol(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || number < definition->min ||
		number > definition->max || number == OPTION_AUTO)
	{
		fprintf(stderr, "%s: %s must be %sa number from %ld to %ld\n", table->program, from,
				definition->min == OPTION_AUTO ? "auto or " : "",
				definition->min == OPTION_AUTO ? 0 : definition->min, definition->max);
		exit(2);
	}
	return number;
}

static bool
read_switch(const OptionTable *table, const char *value, const char *from)
{
	if (strcmp(value, "on") == 0)
		return true;
	if (strcmp(value, "off") == 0)
		return false;
	fprintf(stderr, "%s: %s must be on or off\n", table->program, from);
	exit(2);
}

static void
set_option(const OptionTable *table, const OptionDefinition *definition, void *options,
		   const char *value, const char *from)
{
	void *field = (char *) options + definition->offset;

	switch (definition->type)
	{
		case OPTION_STRING:
			*(const char **) field = value;
			break;
		case OPTION_NUMBER:
			*(long *) field = read_number(table, definition, value, from);
			break;
		case OPTION_SWITCH:
			*(bool *) field = read_switch(table, value, from);
			break;
	}
}

static void
print_help(const OptionTable *table)
{
	const OptionDefinition *last = &table->definitions[table->count - 1];
	char name[128];

	printf("%s %s.\n\nUsage: %s [OPTION]...\n\n", table->program, table->purpose, table->program);
	for (const OptionDefinition *d = table->definitions; d <= last; d++)
	{
		if (d->type == OPTION_SWITCH)
			printf("  --%-28s%s\n", d->name, d->help);
		else
			printf("  --%-28s%s (default \"%s\")\n", d->name, d->help, d->initial);
	}
	printf("  --%-28s%s\n  --%-28s%s\n\n", "help", "show this help", "version", "show the version");
	variable_name(table, table->definitions, name, sizeof(name));
	printf("An option can also be set by an environment variable such as %s.\n"
		   "Flags have precedence.\n",
		   name);
}

void
option_table_refuse(const OptionTable *table, const char *message)
{
	fprintf(stderr, "%s: %s\n", table->program, message);
	exit(2);
}

static void
set_initial_values(const OptionTable *table, void *options)
{
	char name[128];

	for (size_t i = 0; i < table->count; i++)
	{
		const OptionDefinition *definition = &table->definitions[i];
		const char *value;

		set_option(table, definition, options, definition->initial, "");
		variable_name(table, definition, name, sizeof(name));
		value = getenv(name);
		if (value != NULL)
			set_option(table, definition, options, value, name);
	}
}

static void
read_flag(const OptionTable *table, const OptionDefinition *definition, void *options)
{
	char name[128];

	snprintf(name, sizeof(name), "--%s", definition->name);
	set_option(table, definition, options, definition->type == OPTION_SWITCH ? "on" : optarg, name);
}

void
option_table_read(const OptionTable *table, int argc, char **argv, void *options)
{
	struct option flags[MAX_OPTIONS] = {{0}};
	int which;
	int code;

	if (table->count + 3 > MAX_OPTIONS)
		abort();
	for (size_t i = 0; i < table->count; i++)
	{
		int argument = table->definitions[i].type == OPTION_SWITCH ? no_argument : required_argument;

		flags[i] = (struct option){table->definitions[i].name, argument, NULL, 'o'};
	}
	flags[table->count] = (struct option){"help", no_argument, NULL, 'h'};
	flags[table->count + 1] = (struct option){"version", no_argument, NULL, 'v'};

	set_initial_values(table, options);
	while ((code = getopt_long(argc, argv, "", flags, &which)) != -1)
	{
		switch (code)
		{
			case 'o':
				read_flag(table, &table->definitions[which], options);
				break;
			case 'h':
				print_help(table);
				exit(0);
			case 'v':
				printf("%s %s\n", table->program, AUTHFORT_VERSION);
				exit(0);
			default:
				fprintf(stderr, "Try %s --help.\n", table->program);
				exit(2);
		}
	}
	if (optind < argc)
		option_table_refuse(table, "only options are accepted as arguments");
}
