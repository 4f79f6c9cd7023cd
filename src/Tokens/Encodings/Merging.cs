// Byte-pair merging of one piece: again and again the neighbours whose union has the lowest rank, the leftmost first, become one. Only
// how many remain is asked for.
using System.Buffers;

namespace Purser.TokenCounting.Encodings;

static class Merging
{
    // Below it, looking at all pairs for the lowest is faster than keeping them in order. Measured on English: 32 to 128 make no
    // difference.
    const int Short = 64;

    public static int Count(RankTable table, ReadOnlySpan<byte> piece) => piece.Length switch
    {
        <= 1 => piece.Length,
        <= Short => CountShort(table, piece),
        _ => CountLong(table, piece),
    };

    /// <summary>Quadratic, in a length that is bounded.</summary>
    static int CountShort(RankTable table, ReadOnlySpan<byte> piece)
    {
        // Where each part begins, and the rank of its union with the next; behind the last stands the end.
        Span<int> starts = stackalloc int[Short + 1];
        Span<int> ranks = stackalloc int[Short];
        var parts = piece.Length;
        for (var i = 0; i <= parts; i++) starts[i] = i;
        for (var i = 0; i + 1 < parts; i++) ranks[i] = table.Rank(piece.Slice(i, 2));
        while (parts > 1)
        {
            var lowest = 0;
            for (var i = 1; i + 1 < parts; i++)
                if (ranks[i] < ranks[lowest])
                    lowest = i;
            if (ranks[lowest] == RankTable.None) break;
            starts[(lowest + 2)..(parts + 1)].CopyTo(starts[(lowest + 1)..]);
            if (lowest + 2 < parts) ranks[(lowest + 2)..(parts - 1)].CopyTo(ranks[(lowest + 1)..]);
            parts--;
            if (lowest + 1 < parts) ranks[lowest] = table.Rank(piece[starts[lowest]..starts[lowest + 2]]);
            if (lowest > 0) ranks[lowest - 1] = table.Rank(piece[starts[lowest - 1]..starts[lowest + 1]]);
        }
        return parts;
    }

    /// <summary>
    /// Linearithmic: parts are a linked list over the bytes, pairs wait in a heap by rank and place. A pair that changed while it waited
    /// is recognised by its rank and left out.
    /// </summary>
    static int CountLong(RankTable table, ReadOnlySpan<byte> piece)
    {
        var length = piece.Length;
        // Per byte: the part's end, the part before it, and the rank of its union with the next.
        var rented = ArrayPool<int>.Shared.Rent(3 * length);
        var ends = rented.AsSpan(0, length);
        var before = rented.AsSpan(length, length);
        var ranks = rented.AsSpan(2 * length, length);
        using var waiting = new PairHeap(length);
        for (var i = 0; i < length; i++)
        {
            ends[i] = i + 1;
            before[i] = i - 1;
            ranks[i] = i + 1 < length ? table.Rank(piece.Slice(i, 2)) : RankTable.None;
            if (ranks[i] != RankTable.None) waiting.Add(ranks[i], i);
        }
        var parts = length;
        while (waiting.TryTake(out var rank, out var left))
        {
            if (ranks[left] != rank) continue;
            var right = ends[left];
            var end = ends[right];
            ends[left] = end;
            ranks[right] = RankTable.None;
            if (end < length) before[end] = left;
            parts--;
            Rank(table, piece, ends, ranks, waiting, left);
            if (before[left] >= 0) Rank(table, piece, ends, ranks, waiting, before[left]);
        }
        ArrayPool<int>.Shared.Return(rented);
        return parts;
    }

    static void Rank(RankTable table, ReadOnlySpan<byte> piece, Span<int> ends, Span<int> ranks, PairHeap waiting, int part)
    {
        var next = ends[part];
        ranks[part] = next < piece.Length ? table.Rank(piece[part..ends[next]]) : RankTable.None;
        if (ranks[part] != RankTable.None) waiting.Add(ranks[part], part);
    }

    /// <summary>A heap of numbers that hold rank and place: a lower rank comes first, among equals what stands further left.</summary>
    sealed class PairHeap(int capacity) : IDisposable
    {
        ulong[] heap = ArrayPool<ulong>.Shared.Rent(capacity);
        int count;

        public void Add(int rank, int place)
        {
            var added = (ulong)rank << 32 | (uint)place;
            if (count == heap.Length) Grow();
            var items = heap.AsSpan(0, ++count);
            var at = items.Length - 1;
            while (at > 0 && items[(at - 1) / 2] > added)
            {
                items[at] = items[(at - 1) / 2];
                at = (at - 1) / 2;
            }
            items[at] = added;
        }

        void Grow()
        {
            var larger = ArrayPool<ulong>.Shared.Rent(2 * count);
            heap.AsSpan(0, count).CopyTo(larger);
            Dispose();
            heap = larger;
        }

        public void Dispose() => ArrayPool<ulong>.Shared.Return(heap);

        public bool TryTake(out int rank, out int place)
        {
            (rank, place) = (0, 0);
            if (count == 0) return false;
            var items = heap.AsSpan(0, count);
            (rank, place) = ((int)(items[0] >> 32), (int)(uint)items[0]);
            var moved = items[^1];
            items = items[..--count];
            for (var at = 0; ;)
            {
                var child = 2 * at + 1;
                if (child + 1 < items.Length && items[child + 1] < items[child]) child++;
                if (child >= items.Length || items[child] >= moved)
                {
                    if (at < items.Length) items[at] = moved;
                    return true;
                }
                items[at] = items[child];
                at = child;
            }
        }
    }
}
