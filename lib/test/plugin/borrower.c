/* SPDX-License-Identifier: MIT */
/*
 * No plugin, but it needs one: dlsym finds plugin_ops in that.
 */
int actor_level(void);
int borrower_level(void);

int borrower_level(void)
{
	return actor_level();
}
