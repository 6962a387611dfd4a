// What Swift sees of the library: its header, and what the importer cannot read (character macros) declared anew.
#pragma once
#include <libpq-fe.h>
#include <poll.h>
#include <sys/eventfd.h>

static const int cpg_diag_severity = PG_DIAG_SEVERITY_NONLOCALIZED;
static const int cpg_diag_sqlstate = PG_DIAG_SQLSTATE;
static const int cpg_diag_message = PG_DIAG_MESSAGE_PRIMARY;
static const int cpg_diag_table = PG_DIAG_TABLE_NAME;
static const int cpg_diag_column = PG_DIAG_COLUMN_NAME;
static const int cpg_diag_constraint = PG_DIAG_CONSTRAINT_NAME;
static const int cpg_diag_source_function = PG_DIAG_SOURCE_FUNCTION;
