// Providers, models, users and whatever else many calls have in common, as one string each: open holds and what waits for the ledger
// refer to it, and a string of its own for each call would be kept, and moved by collections, for as long.
using System.IO.Hashing;
using System.Text;
using System.Text.Json;

namespace Purser.Api.Json;

static class SharedTexts
{
    /// <summary>As many as are kept, at places by their hash: of two at one place the newer one is kept.</summary>
    const int Places = 1024;

    /// <summary>Longer ones, in bytes, are hardly ever what many calls have in common.</summary>
    const int Longest = 64;

    static readonly string?[] known = new string[Places];

    /// <summary>The text that stands in the reader, without escapes. Throws where that is no UTF-8, as the reader does.</summary>
    public static string Of(ref Utf8JsonReader reader)
    {
        var bytes = reader.ValueSpan;
        if (bytes.Length is 0 or > Longest) return reader.GetString()!;
        ref var place = ref known[XxHash3.HashToUInt64(bytes) % Places];
        // Texts beyond ASCII are not equal to any, and are made anew.
        if (Volatile.Read(ref place) is { } text && Ascii.Equals(bytes, text)) return text;
        text = reader.GetString()!;
        Volatile.Write(ref place, text);
        return text;
    }
}
