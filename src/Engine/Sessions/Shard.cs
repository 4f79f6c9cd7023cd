// A slice of all accounts, for work that several nodes share. The slicing is part of what is stored: it never changes.
using System.Globalization;
using System.Text;

namespace Purser.Engine;

/// <summary>One of <see cref="Count"/> slices; the default value is all of them.</summary>
public readonly record struct Shard
{
    public const int Count = 64;

    /// <summary>0 for all, else the number and one.</summary>
    readonly byte next;

    Shard(byte next) => this.next = next;

    public static Shard All => default;

    /// <summary>The slice's number from 0; null for all of them.</summary>
    public int? Number => next == 0 ? null : next - 1;

    public static Shard Of(int number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(number, Count);
        return new((byte)(number + 1));
    }

    /// <summary>The slice that an account lies in: FNV-1a over its UTF-8 bytes, the halves of the hash folded.</summary>
    public static int NumberOf(string account)
    {
        Span<byte> bytes = stackalloc byte[Encoding.UTF8.GetMaxByteCount(Math.Min(account.Length, 256))];
        if (account.Length > 256) bytes = new byte[Encoding.UTF8.GetMaxByteCount(account.Length)];
        var hash = 2166136261u;
        foreach (var one in bytes[..Encoding.UTF8.GetBytes(account, bytes)]) hash = (hash ^ one) * 16777619u;
        return (int)((hash ^ (hash >> 16)) % Count);
    }

    public bool Has(string account) => Number is not { } number || number == NumberOf(account);

    public override string ToString() => Number is { } number ? number.ToString(CultureInfo.InvariantCulture) : "all";
}
