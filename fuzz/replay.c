/*
 * replay.c
 *		Runs a fuzz target over the files that are named, without a fuzzer.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_INPUT (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
	{
		uint8_t *data = malloc(MAX_INPUT);
		FILE *file = fopen(argv[i], "rb");
		size_t size;

		if (file == NULL || data == NULL)
		{
			perror(argv[i]);
			return 1;
		}
		size = fread(data, 1, MAX_INPUT, file);
		fclose(file);
		/* as large as the input, for the sanitizer to see what is past it */
		data = realloc(data, size > 0 ? size : 1);
		LLVMFuzzerTestOneInput(data, size);
		free(data);
	}
	printf("%d inputs\n", argc - 1);
	return 0;
}
