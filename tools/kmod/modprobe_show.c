/* SPDX-License-Identifier: MIT */
/*
 * modprobe --show-config: all that is known, in the syntax of modprobe.d(5).
 */
#include "modprobe.h"

#include <stdio.h>

static void show_names(const char *head, const struct config_names *names)
{
	if (names->n == 0)
		return;
	fputs(head, stdout);
	for (size_t i = 0; i < names->n; i++)
		printf(" %s", names->names[i]);
}

static void show_entry(enum config_kind kind, const struct config_entry *e)
{
	printf("%s %s", config_word(kind), e->name);
	if (kind != CONFIG_BLACKLIST)
		printf(" %s", e->value);
	/* kmod leaves no blank between the two */
	show_names("pre:", &e->pre);
	show_names("post:", &e->post);
	putchar('\n');
}

static bool show_alias(const char *key, const char *value, void *arg)
{
	(void)arg;
	printf("alias %s %s\n", key, value);
	return true;
}

int modprobe_show_config(struct modprobe *mp)
{
	static const enum catalog_index shown[] = { INDEX_ALIAS,
		INDEX_SYMBOLS };

	for (unsigned kind = 0; kind < CONFIG_KINDS; kind++)
		for (const struct config_entry *e =
			 mp->catalog.config.first[kind];
		     e != NULL; e = e->next)
			show_entry(kind, e);
	puts("\n# End of configuration files. Dumping indexes now:\n");
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++)
		catalog_each(&mp->catalog, shown[i], show_alias, NULL);
	return 0;
}
