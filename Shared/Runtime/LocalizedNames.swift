// Names in both languages, as every answer has them.
public import Domain
public import Text

extension JSONValue {
  public static func name(_ name: LocalizedName) -> JSONValue { ["en": .text(name.en), "zh": .text(name.zh)] }
}
