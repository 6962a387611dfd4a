// Pages for what cannot be shown, and the way to the sign-in for those who are not known.
import Access
import HTML
import HTTP
import Postgres
import Runtime
import Telemetry

struct ErrorPages: Sendable {
  let site: Site

  var middleware: Middleware {
    { request, next in
      do { return try await next(request) } catch is SessionGuard.NotSignedIn { return signIn(request) } catch let problem as Problem {
        guard ErrorPages.isPage(request) else { throw problem }
        return ErrorPages.page(Visit(site, request), problem)
      } catch let failure as PeerFailure { return page(request, failure) } catch {
        guard ErrorPages.isPage(request) else { throw error }
        site.logger.error("a page cannot be shown", [.error: .describing(error)])
        return ErrorPages.page(Visit(site, request), Problem(.serviceUnavailable, title: ""))
      }
    }
  }

  /// For what the server itself refuses, as a form that is too large: nobody has looked at who sends it.
  var refusing: RefusalAnswer {
    { problem, request in
      guard ErrorPages.isPage(request) else { return problem.response }
      let visit = Visit(site, request)
      var worded = problem
      switch problem.status {
      case .contentTooLarge:
        worded.detail = visit.say("What was sent is larger than this page takes, and nothing of it was done. Send less at once.", "提交的内容超过本页上限，未作任何处理。请分批提交。")
      case .serviceUnavailable:
        worded.detail = visit.say("It took too long, or the console is just being restarted. Try again.", "处理超时，或控制台正在重启。请重试。")
      default: break
      }
      return ErrorPages.page(visit, worded)
    }
  }

  private static func isPage(_ request: Request) -> Bool { !request.path.hasPrefix("/v1/") && request.path != "/metrics" }

  private func signIn(_ request: Request) -> Response {
    // A form that comes too late does nothing; who sent it signs in and sends it again.
    let path = request.method == .get ? request.target : "/"
    return Visit(site, request).go(to: SignInPages.path, path == "/" ? [] : [(name: SignInPages.target, value: path)])
  }

  private func page(_ request: Request, _ failure: PeerFailure) -> Response {
    if case .refused(401, _, _, _) = failure { return signIn(request) }
    return ErrorPages.page(Visit(site, request), failure)
  }

  /// With the menu around it, for those who are signed in: what fails leaves them where they are.
  static func around(_ visit: Visit, _ handler: PageHandler) async throws -> Response {
    do { return try await handler(visit) } catch let problem as Problem { return page(visit, problem) } catch let failure as PeerFailure {
      if case .refused(401, _, _, _) = failure { throw failure }
      return page(visit, failure)
    }
  }

  private static func page(_ visit: Visit, _ failure: PeerFailure) -> Response {
    let title = ErrorPages.title(failure.status, visit)
    return visit.page(title, nil, status: failure.status) {
      Element(.h1, title)
      Notice.failure(failure, visit)
      back(visit)
    }
  }

  private static func page(_ visit: Visit, _ problem: Problem) -> Response {
    let (title, detail) = (ErrorPages.title(problem.status, visit), problem.detail ?? problem.title)
    var kept: HTTPHeaders = [:]
    for name in ["Retry-After", "Allow"] { kept[name] = problem.headers[name] }
    return visit.page(title, nil, status: problem.status, headers: kept) {
      Element(.h1, title)
      if !detail.isEmpty { Notice.fault(detail) }
      back(visit)
    }
  }

  private static func back(_ visit: Visit) -> Element { Element(.p) { Parts.link(visit.say("To the first page", "返回首页"), PageTarget("/")) } }

  private static func title(_ status: HTTPStatus, _ visit: Visit) -> String {
    switch status.rawValue {
    case 400, 422: visit.say("This cannot be done so", "请求有误")
    case 403: visit.say("You may not see this", "无权访问")
    case 404: visit.say("There is no such page", "页面不存在")
    case 405: visit.say("This page takes no such request", "不支持的请求方式")
    case 409, 412: visit.say("Somebody else was faster", "内容已被他人更改")
    case 429: visit.say("This is too often", "请求过于频繁")
    case 413: visit.say("This is too large", "内容过大")
    default: visit.say("This cannot be shown just now", "暂时无法显示")
    }
  }
}
