// Cuts text into the pieces inside of which tokens are merged: what the two published patterns match, without a regular expression, in
// one pass. Each method says which part of its pattern it stands for.
namespace Purser.TokenCounting.Encodings;

enum SplitPattern { Cl100k, O200k }

ref struct Splitter(SplitPattern pattern, ReadOnlySpan<char> text)
{
    readonly ReadOnlySpan<char> text = text;
    readonly byte[] kinds = CharKinds.Table;

    /// <summary>
    /// The highest index that was looked at since the last piece but one; the text's length where its end was. A piece found without
    /// looking at the end stays as it is, whatever follows.
    /// </summary>
    public int Seen { get; private set; }

    /// <summary>Where the piece ends that begins at <paramref name="start"/>, which lies before the end.</summary>
    public int Next(int start)
    {
        Seen = start;
        var kind = KindAt(start, out var width);
        if (pattern == SplitPattern.O200k)
        {
            if (Word(start, kind, width) is > 0 and var word) return word;
        }
        else
        {
            if (text[start] == '\'' && Contraction(start) is > 0 and var contraction) return contraction;
            if (Letters(start, kind, width) is > 0 and var letters) return letters;
        }
        if ((kind & CharKinds.Number) != 0) return Numbers(start + width);
        return Symbols(start, kind) is > 0 and var symbols ? symbols : Spaces(start);
    }

    /// <summary>`[^\r\n\p{L}\p{N}]?\p{L}+`</summary>
    int Letters(int start, int kind, int width)
    {
        if ((kind & CharKinds.Letter) != 0) return Run(start + width, CharKinds.Letter);
        if (!MayLead(kind)) return 0;
        var end = Run(start + width, CharKinds.Letter);
        return end > start + width ? end : 0;
    }

    /// <summary>
    /// `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?`, and then the same with
    /// `+` and `*` changed: with the character before the word, else (a mark may be either) without.
    /// </summary>
    int Word(int start, int kind, int width)
    {
        var leads = MayLead(kind);
        if (leads && WithTail(start + width) is > 0 and var led) return led;
        if ((kind & (CharKinds.Head | CharKinds.Tail)) != 0 && WithTail(start) is > 0 and var bare) return bare;
        if (leads && HeadOnly(start + width) is > 0 and var ledHead) return ledHead;
        return (kind & CharKinds.Head) != 0 ? HeadOnly(start) : 0;
    }

    /// <summary>`[^\r\n\p{L}\p{N}]`</summary>
    static bool MayLead(int kind) => (kind & (CharKinds.Letter | CharKinds.Number | CharKinds.LineEnd)) == 0;

    /// <summary>A head of any length, then at least one of the tail. Where no tail follows, the head gives back until its last character is
    /// one.</summary>
    int WithTail(int start)
    {
        var head = Run(start, CharKinds.Head);
        var end = Run(head, CharKinds.Tail);
        while (end == head)
        {
            if (head == start) return 0;
            var last = head - 1;
            if (char.IsLowSurrogate(text[last]) && last > start && char.IsHighSurrogate(text[last - 1])) last--;
            if ((KindAt(last, out _) & CharKinds.Tail) != 0) break;
            head = end = last;
        }
        return Contracted(end);
    }

    int HeadOnly(int start)
    {
        var end = Run(start, CharKinds.Head);
        return end > start ? Contracted(end) : 0;
    }

    int Contracted(int end) => end < text.Length && text[end] == '\'' && Contraction(end) is > 0 and var contraction ? contraction : end;

    /// <summary>`(?i:'s|'t|'re|'ve|'m|'ll|'d)`; the long s is an s to whoever ignores case.</summary>
    int Contraction(int apostrophe)
    {
        Look(apostrophe + 1);
        if (apostrophe + 1 >= text.Length) return 0;
        var first = text[apostrophe + 1];
        if ((first | 0x20) is 's' or 't' or 'm' or 'd' || first == 'ſ') return apostrophe + 2;
        if ((first | 0x20) is not ('r' or 'v' or 'l')) return 0;
        Look(apostrophe + 2);
        if (apostrophe + 2 >= text.Length) return 0;
        var second = text[apostrophe + 2] | 0x20;
        return second == ((first | 0x20) == 'l' ? 'l' : 'e') ? apostrophe + 3 : 0;
    }

    /// <summary>`\p{N}{1,3}`, from behind the first.</summary>
    int Numbers(int end)
    {
        for (var more = 0; more < 2; more++)
        {
            Look(end);
            if (end >= text.Length || (KindAt(end, out var width) & CharKinds.Number) == 0) break;
            end += width;
        }
        return end;
    }

    /// <summary>` ?[^\s\p{L}\p{N}]+[\r\n]*`, or with slashes among the line ends.</summary>
    int Symbols(int start, int kind)
    {
        if (text[start] != ' ' && (kind & CharKinds.Other) == 0) return 0;
        var from = text[start] == ' ' ? start + 1 : start;
        var end = Run(from, CharKinds.Other);
        if (end == from) return 0;
        while (end < text.Length && (text[end] is '\r' or '\n' || (text[end] == '/' && pattern == SplitPattern.O200k))) end++;
        Look(end);
        return end;
    }

    /// <summary>
    /// `\s*[\r\n]+`, else `\s+(?!\S)`, else `\s+`: up to the last line end; without one, all but the last space, which belongs to what
    /// follows.
    /// </summary>
    int Spaces(int start)
    {
        var end = Run(start, CharKinds.Space);
        var lineEnd = text[start..end].LastIndexOfAny('\r', '\n');
        if (lineEnd >= 0) return start + lineEnd + 1;
        return end == text.Length || end == start + 1 ? end : end - 1;
    }

    /// <summary>The end of a run of characters that are any of the given kinds.</summary>
    int Run(int at, int any)
    {
        while (at < text.Length)
        {
            var kind = (int)kinds[text[at]];
            var width = 1;
            if ((kind & CharKinds.Surrogate) != 0)
            {
                kind = CharKinds.OfPair(text, at, out width);
                Look(at + 1);
            }
            if ((kind & any) == 0) break;
            at += width;
        }
        Look(at);
        return at;
    }

    int KindAt(int at, out int width)
    {
        width = 1;
        var kind = (int)kinds[text[at]];
        if ((kind & CharKinds.Surrogate) == 0) return kind;
        Look(at + 1);
        return CharKinds.OfPair(text, at, out width);
    }

    void Look(int at)
    {
        if (at > Seen) Seen = at;
    }
}
