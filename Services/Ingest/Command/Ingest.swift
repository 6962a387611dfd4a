// The executable `ingest`.
import Runtime

@main
struct Ingest {
  static func main() async { await IngestParts.program.main() }
}
