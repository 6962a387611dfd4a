// Help pages against pages that were looked at.
import CommandLine
import Testing

@Suite struct HelpTests {
  @Test func theTreeOfCommandsHasNoFault() { #expect(Tool.program.faults == []) }

  @Test func everyCommandHasChineseHelp() {
    for names in [
      ["import"], ["report", "tiers"], ["scorecard", "score"], ["scorecard", "simulate"], ["customer", "show"], ["customer", "entitlements"],
      ["quarantine", "replay"], ["rebuild"], ["doctor"],
      ["quarantine", "conflicts"], ["quarantine", "check"], ["mapping", "check"], ["mapping", "register"], ["source", "set"], ["report", "quality"],
    ] {
      let page = Tool.program.helpText(for: names, language: .zh) ?? ""
      #expect(page.hasPrefix("用法："), "\(names)")
      let options = page.split(separator: "\n").filter { $0.contains("    --") }
      for line in options { #expect(!line.unicodeScalars.allSatisfy { $0.isASCII } || line.hasSuffix("PLACEHOLDER"), "\(line)") }
    }
  }

  @Test func theImportPageSaysWhatImportDoes() async {
    #expect(
      await Tool.call(["import", "--help"]).out == """
        Usage: clientele import --source NAME --mapping FILE.yaml [options] FILE

        publish a file's records and wait until the suite has read them

        Registers the mapping, publishes every record of the file, waits until all
        services have read them, and accounts for every record: accepted, a duplicate,
        or quarantined with a reason.

        Importing a file again is harmless: records that are known count as duplicates.
        Ctrl-C stops in the middle; what was published by then is read all the same.
        With --checkpoint the same command goes on where it stopped, also after a crash.

        Arguments:
          FILE                     file to read

        Options:
          -s, --source NAME        the registered source the file is from (required)
          -m, --mapping FILE.yaml  how the file's fields become events (required)
              --wait-seconds N     give up waiting for the suite after so long (default
                                   600)
              --checkpoint FILE    remember here how far it came, and go on from there
              --json               print JSON
              --folder FOLDER      folder of the suite; else addresses from the
                                   environment, else .clientele

        Common options:
          -h, --help               show help
              --version            show the version
              --lang LANG          language of texts; else from LANG (one of en, zh)

        """)
  }
}
