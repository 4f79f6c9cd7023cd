// Server-sent events as they come in, cut at whatever byte: each whole one is looked at, and passed on unless nobody asked for it.
using System.Buffers;
using System.Text.Json;

namespace Purser.Gate.Wire;

/// <summary><paramref name="hidesUsage"/>: the gate asked for the usage and the client did not; what tells it is left out.</summary>
sealed class WireEvents(WireAnswer answer, bool hidesUsage)
{
    /// <summary>No provider sends an event as long as this.</summary>
    const int LongestEvent = 32 * 1024 * 1024;

    readonly ArrayBufferWriter<byte> pending = new(4096);
    readonly ArrayBufferWriter<byte> joined = new(1024);

    /// <summary>Whether this is no stream of events; then everything is passed on unread.</summary>
    public bool IsBroken { get; private set; }

    static ReadOnlySpan<byte> NoUsage => ",\"usage\":null"u8;

    /// <summary>Looks at what came in; <paramref name="into"/>: where that goes which the client shall have.</summary>
    public void Append(ReadOnlySpan<byte> bytes, IBufferWriter<byte>? into)
    {
        if (IsBroken)
        {
            into?.Write(bytes);
            return;
        }
        var before = pending.WrittenCount;
        pending.Write(bytes);
        var whole = pending.WrittenSpan;
        var taken = 0;
        // The end may lie across two reads: three bytes of the first belong to it.
        for (var from = Math.Max(0, before - 3); EndOf(whole, Math.Max(from, taken)) is var end and > 0; from = end)
        {
            Take(whole[taken..end], into);
            taken = end;
        }
        if (taken == 0 && whole.Length > LongestEvent)
        {
            IsBroken = true;
            into?.Write(whole);
            taken = whole.Length;
        }
        Keep(taken);
    }

    /// <summary>The last event may lack the empty line after it.</summary>
    public void End(IBufferWriter<byte>? into)
    {
        if (pending.WrittenCount > 0 && !IsBroken) Take(pending.WrittenSpan, into);
        pending.ResetWrittenCount();
    }

    void Keep(int taken)
    {
        if (taken == 0) return;
        var rest = pending.WrittenSpan[taken..];
        if (rest.Length == 0)
        {
            pending.ResetWrittenCount();
            return;
        }
        var copy = ArrayPool<byte>.Shared.Rent(rest.Length);
        rest.CopyTo(copy);
        var length = rest.Length;
        pending.ResetWrittenCount();
        pending.Write(copy.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(copy);
    }

    /// <summary>The place behind the first empty line at or after a place; 0 where there is none.</summary>
    static int EndOf(ReadOnlySpan<byte> bytes, int from)
    {
        for (var i = from; i < bytes.Length; i++)
        {
            if (bytes[i] != '\n') continue;
            if (i + 1 < bytes.Length && bytes[i + 1] == '\n') return i + 2;
            if (i + 2 < bytes.Length && bytes[i + 1] == '\r' && bytes[i + 2] == '\n') return i + 3;
        }
        return 0;
    }

    void Take(ReadOnlySpan<byte> one, IBufferWriter<byte>? into)
    {
        var hidden = DataOf(one) is { Length: > 0 } data && answer.TakeEvent(data) && hidesUsage;
        if (into is null || hidden) return;
        // Asked for their usage, the other chunks say that they have none. Inside of a text the quotes would be escaped.
        if (hidesUsage && one.IndexOf(NoUsage) is var at and >= 0)
        {
            into.Write(one[..at]);
            into.Write(one[(at + NoUsage.Length)..]);
        }
        else
        {
            into.Write(one);
        }
    }

    /// <summary>The data lines of an event, joined.</summary>
    ReadOnlySpan<byte> DataOf(ReadOnlySpan<byte> one)
    {
        joined.ResetWrittenCount();
        var lines = 0;
        foreach (var range in one.Split((byte)'\n'))
        {
            var line = one[range].TrimEnd((byte)'\r');
            if (!line.StartsWith("data:"u8)) continue;
            if (lines++ > 0) joined.Write("\n"u8);
            line = line["data:".Length..];
            joined.Write(line.Length > 0 && line[0] == ' ' ? line[1..] : line);
        }
        return joined.WrittenSpan;
    }

    /// <summary>The JSON of an event; null where it is none.</summary>
    public static JsonDocument? Parse(ReadOnlySpan<byte> data)
    {
        if (data.Length == 0 || data[0] is not ((byte)'{' or (byte)'[')) return null;
        try
        {
            var reader = new Utf8JsonReader(data, new JsonReaderOptions { MaxDepth = WireJson.DeepestAnswered });
            return JsonDocument.ParseValue(ref reader);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
