// Remembers the counts of the texts used last, so that a prompt which is sent again and again is counted once.
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Purser.TokenCounting;

/// <summary>
/// Texts are known by the SHA-256 of all their characters: two different texts never share a count. At most
/// <paramref name="capacity"/> are remembered, some hundred bytes each, however long they were.
/// </summary>
public sealed class RememberingCounter(ITokenCounter counter, int capacity) : ITokenCounter
{
    /// <summary>Shorter texts are counted about as fast as they are found.</summary>
    public const int ShortestRemembered = 256;

    readonly record struct Digest(UInt128 First, UInt128 Second);

    // Guards both: the list is in order of use, the last first.
    readonly Lock use = new();
    readonly Dictionary<Digest, LinkedListNode<(Digest Text, long Count)>> known = [];
    readonly LinkedList<(Digest Text, long Count)> order = [];

    public string Method => counter.Method;

    public bool IsExact => counter.IsExact;

    public int Remembered
    {
        get
        {
            lock (use) return known.Count;
        }
    }

    public long Count(ReadOnlySpan<char> text)
    {
        if (text.Length < ShortestRemembered) return counter.Count(text);
        Span<Digest> digest = stackalloc Digest[1];
        SHA256.HashData(MemoryMarshal.AsBytes(text), MemoryMarshal.AsBytes(digest));
        lock (use)
        {
            if (known.TryGetValue(digest[0], out var node))
            {
                order.Remove(node);
                order.AddFirst(node);
                return node.Value.Count;
            }
        }
        var count = counter.Count(text);
        lock (use)
        {
            // Another thread may have counted the same text meanwhile.
            if (known.ContainsKey(digest[0])) return count;
            known[digest[0]] = order.AddFirst((digest[0], count));
            if (known.Count <= capacity) return count;
            known.Remove(order.Last!.Value.Text);
            order.RemoveLast();
        }
        return count;
    }

    public IPiecewiseCount Begin() => counter.Begin();
}
