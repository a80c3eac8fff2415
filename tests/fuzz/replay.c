/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzz target once on each file of a directory: the corpus stays green
 * without libFuzzer.  Without an argument it is the corpus of that name:
 * replay_wire runs tests/fuzz/corpus/wire.
 */
#include <dirent.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HANG_S	    120 /* of a slow machine and a sanitizer */
#define NAME_PREFIX "replay_"
#define CORPUS	    "tests/fuzz/corpus"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
replay_file(const char *dir, const char *name)
{
	static uint8_t data[1 << 20];
	char path[1024];
	uint8_t *copy;
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "rb");
	if (file == NULL)
		err(EXIT_FAILURE, "%s", path);
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	/* Exactly as long as it is, so that a sanitizer sees what is beyond. */
	copy = malloc(size > 0 ? size : 1);
	if (copy == NULL)
		err(EXIT_FAILURE, "malloc");
	memcpy(copy, data, size);
	printf("%s\n", path);
	fflush(stdout);
	/* One that never comes back is a failure too. */
	(void)alarm(HANG_S);
	(void)LLVMFuzzerTestOneInput(copy, size);
	(void)alarm(0);
	free(copy);
}

/* The directory that the program's own name tells. */
static const char *
corpus_of(const char *program)
{
	static char dir[256];
	const char *name = strrchr(program, '/');

	name = name == NULL ? program : name + 1;
	if (strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)) != 0)
		errx(EXIT_FAILURE, "%s: not named " NAME_PREFIX "CORPUS", name);
	snprintf(dir, sizeof(dir), CORPUS "/%s", name + strlen(NAME_PREFIX));
	return (dir);
}

int
main(int argc, char *argv[])
{
	const char *dir = argc > 1 ? argv[1] : corpus_of(argv[0]);
	struct dirent *entry;
	int files = 0;
	DIR *stream;

	stream = opendir(dir);
	if (stream == NULL)
		err(EXIT_FAILURE, "%s", dir);
	while ((entry = readdir(stream)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		replay_file(dir, entry->d_name);
		files++;
	}
	closedir(stream);
	if (files == 0)
		errx(EXIT_FAILURE, "%s: nothing to replay", dir);
	printf("%d files\n", files);
	return (EXIT_SUCCESS);
}
