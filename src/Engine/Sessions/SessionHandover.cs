// What a session that ends leaves to the one that goes on with the account on another host: its state, so that nothing has to be read.
using System.Text;
using System.Text.Json;
using NodaTime;
using Purser.Core;

namespace Purser.Engine;

/// <summary>
/// As good as what a snapshot and the journal after it give, and as little trusted: the first batch is appended at the version that it was
/// decided at, and where another writer was there meanwhile the ledger is read.
/// </summary>
public sealed record SessionHandover(BudgetState State, int EventsSinceSnapshot, Instant? NextDeadline)
{
    /// <summary>A larger state is read from the ledger by whoever goes on: it would hold up what shares its way.</summary>
    public const int MostBytes = 512 * 1024;

    /// <summary>Whoever does not know it reads the ledger.</summary>
    const int Format = 1;

    /// <summary>Null where it is too much to hand over.</summary>
    internal static byte[]? Encode(BudgetState state, int eventsSinceSnapshot, Instant? nextDeadline)
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes, Encoding.UTF8);
        writer.Write(Format);
        writer.Write(eventsSinceSnapshot);
        writer.Write(nextDeadline?.ToUnixTimeMilliseconds() ?? long.MaxValue);
        Write(LedgerJson.EncodeState(state));
        // Builds before this one read here what was booked lately, and send it.
        writer.Write(0);
        writer.Flush();
        return bytes.Length > MostBytes ? null : bytes.ToArray();

        void Write(byte[] json)
        {
            writer.Write(json.Length);
            writer.Write(json);
        }
    }

    /// <summary>Null for what another version of the program wrote in a way that this one does not read.</summary>
    public static SessionHandover? Decode(byte[] handover)
    {
        try
        {
            using var reader = new BinaryReader(new MemoryStream(handover), Encoding.UTF8);
            if (reader.ReadInt32() != Format) return null;
            var events = reader.ReadInt32();
            var deadline = reader.ReadInt64();
            var state = LedgerJson.DecodeState(Read());
            state.Index();
            for (var left = reader.ReadInt32(); left > 0; left--) state.Remember(LedgerJson.DecodeRecord(Read()));
            return new(state, events, deadline == long.MaxValue ? null : Instant.FromUnixTimeMilliseconds(deadline));

            byte[] Read() => reader.ReadBytes(reader.ReadInt32());
        }
        catch (Exception e) when (e is JsonException or IOException or ArgumentException)
        {
            return null;
        }
    }
}
