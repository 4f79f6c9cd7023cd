// Which sessions there were, so that sets of them can be merged and counted: exactly up to a few hundred, beyond that within about 2 %.
using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Purser.Engine;

/// <summary>
/// A set of hashes while it is small (two different sessions share one of 64 bits with a chance that nobody meets), then HyperLogLog with
/// 4096 registers. Merging keeps exact sets exact for as long as <see cref="MostExact"/> allows.
/// </summary>
public sealed class SessionSketch
{
    const int IndexBits = 12;
    const int Registers = 1 << IndexBits;

    /// <summary>What is kept takes no more room than the registers would.</summary>
    const int MostKept = Registers / 8;

    /// <summary>What is counted just now may take more.</summary>
    const int MostExact = 100_000;

    HashSet<ulong>? hashes = [];
    byte[]? registers;

    public bool IsEmpty => hashes is { Count: 0 };

    /// <summary>A session belongs to its account: no account has a slash in its id.</summary>
    public void Add(string account, string session) => Add(HashOf($"{account}/{session}"));

    void Add(ulong hash)
    {
        if (hashes is null) Register(hash);
        else if (hashes.Add(hash) && hashes.Count > MostExact) Spread();
    }

    public void Add(SessionSketch other)
    {
        if (other.hashes is not null)
        {
            foreach (var hash in other.hashes) Add(hash);
            return;
        }
        Merge(other.registers);
    }

    /// <summary>Adds what <see cref="Encode"/> wrote.</summary>
    public void Add(ReadOnlySpan<byte> encoded)
    {
        if (encoded.Length == Registers) Merge(encoded);
        else
            for (; encoded.Length >= 8; encoded = encoded[8..]) Add(BinaryPrimitives.ReadUInt64LittleEndian(encoded));
    }

    /// <summary>The same bytes for the same sessions, in whatever order they came.</summary>
    public byte[] Encode()
    {
        if (hashes is { Count: >= MostKept }) Spread();
        if (hashes is null) return registers!;
        var bytes = new byte[hashes.Count * 8];
        var at = 0;
        foreach (var hash in hashes.Order())
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), hash);
            at += 8;
        }
        return bytes;
    }

    public long Count
    {
        get
        {
            if (hashes is not null) return hashes.Count;
            var (sum, empty) = (0.0, 0);
            foreach (var rank in registers!)
            {
                sum += 1.0 / (1UL << rank);
                if (rank == 0) empty++;
            }
            var estimate = 0.7213 / (1 + 1.079 / Registers) * Registers * Registers / sum;
            if (estimate <= 2.5 * Registers && empty > 0) estimate = Registers * Math.Log((double)Registers / empty);
            return (long)Math.Round(estimate);
        }
    }

    void Spread()
    {
        var kept = hashes!;
        hashes = null;
        registers = new byte[Registers];
        foreach (var hash in kept) Register(hash);
    }

    void Register(ulong hash)
    {
        var rank = (byte)(BitOperations.LeadingZeroCount(hash << IndexBits | 1UL << (IndexBits - 1)) + 1);
        ref var register = ref registers![hash >> (64 - IndexBits)];
        if (register < rank) register = rank;
    }

    void Merge(ReadOnlySpan<byte> others)
    {
        if (hashes is not null) Spread();
        for (var i = 0; i < Registers; i++)
            if (registers![i] < others[i]) registers[i] = others[i];
    }

    /// <summary>FNV-1a, its bits mixed: kept in ledgers, so it never changes.</summary>
    static ulong HashOf(string session)
    {
        var hash = 14695981039346656037UL;
        foreach (var one in Encoding.UTF8.GetBytes(session)) hash = (hash ^ one) * 1099511628211UL;
        hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9UL;
        hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EBUL;
        return hash ^ (hash >> 31);
    }
}
