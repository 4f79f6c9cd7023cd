// The size of an image out of its first bytes: PNG, GIF, WebP and JPEG, which are what models take.
using System.Buffers.Binary;

namespace Purser.TokenCounting.Prompts;

public static class ImageHeader
{
    /// <summary>The size in pixels, or null where the bytes are no such image, or end before they say.</summary>
    public static (int Width, int Height)? Size(ReadOnlySpan<byte> image)
    {
        var size = image switch
        {
            [0x89, (byte)'P', (byte)'N', (byte)'G', ..] when image.Length >= 24 => (Big(image[16..]), Big(image[20..])),
            [(byte)'G', (byte)'I', (byte)'F', (byte)'8', ..] when image.Length >= 10 => (Little2(image[6..]), Little2(image[8..])),
            [(byte)'R', (byte)'I', (byte)'F', (byte)'F', _, _, _, _, (byte)'W', (byte)'E', (byte)'B', (byte)'P', ..] => WebP(image[12..]),
            [0xFF, 0xD8, ..] => Jpeg(image[2..]),
            _ => ((int, int)?)null,
        };
        return size is (> 0, > 0) ? size : null;
    }

    static (int, int)? WebP(ReadOnlySpan<byte> chunk) => chunk switch
    {
        [(byte)'V', (byte)'P', (byte)'8', (byte)' ', ..] when chunk.Length >= 18 =>
            (Little2(chunk[14..]) & 0x3FFF, Little2(chunk[16..]) & 0x3FFF),
        // Two times 14 bits, each less one.
        [(byte)'V', (byte)'P', (byte)'8', (byte)'L', ..] when chunk.Length >= 13 && BinaryPrimitives.ReadUInt32LittleEndian(chunk[9..])
            is var bits =>
            ((int)(bits & 0x3FFF) + 1, (int)(bits >> 14 & 0x3FFF) + 1),
        // Two times 24 bits, each less one.
        [(byte)'V', (byte)'P', (byte)'8', (byte)'X', ..] when chunk.Length >= 18 =>
            ((Little2(chunk[12..]) | chunk[14] << 16) + 1, (Little2(chunk[15..]) | chunk[17] << 16) + 1),
        _ => null,
    };

    /// <summary>From segment to segment until the one that begins a frame.</summary>
    static (int, int)? Jpeg(ReadOnlySpan<byte> rest)
    {
        while (rest.Length >= 9 && rest[0] == 0xFF)
        {
            var marker = rest[1];
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC)) return (Big2(rest[7..]), Big2(rest[5..]));
            // A fill byte stands alone; every other segment says how long it is.
            var length = marker == 0xFF ? 1 : 2 + Big2(rest[2..]);
            if (length > rest.Length) return null;
            rest = rest[length..];
        }
        return null;
    }

    static int Big(ReadOnlySpan<byte> at) => BinaryPrimitives.ReadInt32BigEndian(at);

    static int Big2(ReadOnlySpan<byte> at) => BinaryPrimitives.ReadUInt16BigEndian(at);

    static int Little2(ReadOnlySpan<byte> at) => BinaryPrimitives.ReadUInt16LittleEndian(at);
}
