// An event as callers get it: a CloudEvent 1.0 with what a filter looks at beside it.
using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using NodaTime;
using Purser.Api.Json;

namespace Purser.Api.Events;

/// <summary>
/// <see cref="Id"/> is the same wherever and however often the event is told; <see cref="Position"/> is its place in the feed of this
/// ledger. The last parameter writes the members of `data`.
/// </summary>
public sealed class PublicEvent(
    string id, long position, string type, string? account, Instant time, string? subject, string severity, Action<Utf8JsonWriter> data,
    string? trace = null)
{
    public string Id => id;
    public long Position => position;
    public string Type => type;
    public string? Account => account;
    public Instant Time => time;

    /// <summary>What it is about, within the account: a reservation, a usage, a limit.</summary>
    public string? Subject => subject;

    /// <summary>The context of the call that brought it; null where that is not known.</summary>
    public string? Trace => trace;

    /// <summary>`info`, `warning` or `critical`.</summary>
    public string Severity => severity;

    /// <summary>The id of the message that brings it to a webhook: of letters and digits only, since signatures separate with
    /// dots.</summary>
    public string MessageId => messageId ??= "evt_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)).AsSpan(0, 16));
    string? messageId;

    /// <summary>The CloudEvent in JSON, in one line.</summary>
    public ReadOnlyMemory<byte> Json => json.Length > 0 ? json : json = Written();
    ReadOnlyMemory<byte> json;

    static readonly JsonWriterOptions readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    byte[] Written()
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, readable))
        {
            writer.WriteStartObject();
            writer.WriteString("specversion", "1.0");
            writer.WriteString("id", id);
            writer.WriteString("source", account is null ? "/" : $"/v1/accounts/{account}");
            writer.WriteString("type", type);
            if (subject is not null) writer.WriteString("subject", subject);
            writer.WriteString("time", TimeConverter.Text(time));
            writer.WriteString("datacontenttype", "application/json");
            if (account is not null) writer.WriteString("account", account);
            writer.WriteString("severity", severity);
            writer.WriteNumber("position", position);
            if (trace is not null) writer.WriteString("traceparent", trace);
            writer.WritePropertyName("data");
            writer.WriteStartObject();
            data(writer);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }
}
