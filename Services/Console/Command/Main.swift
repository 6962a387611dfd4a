// The console: pages for the people who work with customers, over the APIs of the services.
import Access
import CommandLine
import HTTP
import Runtime

@main
enum Main {
  static func main() async { await program.main() }

  static let program = ServiceProgram(
    pages: "console", help: HelpText("show people their pages", zh: "管理控制台（网页）"), settings: ConsoleSettings.all, connectionsMax: 8,
    configure: { reader, common in ConsoleSettings(&reader, common) },
    around: { settings, context in settings.map { [ErrorPages(site: Site($0, context)).middleware] } ?? [] },
    refusing: { settings, context in settings.map { ErrorPages(site: Site($0, context)).refusing } ?? Router.problems },
    guarding: { settings, context, access in
      let tokens = access.guarding(context.logger)
      return settings.map { SessionGuard(site: Site($0, context), tokens: tokens).guarding } ?? tokens
    },
    routes: { settings, context, router in
      guard let settings else { return }
      Pages.add(Site(settings, context), to: &router)
    },
    parts: { settings, context in settings.map { [$0.client] + ($0.provider?.parts ?? []) } ?? [] })
}
