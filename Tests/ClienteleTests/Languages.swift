// Two rooms have a type of this name; here stands the one of consoles.
import CommandLine

typealias CommandLineLanguage = Language
