/* SPDX-License-Identifier: MIT */
/*
 * Something else has the name of the table.
 */
extern int plugin_ops;
int plugin_ops = 1;
