// How a firm's system seals a record (docs/api-firms.md, section 4). .NET 8 and the package BouncyCastle.Cryptography for
// Ed25519. Compare with vectors.json. This file has not been compiled here: the Java example beside it has.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;

static class SignRecord
{
    // The canonical form (RFC 8785): names in UTF-16 order, ECMAScript numbers, no spaces.
    public static string Canonical(object value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        string text => Quoted(text),
        int or long or double => Number(Convert.ToDouble(value, CultureInfo.InvariantCulture)),
        IDictionary<string, object> map => "{" + string.Join(",", map.OrderBy(p => p.Key, StringComparer.Ordinal)
            .Select(p => Quoted(p.Key) + ":" + Canonical(p.Value))) + "}",
        IEnumerable<object> list => "[" + string.Join(",", list.Select(Canonical)) + "]",
        _ => throw new ArgumentException($"no JSON: {value.GetType()}"),
    };

    // "R" gives the shortest digits that read back as the same double.
    public static string Number(double value)
    {
        if (!double.IsFinite(value)) throw new ArgumentException("JSON holds no such number");
        if (value == 0) return "0";
        var text = Math.Abs(value).ToString("E16", CultureInfo.InvariantCulture);
        for (var precision = 0; precision <= 16; precision++)
        {
            text = Math.Abs(value).ToString("E" + precision, CultureInfo.InvariantCulture);
            if (double.Parse(text, CultureInfo.InvariantCulture) == Math.Abs(value)) break;
        }
        var cut = text.IndexOf('E');
        var digits = text[..cut].Replace(".", "").TrimEnd('0');
        var exponent = int.Parse(text[(cut + 1)..], CultureInfo.InvariantCulture);
        var sign = value < 0 ? "-" : "";
        if (exponent is >= 0 and < 21)
            return sign + (digits.Length <= exponent + 1 ? digits.PadRight(exponent + 1, '0')
                : digits[..(exponent + 1)] + "." + digits[(exponent + 1)..]);
        if (exponent is < 0 and >= -6) return sign + "0." + new string('0', -exponent - 1) + digits;
        return sign + digits[0] + (digits.Length > 1 ? "." + digits[1..] : "") + "e" + (exponent < 0 ? "-" : "+") + Math.Abs(exponent);
    }

    public static string Quoted(string text)
    {
        var made = new StringBuilder("\"");
        foreach (var c in text)
        {
            made.Append(c switch
            {
                '"' => "\\\"", '\\' => "\\\\", '\b' => "\\b", '\f' => "\\f", '\n' => "\\n", '\r' => "\\r", '\t' => "\\t",
                < ' ' => "\\u" + ((int)c).ToString("x4", CultureInfo.InvariantCulture),
                _ => c.ToString(),
            });
        }
        return made.Append('"').ToString();
    }

    public static string Digest(string canonical) =>
        Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(canonical))).ToLowerInvariant();

    // Three lines, each ended by a line feed: format, the firm's own key of the record, SHA-256 of the canonical form.
    public static string Sign(byte[] seed, string idempotencyKey, string digest)
    {
        var statement = Encoding.UTF8.GetBytes($"teshe-record-1\n{idempotencyKey}\n{digest}\n");
        var signer = new Ed25519Signer();
        signer.Init(true, new Ed25519PrivateKeyParameters(seed, 0));
        signer.BlockUpdate(statement, 0, statement.Length);
        return Convert.ToBase64String(signer.GenerateSignature());
    }
}
