/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fuzz target without libFuzzer, for any compiler: plays the inputs that are
 * kept in corpus/, or the files it is given.  What must hold and does not
 * aborts with the name of the file on the screen.
 */
#include <config.h>

#include "input.h"

#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#define INPUT_MOST (1 << 20)

static size_t played;
static const char *playing;

/* What must() ends with. */
static void name_the_input(int signal)
{
	(void)signal;
	(void)!write(STDERR_FILENO, "in ", 3);
	(void)!write(STDERR_FILENO, playing, strlen(playing));
	(void)!write(STDERR_FILENO, "\n", 1);
}

static void play_file(const char *path)
{
	static uint8_t bytes[INPUT_MOST];
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	size_t size;

	if (file == NULL) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	/* As long as it is, so that a sanitizer sees a read beyond its end. */
	data = malloc(size + 1);
	if (data == NULL) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	memcpy(data, bytes, size);
	playing = path;
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	played++;
}

static void play(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	char inside[4096];

	if (folder == NULL) {
		play_file(path);
		return;
	}
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(inside, sizeof(inside), "%s/%s", path,
			     entry->d_name) >= (int)sizeof(inside))
			abort(); /* longer than any path here */
		play_file(inside);
	}
	closedir(folder);
}

int main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir");
	char corpus[4096];

	signal(SIGABRT, name_the_input);
	for (int i = 1; i < argc; i++)
		play(argv[i]);
	if (argc == 1) {
		snprintf(corpus, sizeof(corpus), "%s/tests/fuzz/corpus/%s",
			 top != NULL ? top : "..", fuzz_name);
		play(corpus);
	}
	printf("%s: %zu inputs played again, nothing found\n", fuzz_name, played);
	return played == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
