// Of a reply over HTTP/1.1 what a load generator needs: its status, and where it ends.
using System.Globalization;

namespace Purser.Bench;

static class HttpReply
{
    public static int StatusOf(ReadOnlySpan<byte> reply) => int.Parse(reply.Slice(9, 3), CultureInfo.InvariantCulture);

    public static bool IsWhole(ReadOnlySpan<byte> reply)
    {
        var end = reply.IndexOf("\r\n\r\n"u8);
        if (end < 0) return false;
        var head = reply[..end];
        var length = head.IndexOf("Content-Length: "u8);
        if (length < 0) return reply.EndsWith("\r\n0\r\n\r\n"u8);
        var digits = head[(length + "Content-Length: ".Length)..];
        if (digits.IndexOf((byte)'\r') is > 0 and var line) digits = digits[..line];
        return reply.Length >= end + 4 + int.Parse(digits, CultureInfo.InvariantCulture);
    }
}
