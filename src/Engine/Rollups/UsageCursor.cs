// Where a listing of usage goes on: the instant and the booking order of the last record shown. Opaque to callers, the same for every
// ledger.
using System.Buffers.Binary;
using System.Buffers.Text;
using NodaTime;

namespace Purser.Engine;

/// <summary>Listings go by <see cref="AtMillis"/>, newest first, then by <see cref="Order"/>, in which records were booked.</summary>
public readonly record struct UsageCursor(long AtMillis, long Order)
{
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, AtMillis);
        BinaryPrimitives.WriteInt64BigEndian(bytes[8..], Order);
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>Reads what <see cref="ToString"/> wrote; anything else is a <see cref="FormatException"/>.</summary>
    public static UsageCursor Parse(string cursor)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (cursor.Length != 22 || !Base64Url.TryDecodeFromChars(cursor, bytes, out var written) || written != 16)
            throw new FormatException("the cursor is not one that a page ended with");
        return new(BinaryPrimitives.ReadInt64BigEndian(bytes), BinaryPrimitives.ReadInt64BigEndian(bytes[8..]));
    }

    /// <summary>The first whole millisecond that is not before an instant: ledgers keep milliseconds, bounds may be finer.</summary>
    public static long CeilingMillis(Instant instant)
    {
        var millis = instant.ToUnixTimeMilliseconds();
        return Instant.FromUnixTimeMilliseconds(millis) < instant ? millis + 1 : millis;
    }
}
