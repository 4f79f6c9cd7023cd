// How long a sound may be, out of its first bytes: exact where its header says so, else as long as it can be at the lowest rate that speech
// is sent with.
using System.Buffers.Binary;

namespace Purser.Gate.Wire;

static class SoundLength
{
    /// <summary>A second of sound takes at least this many bytes in the formats that providers take (32 kbit/s).</summary>
    public const int LeastBytesPerSecond = 4000;

    /// <summary>More than any sound has: 32 channels of 32 bits at 192 kHz.</summary>
    const long MostBytesPerSecond = 24_576_000;

    public static decimal Seconds(ReadOnlySpan<byte> head, long length) =>
        Wave(head, length) ?? Flac(head) ?? length / (decimal)LeastBytesPerSecond;

    /// <summary>RIFF with its chunk `fmt `, which has the bytes of a second. All of the file counts as sound: headers are small.</summary>
    static decimal? Wave(ReadOnlySpan<byte> head, long length)
    {
        if (head.Length < 12 || !head.StartsWith("RIFF"u8) || !head[8..12].SequenceEqual("WAVE"u8)) return null;
        for (var rest = head[12..]; rest.Length >= 24;)
        {
            var size = BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
            if (rest.StartsWith("fmt "u8))
                return BinaryPrimitives.ReadUInt32LittleEndian(rest[16..]) is var rate and > 0 and <= (uint)MostBytesPerSecond
                    ? length / (decimal)rate : null;
            // Chunks begin at even places.
            var next = 8L + size + (size & 1);
            if (next >= rest.Length) return null;
            rest = rest[(int)next..];
        }
        return null;
    }

    /// <summary>STREAMINFO: 20 bits of samples a second, and 36 bits of samples in all.</summary>
    static decimal? Flac(ReadOnlySpan<byte> head)
    {
        if (head.Length < 26 || !head.StartsWith("fLaC"u8) || (head[4] & 0x7F) != 0) return null;
        var rate = head[18] << 12 | head[19] << 4 | head[20] >> 4;
        var samples = (long)(head[21] & 0x0F) << 32 | BinaryPrimitives.ReadUInt32BigEndian(head[22..]);
        return rate > 0 && samples > 0 ? samples / (decimal)rate : null;
    }
}
