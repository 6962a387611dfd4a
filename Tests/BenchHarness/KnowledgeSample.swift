// Articles of a shop's help desk in both languages, and questions in customers' words with the article that answers each: what a search is judged by.
import Domain

struct SampleArticle: Sendable {
  let name: String
  let category: String
  let texts: [Language: ArticleText]
}

/// A question and the article that answers it; nil: none does.
struct JudgedQuestion: Sendable {
  let text: String
  let language: Language
  let answer: String?
}

enum KnowledgeSample {
  /// A block each: name and category, then title and text in English, then in Chinese; lines of a text are set in.
  static let articles: [SampleArticle] = articleText.split(separator: "\n\n").compactMap { block in
    let lines = block.split(separator: "\n").map(String.init)
    guard let head = lines.first?.split(separator: " ").map(String.init), head.count == 2 else { return nil }
    var texts: [ArticleText] = []
    for line in lines.dropFirst() {
      if line.hasPrefix("  "), let last = texts.popLast() {
        texts.append(ArticleText(title: last.title, body: (last.body.isEmpty ? "" : last.body + " ") + line.dropFirst(2)))
      } else {
        texts.append(ArticleText(title: line, body: ""))
      }
    }
    guard texts.count == 2 else { return nil }
    return SampleArticle(name: head[0], category: head[1], texts: [.english: texts[0], .chinese: texts[1]])
  }

  /// A line each: the article, the language, the question.
  static let questions: [JudgedQuestion] = questionText.split(separator: "\n").compactMap { line in
    let parts = line.split(separator: " ", maxSplits: 2).map(String.init)
    guard parts.count == 3 else { return nil }
    return JudgedQuestion(text: parts[2], language: parts[1] == "en" ? .english : .chinese, answer: parts[0] == "-" ? nil : parts[0])
  }

  private static let articleText = """
    return return
    Returning goods within seven days
      Unused goods in their original packaging can be sent back within seven days of receipt. Open the order, choose Return, and print the label;
      the courier collects the parcel for free.
    七天无理由退货
      收到商品七天内，商品未使用且包装完好即可退回。打开订单点击申请退货，打印面单，快递员免费上门取件。

    exchange return
    Exchanging for another size or colour
      Within fifteen days you can swap an item for another size or colour. The new one is sent as soon as the courier has scanned the old one.
    换货：更换尺码或颜色
      十五天内可以换尺码或换颜色。快递揽收旧商品后，新商品立即发出。

    refund-time return
    When the refund arrives
      The money goes back the way it was paid: wallets within one working day, bank cards within three to seven working days after we received the
      goods.
    退款到账时间
      款项原路退回：我们收到退货后，电子钱包一个工作日内到账，银行卡三到七个工作日到账。

    shipping-fee delivery
    Shipping costs
      Orders above 99 yuan are delivered free of charge. Below that we charge 8 yuan; remote areas pay 15 yuan.
    运费说明
      满 99 元包邮，不足收取 8 元邮费，偏远地区 15 元。

    delivery-time delivery
    How long delivery takes
      Goods in stock leave the warehouse within 24 hours and arrive after two to four days. During sales it may take two days longer.
    发货与配送时效
      现货 24 小时内出库发货，二到四天送达。大促期间可能晚两天。

    track delivery
    Tracking a parcel
      The order page shows the courier and the tracking number with each stop. New stops appear with a delay of up to six hours.
    查询物流进度
      订单页显示快递公司、运单号和物流轨迹。轨迹更新可能延迟六小时。

    address order
    Changing the address of an order
      Until the goods have left the warehouse the recipient, phone number and address can be edited on the order page. Afterwards ask the courier
      to redirect it.
    修改收货地址
      商品出库之前，可在订单页修改收件人、电话和地址；出库后请联系快递公司转寄。

    cancel order
    Cancelling an order
      An order that has not been shipped can be cancelled on its page; the payment is returned at once. One that is on its way has to be refused
      at the door.
    取消订单
      未发货的订单可在订单页取消，款项立即退回；已发货的请在送货时拒收。

    invoice invoice
    Getting an invoice
      Electronic invoices are sent by e-mail within 24 hours after the goods were received. Choose Request invoice on the order page and enter
      company name and tax number.
    开具发票
      确认收货后 24 小时内，电子发票发送至邮箱。在订单页点击申请开票，填写公司抬头和税号。

    invoice-correct invoice
    Correcting an invoice
      A wrong title or tax number can be corrected once within the same month: the first document is voided and a new one is made.
    发票抬头开错了如何重开
      抬头或税号有误，当月内可重开一次：原发票作废，重新开具。

    coupon promotion
    Using a coupon
      At the checkout tap Coupons and select one. Only one per order; special offers are excluded.
    优惠券使用方法
      结算页点击优惠券并选择。每单限用一张，特价商品不可用。

    coupon-expired promotion
    Expired coupons
      A coupon that has run out cannot be renewed. If the order it was used for is cancelled in time it comes back to your account.
    优惠券过期
      过期的优惠券不能恢复。若使用它的订单在有效期内取消，优惠券会退回账户。

    points member
    Earning points
      Each yuan paid earns one point; birthdays count double. Points are credited seven days after receipt.
    积分获取规则
      每消费一元积一分，生日当天双倍。收货七天后积分到账。

    points-expire member
    When points lapse
      Points are valid for 24 months and lapse at the end of the month. We remind you a month before.
    积分有效期与清零
      积分有效期 24 个月，月底清零，提前一个月提醒。

    tier-up member
    Becoming a VIP
      Your tier follows from the last twelve months' purchases and is reviewed each quarter. The member page shows what is missing for the next
      level.
    会员等级与升级
      等级按最近十二个月消费评定，每季度复核。会员页显示距下一等级还差多少。

    password account
    Forgotten password
      Tap Forgot password on the sign-in page; a code is sent by text message, then set a new one.
    忘记密码
      在登录页点击忘记密码，收到短信验证码后设置新密码。

    phone account
    Changing the phone number of your account
      Under Settings, Security, Phone: confirm the old number by a code, then enter the new one. Without the old number upload your identity card.
    更换绑定手机号
      设置—安全—手机号：先用旧号码验证码确认，再填写新号码。旧号码停用的，上传身份证办理。

    close-account account
    Closing your account
      Settings, Privacy, Close account. Points and coupons are lost, orders are kept as the law demands, everything else is erased after fifteen
      days.
    注销账户
      设置—隐私—注销账户。积分和优惠券作废，订单依法保留，其余资料十五天后删除。

    code-missing account
    The verification code does not arrive
      Check that the phone is not blocking messages from companies, wait a minute, then ask for it again. At most five codes a day.
    收不到验证码
      请检查手机是否拦截企业短信，等一分钟后重新获取。每天最多五次。

    payment-failed payment
    Payment fails
      Check the card's limit and the balance, or choose another way to pay. The order is kept for 30 minutes.
    支付失败
      请检查银行卡限额和余额，或更换支付方式。订单保留 30 分钟。

    double-charge payment
    Charged twice
      If the same order was debited two times the surplus is returned automatically within three working days.
    重复扣款
      同一订单被扣两次的，多扣的部分三个工作日内自动退回。

    instalments payment
    Paying in instalments
      From 300 yuan on you can pay in 3, 6 or 12 monthly rates; the first three are free of interest.
    分期付款
      满 300 元可分 3、6、12 期付款，三期免息。

    warranty repair
    Warranty
      Devices are guaranteed for one year, their main parts for two. Water, falls and wear are not covered.
    保修政策
      整机保修一年，主要部件两年。进水、摔落和正常磨损不在保修范围。

    repair repair
    Sending a device in for repair
      Back up your data, describe the fault in the form and hand it to the courier. It takes five to ten working days.
    送修流程
      请先备份数据，在表单中描述故障，交给快递寄修。维修周期五到十个工作日。

    damaged return
    Goods arrived broken
      Take photos of parcel and goods within 48 hours and upload them to the order. We send a new one at once, nothing has to be returned.
    商品破损
      请在 48 小时内拍照上传包裹和商品，我们立即补发，无需寄回。

    missing return
    Something is missing in the parcel
      Large orders may be split into several parcels. If all have arrived and a piece is lacking, report it within 48 hours.
    少件漏发
      大订单可能分多个包裹寄出。全部收到后仍缺少的，请在 48 小时内反馈。

    wrong-item return
    Wrong goods received
      Do not open it, send us a photo; the right article is sent and the courier takes the wrong one along.
    发错货
      请勿拆封，发送照片给我们；我们寄出正确的商品，快递员带走错的。

    size product
    Which size fits
      Measure chest, waist and hip and compare with the chart below each article. Between two sizes take the larger one.
    尺码表怎么看
      量胸围、腰围、臀围，对照商品下方的尺码表。介于两码之间选大一码。

    preorder order
    Pre-orders
      Articles marked Pre-order are shipped on the day shown. The deposit is not returned when you withdraw.
    预售商品
      标注预售的商品按所示日期发出。定金不予退还。

    gift-card promotion
    Gift cards
      Scratch off the code, enter it under Wallet. The balance is valid for three years and can be combined with coupons.
    礼品卡使用
      刮开卡密，在钱包中绑定。余额三年有效，可与优惠券同时使用。

    price promotion
    Price protection
      If the price drops within fifteen days of your purchase we pay the difference; apply on the order page.
    价格保护
      购买后十五天内降价，可在订单页申请补差价。

    stores store
    Our shops and opening hours
      All shops with map are listed under Stores. Open daily from 10 to 22, on holidays until 20.
    门店地址与营业时间
      所有门店及地图见门店页。每天 10 点到 22 点营业，节假日到 20 点。

    pickup store
    Collecting in a shop
      Choose Collect at the checkout. You are told by message when it is ready; bring the code, it waits for seven days.
    到店自提
      结算时选择自提。备好货后短信通知，凭取货码领取，保留七天。

    abroad delivery
    Delivery to other countries
      We ship to 36 countries. Customs duties are paid by the recipient; batteries cannot be sent by air.
    海外配送与关税
      支持寄往 36 个国家。关税由收件人承担，含电池商品不能空运。

    my-data privacy
    A copy of your data
      Settings, Privacy, Export gives you everything that we keep about you as a file within a day.
    导出个人信息
      设置—隐私—导出，一天内以文件形式提供我们保存的全部个人资料。

    unsubscribe privacy
    Stopping advertising messages
      Reply T to the message, or switch off Marketing under Settings, Notifications. Notices on orders still come.
    退订营销短信
      回复 T，或在设置—通知中关闭营销信息。订单通知仍会发送。

    app-crash app
    The app crashes or hangs
      Update it to the newest version, restart the phone, then clear the cache under Settings. If it goes on, send the report.
    应用闪退或卡顿
      请更新到最新版本，重启手机，在设置中清除缓存。仍未解决请提交日志。

    agent service
    Reaching a person
      Chat from 8 to 24, hotline 400-800 around the clock for members of VIP. Type Agent in the chat.
    联系人工客服
      在线客服 8 点到 24 点；VIP 会员热线 400-800 全天。在对话中输入人工。

    on-site repair
    An engineer at your home
      For large appliances book a visit two days ahead; the visit is free within the warranty, else 50 yuan.
    预约上门安装维修
      大家电可提前两天预约工程师上门；保修期内免费，保修期外收取 50 元上门费。

    e101 product
    Error E101 on the router
      E101 means that there is no signal on the line. Check the cable, unplug the router for a minute, then plug it in again.
    路由器报错 E101
      E101 表示线路没有信号。请检查网线，拔掉电源一分钟后重新接通。
    """

  private static let questionText = """
    return en I don't like the shoes, can I send them back?
    return zh 买的鞋不喜欢，还没穿过，可以退回去吗
    exchange en The shirt is too small, I want to swap it for a larger size
    exchange zh 衣服小了想换大一号的尺码
    refund-time en I returned the goods a week ago, where is my money?
    refund-time zh 退货一周了，钱什么时候退到银行卡
    shipping-fee en Do I have to pay for shipping?
    shipping-fee zh 邮费是多少，满多少包邮
    delivery-time en how many days until my order is delivered
    delivery-time zh 今天下单几天能送达
    track en where is my parcel, the tracking has not changed since yesterday
    track zh 我的快递到哪里了，物流一直不更新
    address en I moved, please send my order to another address
    address zh 我填错了收货地址，能改吗
    cancel en I ordered by mistake, how do I cancel?
    cancel zh 拍错了，想取消订单
    invoice en I need an invoice for my company
    invoice zh 你好，请问怎么给公司开发票
    invoice-correct en the tax number on the invoice is wrong
    invoice-correct zh 发票税号写错了，要重新开
    coupon en why can't I use two coupons on one order
    coupon zh 一单能用两张优惠券吗
    coupon-expired en my coupon expired yesterday, can you give it back
    coupon-expired zh 券昨天过期了能恢复吗
    points en when do I get the points for my purchase?
    points zh 买了东西积分怎么还没到账
    points-expire en do my points lapse at the end of the year
    points-expire zh 积分年底会清零吗
    tier-up en what do I have to spend to become VIP
    tier-up zh 怎么才能升级成更高等级的会员
    password en forgot my password and cannot sign in
    password zh 密码忘了登录不上
    phone en I have a new phone number, how do I change it in my account
    phone zh 我换手机号了，旧号码不用了怎么绑定新的
    close-account en please delete my account
    close-account zh 我要注销账号
    code-missing en I am not getting the verification code by text message
    code-missing zh 验证码一直收不到
    payment-failed en my payment was declined at the checkout
    payment-failed zh 付款的时候提示支付失败
    double-charge en you charged my card twice for the same order
    double-charge zh 一个订单扣了我两次钱
    instalments en can I pay monthly instead of all at once
    instalments zh 手机可以分期吗，有没有利息
    warranty en is water damage covered by the guarantee?
    warranty zh 手机进水了还在保修范围内吗
    repair en my phone is broken, how do I send it in to be repaired
    repair zh 机器坏了怎么寄过去维修
    damaged en the vase arrived broken
    damaged zh 收到的杯子是碎的，商品破损怎么办
    missing en one of the items was missing from my parcel
    missing zh 包裹里少了一件
    wrong-item en I received the wrong article
    wrong-item zh 你们给我发错货了
    size en which size should I take, I am between M and L
    size zh 不知道选什么尺码
    preorder en when will pre-ordered items be shipped
    preorder zh 预售的什么时候发
    gift-card en how can I redeem a gift card
    gift-card zh 礼品卡怎么用
    price en the price dropped two days after I bought it, can I get the difference
    price zh 刚买就降价了，能补差价吗
    stores en is your shop open on Sunday
    stores zh 门店几点关门
    pickup en can I collect my order in the shop myself
    pickup zh 可以到店自己取吗
    abroad en do you ship to Germany and who pays the customs
    abroad zh 能寄到国外吗，关税谁出
    my-data en send me a copy of all personal data you keep about me
    my-data zh 我想要一份你们保存的我的个人信息
    unsubscribe en stop sending me advertising
    unsubscribe zh 不要再给我发广告短信了
    app-crash en the app keeps crashing since the update
    app-crash zh 软件打开就闪退
    agent en let me talk to a real person
    agent zh 转人工
    on-site en can an engineer come to my home to fix the washing machine
    on-site zh 洗衣机坏了能派人上门修吗
    e101 en router shows E101
    e101 zh 路由器显示E101上不了网
    - en do you hire drivers for the night shift
    - zh 你们招聘司机吗
    - en what will the weather be like tomorrow
    - zh 明天天气怎么样
    - en who won the match last night
    - zh 昨晚的球赛谁赢了
    - en can you recommend a good restaurant nearby
    - zh 附近有什么好吃的餐厅推荐
    - en is the board of directors elected annually
    - zh 公司董事会每年选举吗
    """
}
