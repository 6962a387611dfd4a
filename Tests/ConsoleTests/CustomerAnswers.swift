// What the services say of one customer, in the shape of real answers, with texts that somebody might plant.
import HTTP

enum CustomerAnswers {
  static let id = "653098a4e80e7c61"
  static let other = "124cdab6350ed4dd"
  static let script = "<script>alert(1)</script>"
  static let image = "\\\"><img src=x onerror=alert(1)>"
  static let formula = "=1+1"

  static func customer(_ id: String = id, asked: String? = nil, name: String = script) -> String {
    """
    {"customer_id":"\(id)","asked_for":"\(asked ?? id)","version":8,"member_id":"\(formula)","first_seen_at":"1997-07-06T04:00:00Z",\
    "identifiers":[{"kind":"member_id","value":"\(formula)","strong":true,"shared":false,"first_seen_at":"1997-07-06T04:00:00Z"},\
    {"kind":"phone","value":"+86********111","strong":true,"shared":true,"first_seen_at":"1998-06-20T03:30:00Z"},\
    {"kind":"open_id","value":"\(image)","strong":false,"shared":false,"first_seen_at":"1998-06-20T03:30:00Z"}],\
    "attributes":{"name":"\(name)","gender":"male","region":"\(image)"},"lifecycle":"at_risk","lifecycle_zh":"流失风险","as_of":"2026-11-29",\
    "known_on":null,"currency":"CNY","recency_days":8,"frequency":19,"monetary":"1110000.00","repeat_orders":18,"average_order_value":"58421.05",\
    "repurchase_rate":"0.9474","order_growth":"-0.2000","refund_rate":null,"categories":[{"name":"\(script)","orders":19,"spend":"1110000.00"}],\
    "channels":[{"name":"app","orders":19,"spend":"1110000.00"}],"behaviours":{},"tags":[{"tag":"big-spender","source":"rule",\
    "name":{"en":"Big spender","zh":"高消费"},"group":"behavioural","since":"1998-01-01","because":{"en":"much","zh":"多"},"rules_version":1},\
    {"tag":"\(script)","source":"person","since":"1998-01-01","actor":"Li Na","reason":"\(formula)","until":null}],\
    "orders_of_all_time":19,"spend_of_all_time":"1110000.00","months":[{"month":"2026-10","orders":1,"spend":"60000.00"},\
    {"month":"2026-11","orders":18,"spend":"1050000.00"}],"orders":[{"source":"shop","order_id":"\(formula)","revision":1,\
    "ordered_at":"2026-11-20T04:00:00Z","paid_at":null,"total":"60000.00","channel":"mini_program","lines":1,"known_on":"2026-11-20",\
    "movements":[{"type":"payment","at":"2026-11-21T04:00:00Z","amount":"60000.00","known_on":"2026-11-21"}]}]}
    """
  }

  static let explanation = """
    {"scorecard":"rfm-plus v1","policy":"score v2","tier":{"id":"key","name":{"en":"Key","zh":"重点客户"}},"score":97,"score_exact":"4933/51",\
    "facts_as_of":"2026-11-29T04:00:00Z","currency":"CNY","indicators":[{"indicator":"recency_days","name":{"en":"Recency","zh":"最近购买"},\
    "dimension":{"en":"Purchases","zh":"购买行为"},"unit":"days","raw":18,"points":94,"weight":20,"effective_weight":25,"contribution":60.5,\
    "note":"measured"},{"indicator":"industry_growth","name":{"en":"\(script)","zh":"行业增长"},"dimension":{"en":"Potential","zh":"发展潜力"},\
    "unit":"percent","raw":null,"points":null,"weight":15,"effective_weight":0,"contribution":0,"note":"left_out"},\
    {"indicator":"repurchase_rate","name":{"en":"Repurchase rate","zh":"复购率"},"dimension":{"en":"Loyalty","zh":"忠诚度"},"unit":"percent",\
    "raw":94.4,"points":94.4,"weight":15,"effective_weight":20,"contribution":36.3,"note":"measured"}],"thresholds":[],"outlook":null,\
    "quota_borders":null,"text":{"en":"Key: score 97\\nTotal: 96.8, rounded half up to 97\\n2 more orders reach VIP","zh":"重点客户\\n合计：96.8\\n再下 2 单可升为 VIP"}}
    """

  static let rating = """
    {"customer_id":"\(id)","member_id":"M100","version":2,"tier":"key","decided_tier":"vip","proposed_tier":"vip","confirmed_by":null,"score":97,\
    "scorecard":"rfm-plus","scorecard_version":1,"policy":"score","policy_version":2,"tier_since":"2026-11-01T04:00:00Z",\
    "rated_at":"2026-11-29T04:00:00Z","rated_day":"2026-11-29","next_review":"2027-05-29","decision":{"review_policy":"b2c","automated":true,\
    "text":{"en":"Confirmed tier: Key","zh":"已确认等级：重点客户"}},"explanation":\(explanation)}
    """

  static let ratings = """
    {"customer_id":"\(id)","ratings":[{"version":2,"reason":"change","at":"2026-11-29T04:00:00Z","rated_day":"2026-11-29","tier":"key",\
    "tier_before":"normal","decided_tier":"vip","proposed_tier":"vip","score":97,"scorecard":"rfm-plus v1","policy":"score v2","confirmed_by":null,\
    "merged":false,"action":{"actor":"Li Na","reason":"\(formula)"}},{"version":1,"reason":"first","at":"2026-10-01T04:00:00Z",\
    "rated_day":"2026-10-01","tier":"normal","tier_before":null,"decided_tier":"normal","proposed_tier":null,"score":58,"scorecard":"rfm-plus v1",\
    "policy":"score v2","confirmed_by":null,"merged":false,"action":null}],"next":null}
    """

  static let timeline = """
    {"customer_id":"\(id)","entries":[{"at":"2026-11-21T04:00:00Z","type":"payment","source":"shop","order_id":"S1","amount":"60000.00"},\
    {"at":"2026-11-20T05:00:00Z","type":"contact","source":"\(image)","channel":"hotline","direction":"inbound","kind":"complaint","text":"\(script)"},\
    {"at":"2026-11-20T04:00:00Z","type":"order","source":"shop","channel":"app","order_id":"S1","amount":"60000.00",\
    "lines":[{"sku":"A1","name":"\(formula)","quantity":"1"}]},{"at":"2026-09-01T04:00:00Z","type":"answer","source":"shop","survey":"nps-quarterly",\
    "metric":"nps","score":3,"comment":"slow"}],"next":"1788000000000000:0:4:shopS1 order"}
    """

  static let tags = """
    {"customer_id":"\(id)","as_of":"2026-11-29","tags":[{"tag":"\(script)","source":"person","since":"1998-01-01","actor":"Li Na",\
    "reason":"\(formula)","until":null}],"history":[],"given":[{"id":1,"tag":"\(script)","at":"2026-11-01T04:00:00Z","actor":"Li Na",\
    "reason":"\(formula)","until":null,"removed_at":null,"removed_by":null,"removal_reason":null}]}
    """

  static let summary = """
    {"scorecard":"rfm-plus v1","customers":2,"tiers":[{"tier":"vip","name":{"en":"VIP","zh":"VIP 客户"},"customers":0,"revenue":0,\
    "revenue_share_percent":0},{"tier":"key","name":{"en":"Key","zh":"重点客户"},"customers":2,"revenue":100,"revenue_share_percent":100}]}
    """

  static let proposal = """
    {"customer_id":"\(id)","member_id":"\(script)","kind":"rating","tier":"key","tier_name":{"en":"Key","zh":"重点客户"},"proposed_tier":"vip",\
    "proposed_tier_name":{"en":"VIP","zh":"VIP 客户"},"score":97,"cause":"change","rating_version":2,"opened_at":"2026-11-29T04:00:00Z",\
    "expires":"2026-12-29","terms":null,"explanation":\(explanation)}
    """

  static let caseID = "a06c7c8fe55c03f075f1b39e9f55383e-5b4ebb2941377943b45f1c88bd1e2c24"

  static let review = """
    {"id":"\(caseID)","guard":"different_national_ids","at":"2026-11-05T03:30:00Z","evidence":"order/\(formula)/1","sides":[\
    {"customer_id":"\(id)","kind":"member_id","value":"\(formula)","shared":false,"first_seen_at":"2026-02-05T03:30:00Z",\
    "identifiers":[{"kind":"member_id","value":"\(formula)","strong":true}],"name":"\(script)","orders_of_all_time":2,"spend_of_all_time":"7000.00"},\
    {"customer_id":"\(other)","kind":"phone","value":"+86********003","shared":false,"first_seen_at":"2026-05-05T03:30:00Z",\
    "identifiers":[{"kind":"phone","value":"+86********003","strong":true}],"name":null,"orders_of_all_time":1,"spend_of_all_time":"1.00"}]}
    """

  static func merge(undoneBy decision: Int? = nil) -> String {
    """
    {"id":4,"survivor":"\(id)","absorbed":"\(other)","evidence":"order/S1/1","at":"2026-11-05T03:30:00Z","identifiers":{"survivor":3,"absorbed":2},\
    "undone_by":\(decision.map { String($0) } ?? "null")}
    """
  }

  static let decision = """
    {"id":7,"decision":"merge","at":"2026-11-29T04:00:00Z","actor":"Wang Fang","reason":"x","merge_id":null,"applied_at":"2026-11-29T04:00:00Z"}
    """

  /// Puts all of it into the services' mouths.
  static func tell(_ peers: FakePeers) {
    peers.answer(.get, "/v1/customers/\(id)", customer())
    peers.answer(.get, "/v1/customers/\(other)", customer(other, name: "Bob"))
    peers.answer(.get, "/v1/customers/\(id)/timeline", timeline)
    peers.answer(.get, "/v1/customers/\(id)/tags", tags)
    peers.answer(.get, "/v1/tiers/\(id)", rating, tag: "\"two\"")
    peers.answer(.get, "/v1/tiers/\(other)", rating, tag: "\"two\"")
    peers.answer(.get, "/v1/customers/\(id)/ratings", ratings)
    peers.answer(.get, "/v1/customers/\(id)/ratings/1", rating)
    peers.answer(
      .get, "/v1/customers/\(id)/entitlements",
      """
      {"customer_id":"\(id)","tier":"key","valid_until":"2027-05-29","benefits":[{"benefit":"discount","kind":"discount",\
      "name":{"en":"\(script)","zh":"折扣优惠"},"limit":5,"unit":"percent","touches_price":true}]}
      """)
    peers.answer(.get, "/v1/customers/\(id)/automated-tiering", #"{"customer_id":"\#(id)","allowed":true,"refused_by":null}"#, tag: "\"auto\"")
    peers.answer(
      .get, "/v1/tickets",
      """
      {"tickets":[{"ticket_id":"5cd2c292c5ce1449","priority":"P1","state_name":{"en":"new","zh":"新建"},"kind":"fault","owner":"\(script)",\
      "opened_at":"2026-11-20T04:30:00Z","clocks":[{"outcome":"missed"}]}],"next":null}
      """)
    peers.answer(
      .get, "/v1/customers/\(id)/attendant", #"{"customer_id":"\#(id)","person":"\#(script)","since":"2026-11-01T04:00:00Z","actor":null,"reason":null}"#)
    peers.answer(
      .get, "/v1/customers/\(id)/contacts",
      """
      {"customer_id":"\(id)","as_of":"2026-11-29T04:00:00Z","is_opted_out":false,"contacts":[{"at":"2026-11-01T04:00:00Z","purpose":"relationship"}],\
      "planned":[],"budget":[{"purpose":"recovery","may_be_asked":false,"held":"gap","why":{"en":"too soon","zh":"太近"},"until":"2026-12-01T04:00:00Z"}]}
      """)
    peers.answer(
      .get, "/v1/answers",
      """
      {"answers":[{"occurred_at":"2026-11-02T04:00:00Z","survey":"nps-quarterly","metric":"nps","score":3,"comment":"\(script)","channel":"app",\
      "polarity":"negative"}],"next":null}
      """)
    peers.answer(
      .get, "/v1/invitations",
      """
      {"invitations":[{"invitation_id":"20743d397183bb57","state":"sent","survey":"\(formula)","survey_version":1,"created_at":"2026-11-01T04:00:00Z",\
      "sent_at":"2026-11-20T06:00:00Z","expires_at":"2026-12-15T04:00:00Z","planned_at":null,"score":null}],"next":null}
      """)
    peers.answer(.get, "/v1/customers/\(id)/opt-out", #"{"customer_id":"\#(id)","is_opted_out":false,"since":null,"actor":null,"reason":null}"#)
    peers.answer(
      .get, "/v1/segments", #"{"thresholds":{"recency_days_at_most":"30.00","frequency_at_least":"2.00","monetary_at_least":"527.35"}}"#)
    peers.answer(.get, "/v1/tiers/summary", summary)
    peers.answer(.get, "/v1/proposals", "{\"proposals\":[\(proposal)],\"count\":1,\"next\":\"899308799000000-\(id)\"}")
    peers.answer(.get, "/v1/proposals/\(id)", proposal, tag: "\"seen\"")
    peers.answer(.get, "/v1/reviews", "{\"reviews\":[\(review)],\"next\":null}")
    peers.answer(.get, "/v1/reviews/\(caseID)", review)
    peers.answer(.get, "/v1/merges", "{\"merges\":[\(merge()),\(merge(undoneBy: 9))],\"next\":51}")
    peers.answer(.get, "/v1/merges/4", merge())
    peers.answer(.get, "/v1/decisions/9", decision)
    peers.answer(
      .get, "/v1/tags", #"{"version":1,"tags":[{"tag":"big-spender","name":{"en":"Big spender","zh":"高消费"},"customers":2}],"given":[]}"#)
    peers.answer(.get, "/v1/tags/customers", #"{"tag":"x","customers":[{"customer_id":"\#(id)","member_id":"\#(formula)","tags":["a"]}],"next":null}"#)
    peers.answer(
      .post, "/v1/confirmations", "{\"confirmed\":false,\"count\":1,\"left\":0,\"digest\":\"d1\",\"proposals\":[\(proposal)]}")
  }

  static let refusal = """
    {"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"the request is invalid",\
    "errors":[{"field":"reason","rule":"missing","detail":"reason must be a text that is not blank"}]}
    """
}

extension FakePeers {
  /// What was asked by this method, without what pages look at.
  func deeds(_ method: HTTPMethod) -> [Asked] { asked.filter { $0.method == method.rawValue } }
}
