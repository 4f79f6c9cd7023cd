// The text of an API key: `purser_`, 30 random letters and digits, and 6 of a checksum, so that scanners find keys and a typing error
// is told from an unknown key without asking the ledger.
using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;

namespace Purser.Api.Access;

public static class KeyText
{
    public const string Prefix = "purser_";
    const string digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const int randomDigits = 30;
    const int checksumDigits = 6;
    public const int Length = 7 + randomDigits + checksumDigits;

    public static string Make()
    {
        var random = Prefix + RandomNumberGenerator.GetString(digits, randomDigits);
        return random + Checksum(random);
    }

    public static bool IsKey(string text) => text.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Whether it is whole: of the right length, and its checksum fits.</summary>
    public static bool IsWhole(string text) =>
        text.Length == Length && IsKey(text) && text.EndsWith(Checksum(text[..^checksumDigits]), StringComparison.Ordinal);

    /// <summary>What is kept of a key, and looked for: SHA-256 in hexadecimal. Keys are random, so nothing slower is needed.</summary>
    public static string HashOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>What may be shown of a key again: its beginning and its end.</summary>
    public static string Redacted(string text) => $"{text[..(Prefix.Length + 4)]}…{text[^4..]}";

    /// <summary>CRC-32 of everything before it, in base 62, padded with zeros.</summary>
    static string Checksum(string text)
    {
        var rest = Crc32.HashToUInt32(Encoding.ASCII.GetBytes(text));
        Span<char> written = stackalloc char[checksumDigits];
        for (var i = checksumDigits - 1; i >= 0; i--, rest /= 62) written[i] = digits[(int)(rest % 62)];
        return new(written);
    }
}
