// The kinds of characters that the published splitting patterns ask for. By code point, as the reference implementation sees text:
// letters outside of the basic plane are letters.
using System.Globalization;
using System.Text;

namespace Purser.TokenCounting.Encodings;

static class CharKinds
{
    public const int Letter = 1;
    public const int Number = 2;
    public const int Space = 4;
    public const int LineEnd = 8;

    /// <summary>What may stand in the first part of a word: upper and title case, letters without case, marks.</summary>
    public const int Head = 16;

    /// <summary>What may stand in the rest of a word: lower case, letters without case, marks.</summary>
    public const int Tail = 32;

    /// <summary>Neither letter nor number nor space: marks and symbols.</summary>
    public const int Other = 64;

    /// <summary>Half of a pair: look at both.</summary>
    public const int Surrogate = 128;

    /// <summary>For every UTF-16 code unit.</summary>
    public static readonly byte[] Table = Build();

    /// <summary>The kind at an index where <see cref="Table"/> says <see cref="Surrogate"/>. A half without the other is U+FFFD, a
    /// symbol.</summary>
    public static int OfPair(ReadOnlySpan<char> text, int at, out int width)
    {
        width = 1;
        if (!char.IsHighSurrogate(text[at]) || at + 1 >= text.Length || !char.IsLowSurrogate(text[at + 1])) return Other;
        width = 2;
        return Of(Rune.GetUnicodeCategory(new(text[at], text[at + 1])));
    }

    static byte[] Build()
    {
        var table = new byte[char.MaxValue + 1];
        for (var c = 0; c < table.Length; c++)
            table[c] = (byte)(char.IsSurrogate((char)c) ? Surrogate
                : (char)c is '\r' or '\n' ? Space | LineEnd
                : char.IsWhiteSpace((char)c) ? Space
                : Of(CharUnicodeInfo.GetUnicodeCategory((char)c)));
        return table;
    }

    static int Of(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter => Letter | Head,
        UnicodeCategory.LowercaseLetter => Letter | Tail,
        UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => Letter | Head | Tail,
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => Other | Head | Tail,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Number,
        _ => Other,
    };
}
