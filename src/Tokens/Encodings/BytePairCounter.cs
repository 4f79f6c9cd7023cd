// The exact counts of OpenAI's two encodings: split, then merge. The tables are read when the first text is counted.
using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace Purser.TokenCounting.Encodings;

public sealed class BytePairCounter : ITokenCounter
{
    public static readonly BytePairCounter O200k = new("o200k_base", SplitPattern.O200k, 199_998);
    public static readonly BytePairCounter Cl100k = new("cl100k_base", SplitPattern.Cl100k, 100_256);

    readonly SplitPattern pattern;
    readonly Lazy<RankTable> table;

    BytePairCounter(string encoding, SplitPattern pattern, int tokens)
    {
        Method = encoding;
        this.pattern = pattern;
        table = new(() => RankTable.Read($"{encoding}.tiktoken.gz", tokens));
    }

    public string Method { get; }

    public bool IsExact => true;

    public long Count(ReadOnlySpan<char> text)
    {
        var ranks = table.Value;
        var splitter = new Splitter(pattern, text);
        Span<byte> scratch = stackalloc byte[UsualBytes];
        var count = 0L;
        for (var at = 0; at < text.Length;)
        {
            var end = splitter.Next(at);
            count += CountPiece(ranks, text[at..end], scratch);
            at = end;
        }
        return count;
    }

    public IPiecewiseCount Begin() => new Stream(this);

    // Three bytes a code unit at most. Longer pieces are rare, and may be whole texts without a blank: their bytes are rented.
    const int UsualBytes = 384;

    static int CountPiece(RankTable ranks, ReadOnlySpan<char> piece, Span<byte> scratch)
    {
        if (piece.Length <= UsualBytes / 3) return CountIn(ranks, piece, scratch);
        var rented = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetByteCount(piece));
        var count = CountIn(ranks, piece, rented);
        ArrayPool<byte>.Shared.Return(rented);
        return count;
    }

    static int CountIn(RankTable ranks, ReadOnlySpan<char> piece, Span<byte> bytes)
    {
        // Halves of pairs become U+FFFD, as they do for everybody who sends them.
        bytes = bytes[..Encoding.UTF8.GetBytes(piece, bytes)];
        return ranks.Rank(bytes) != RankTable.None ? 1 : Merging.Count(ranks, bytes);
    }

    /// <summary>Counts pieces as soon as nothing that follows can change them, and keeps the rest.</summary>
    sealed class Stream(BytePairCounter counter) : IPiecewiseCount
    {
        readonly List<char> open = [];
        long settled;

        // A single piece of unknown length is not looked at again before it has doubled: a long one that arrives character by character
        // would otherwise be read as often as it has characters.
        int lookAgainAt;

        public void Append(ReadOnlySpan<char> piece)
        {
            CollectionsMarshal.SetCount(open, open.Count + piece.Length);
            var text = CollectionsMarshal.AsSpan(open);
            piece.CopyTo(text[^piece.Length..]);
            if (text.Length < lookAgainAt) return;
            var ranks = counter.table.Value;
            var splitter = new Splitter(counter.pattern, text);
            Span<byte> scratch = stackalloc byte[UsualBytes];
            var at = 0;
            while (at < text.Length)
            {
                var end = splitter.Next(at);
                if (splitter.Seen >= text.Length) break;
                settled += CountPiece(ranks, text[at..end], scratch);
                at = end;
            }
            open.RemoveRange(0, at);
            lookAgainAt = 2 * open.Count;
        }

        public long Count() => settled + counter.Count(CollectionsMarshal.AsSpan(open));
    }
}
