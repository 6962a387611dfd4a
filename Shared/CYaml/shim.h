// What Swift sees of the library: its header, and what the importer cannot read (macros, variadics) declared anew.
#pragma once
#include <yaml.h>
