// A merge table: tokens as bytes, and the rank of each. Read once from the published file inside this assembly.
using System.Buffers.Binary;
using System.Buffers.Text;
using System.IO.Compression;
using System.Numerics;

namespace Purser.TokenCounting.Encodings;

sealed class RankTable
{
    public const int None = int.MaxValue;

    // Tokens one behind the other in the order of their ranks; `starts` has one more, the end.
    readonly byte[] bytes;
    readonly int[] starts;

    // Open addressing, at most half full. A slot is the upper half of the token's hash and its rank + 1, or 0. The contents are fixed, so
    // nobody can send texts that make the chains longer than they are.
    readonly ulong[] slots;
    readonly int mask;

    RankTable(byte[] bytes, int[] starts)
    {
        this.bytes = bytes;
        this.starts = starts;
        var count = starts.Length - 1;
        slots = new ulong[BitOperations.RoundUpToPowerOf2((uint)count * 2)];
        mask = slots.Length - 1;
        for (var rank = 0; rank < count; rank++)
        {
            var token = Token(rank);
            LongestToken = Math.Max(LongestToken, token.Length);
            var hash = Hash(token);
            var slot = (int)hash & mask;
            while (slots[slot] != 0) slot = (slot + 1) & mask;
            slots[slot] = (hash & 0xFFFF_FFFF_0000_0000) | (uint)(rank + 1);
        }
    }

    public int Tokens => starts.Length - 1;

    /// <summary>In bytes.</summary>
    public int LongestToken { get; }

    ReadOnlySpan<byte> Token(int rank) => bytes.AsSpan(starts[rank], starts[rank + 1] - starts[rank]);

    /// <summary>The rank of a token, or <see cref="None"/>.</summary>
    public int Rank(ReadOnlySpan<byte> token)
    {
        if (token.Length > LongestToken) return None;
        var hash = Hash(token);
        for (var slot = (int)hash & mask; ; slot = (slot + 1) & mask)
        {
            var found = slots[slot];
            if (found == 0) return None;
            if (((found ^ hash) >> 32) == 0 && Token((int)(uint)found - 1).SequenceEqual(token)) return (int)(uint)found - 1;
        }
    }

    static ulong Hash(ReadOnlySpan<byte> token)
    {
        const ulong odd = 0x9E37_79B9_7F4A_7C15;
        var length = token.Length;
        var hash = (ulong)length * odd;
        while (token.Length > 8)
        {
            hash = Mixed(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(token));
            token = token[8..];
        }
        var rest = token.Length switch
        {
            8 => BinaryPrimitives.ReadUInt64LittleEndian(token),
            >= 4 => BinaryPrimitives.ReadUInt32LittleEndian(token) | (ulong)BinaryPrimitives.ReadUInt32LittleEndian(token[^4..]) << 32,
            > 0 => token[0] | (ulong)token[token.Length / 2] << 8 | (ulong)token[^1] << 16,
            _ => 0UL,
        };
        return Mixed(hash ^ rest);

        static ulong Mixed(ulong value)
        {
            var high = Math.BigMul(value, odd, out var low);
            return high ^ low ^ (value << 32);
        }
    }

    /// <summary>Reads the published form: a line for each token, its bytes in base64, a space, its rank; ranks ascend from 0.</summary>
    public static RankTable Read(string resource, int tokens)
    {
        using var stored = typeof(RankTable).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidDataException($"{resource} is not part of this build");
        using var unpacked = new GZipStream(stored, CompressionMode.Decompress);
        using var buffer = new MemoryStream(4 * 1024 * 1024);
        unpacked.CopyTo(buffer);
        var text = buffer.GetBuffer().AsSpan(0, (int)buffer.Length);

        var bytes = new byte[text.Length];
        var starts = new int[tokens + 1];
        var (rank, end) = (0, 0);
        while (!text.IsEmpty)
        {
            var newLine = text.IndexOf((byte)'\n');
            var line = newLine < 0 ? text : text[..newLine];
            text = text[Math.Min(line.Length + 1, text.Length)..];
            var space = line.IndexOf((byte)' ');
            if (space < 0 || !Utf8Parser.TryParse(line[(space + 1)..], out int stated, out _) || stated != rank || rank == tokens
                || Base64.DecodeFromUtf8(line[..space], bytes.AsSpan(end), out _, out var written) != System.Buffers.OperationStatus.Done)
                throw new InvalidDataException($"{resource}: line {rank + 1} is not what was published");
            end += written;
            starts[++rank] = end;
        }
        return rank == tokens ? new(bytes.AsSpan(0, end).ToArray(), starts) : throw new InvalidDataException(
            $"{resource} has {rank} tokens, not {tokens}");
    }
}
