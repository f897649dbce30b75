// How a firm's system seals a record (docs/api-firms.md, section 4). JDK 17 or later, no library:
//   java SignRecord.java vectors
// prints the canonical form, its SHA-256 and the Ed25519 signature of the test vector in vectors.json, to be compared.
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.EdECPrivateKeySpec;
import java.security.spec.NamedParameterSpec;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

public class SignRecord {
  /** The canonical form (RFC 8785): names in UTF-16 order, ECMAScript numbers, no spaces. */
  static String canonical(Object value) {
    if (value == null || value instanceof Boolean) return String.valueOf(value);
    if (value instanceof Number number) return number(number.doubleValue());
    if (value instanceof String text) return quoted(text);
    StringBuilder made = new StringBuilder();
    if (value instanceof List<?> list) {
      for (Object inner : list) made.append(made.isEmpty() ? "" : ",").append(canonical(inner));
      return "[" + made + "]";
    }
    // a Java String compares by UTF-16 code units, as RFC 8785 asks
    for (Map.Entry<?, ?> entry : new TreeMap<>((Map<?, ?>) value).entrySet()) {
      made.append(made.isEmpty() ? "" : ",").append(quoted((String) entry.getKey())).append(":").append(canonical(entry.getValue()));
    }
    return "{" + made + "}";
  }

  /** The shortest digits that give the same double again, written as ECMAScript does. */
  static String number(double value) {
    if (Double.isNaN(value) || Double.isInfinite(value)) throw new IllegalArgumentException("JSON holds no such number");
    if (value == 0) return "0";
    String digits = "";
    int exponent = 0;
    for (int precision = 0; precision < 17; precision++) {
      String text = String.format(java.util.Locale.ROOT, "%." + precision + "e", Math.abs(value));
      if (Double.parseDouble(text) != Math.abs(value)) continue;
      digits = text.substring(0, text.indexOf('e')).replace(".", "").replaceAll("0+$", "");
      exponent = Integer.parseInt(text.substring(text.indexOf('e') + 1));
      break;
    }
    String sign = value < 0 ? "-" : "";
    if (exponent >= -6 && exponent < 21) return sign + new BigDecimal(digits).movePointRight(exponent - digits.length() + 1).toPlainString();
    String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
    return sign + digits.charAt(0) + fraction + "e" + (exponent < 0 ? "-" : "+") + Math.abs(exponent);
  }

  static String quoted(String text) {
    StringBuilder made = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      switch (c) {
        case '"' -> made.append("\\\"");
        case '\\' -> made.append("\\\\");
        case '\b' -> made.append("\\b");
        case '\f' -> made.append("\\f");
        case '\n' -> made.append("\\n");
        case '\r' -> made.append("\\r");
        case '\t' -> made.append("\\t");
        default -> made.append(c < 0x20 ? String.format("\\u%04x", (int) c) : String.valueOf(c));
      }
    }
    return made.append("\"").toString();
  }

  /** Three lines, each ended by a line feed: format, the firm's own key of the record, SHA-256 of the canonical form. */
  static byte[] statement(String idempotencyKey, String digest) {
    return ("teshe-record-1\n" + idempotencyKey + "\n" + digest + "\n").getBytes(StandardCharsets.UTF_8);
  }

  static String sha256(String text) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
  }

  static String sign(byte[] seed, byte[] statement) throws Exception {
    PrivateKey key = KeyFactory.getInstance("Ed25519").generatePrivate(new EdECPrivateKeySpec(NamedParameterSpec.ED25519, seed));
    Signature signature = Signature.getInstance("Ed25519");
    signature.initSign(key);
    signature.update(statement);
    return Base64.getEncoder().encodeToString(signature.sign());
  }

  /** A map that may hold null, which Map.of refuses. */
  static Map<String, Object> map(Object... pairs) {
    Map<String, Object> made = new TreeMap<>();
    for (int i = 0; i < pairs.length; i += 2) made.put((String) pairs[i], pairs[i + 1]);
    return made;
  }

  /** The record of vectors.json, with every field of the schema; photos, places, drawn and mock only where there are any. */
  static Map<String, Object> example() {
    return map(
        "unit_id", "L000001", "level", "half_month",
        "workers", List.of(map("name", "张三", "certificate_no", "TS6J-1"), map("name", "李四", "certificate_no", null)),
        "sign_in", map("at", "2026-11-23T01:00:00Z", "lon", 116.96, "lat", 33.64, "datum", "gcj02", "accuracy_m", 20.0, "how", "qr"),
        "sign_out", map("at", "2026-11-23T01:55:00Z", "lon", null, "lat", null, "datum", "unknown", "accuracy_m", null, "how", "qr"),
        "items", List.of(
            map("id", "A-1-21", "result", "fail", "value", null, "note", "三层\"门锁\"\n啮合 5 mm"),
            map("id", "A-1-29", "result", "pass", "value", 7.5, "note", "")),
        "submitted_at", "2026-11-23T01:56:10Z",
        "parts", List.of(map("name", "门滑块", "quantity", 2, "note", "")), "found", "", "corrects", null);
  }

  public static void main(String[] args) throws Exception {
    byte[] seed = new byte[32];
    for (int i = 0; i < 32; i++) seed[i] = (byte) i; // of the test vector; a real key never leaves your safe
    String canonical = canonical(example());
    String digest = sha256(canonical);
    System.out.println(canonical);
    System.out.println(digest);
    System.out.println(sign(seed, statement("visit-0001", digest)));
    if (args.length > 1) for (String text : args[1].split(",")) System.out.println(number(Double.parseDouble(text)));
  }
}
