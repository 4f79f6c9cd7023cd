// A seal says where the audit trail of every account stands, signed. Kept away from the ledger it proves later that nothing of what was
// sealed was taken out, changed or written anew, whoever could write to the ledger meanwhile.
using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using NodaTime;
using NodaTime.Text;

namespace Purser.Engine;

/// <summary>Where a trail stood: the last entry of it that has a link.</summary>
public readonly record struct AuditHead(long Version, string Link);

/// <summary>
/// A seal is JSON lines: the first says when, then one for each account with a chain, and the last has the SHA-256 of all lines before it
/// and the signature over them.
/// </summary>
public sealed record AuditSeal(Instant At, IReadOnlyDictionary<string, AuditHead> Heads)
{
    public const string Format = "purserSeal";

    static readonly JsonWriterOptions readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes a seal and tells how many accounts are in it. A trail that does not hold is not sealed: an <see
    /// cref="InvalidDataException"/>, and no last line.</summary>
    public static async Task<long> WriteAsync(IUsageQueries ledger, AuditKey key, Stream to, Instant at, Action<long>? progress = null,
        CancellationToken cancellation = default)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await LineAsync(json =>
        {
            json.WriteNumber(Format, 1);
            json.WriteString("at", InstantPattern.ExtendedIso.Format(at));
        });
        var (sealedCount, looked, cursor) = (0L, 0L, (string?)null);
        do
        {
            var page = await ledger.AccountsAsync(null, cursor, 500, cancellation);
            foreach (var account in page.Items)
            {
                var walk = await AuditChain.WalkAsync(ledger, account, null, cancellation);
                if (walk.Breaks.Count > 0)
                    throw new InvalidDataException(
                        $"the audit trail of {account} does not hold, so it can not be sealed: {walk.Breaks[0]}");
                progress?.Invoke(++looked);
                if (walk.Link is not { } link) continue;
                sealedCount++;
                await LineAsync(json =>
                {
                    json.WriteString("account", account);
                    json.WriteNumber("version", walk.Version);
                    json.WriteString("link", link);
                });
            }
            cursor = page.Next;
        }
        while (cursor is not null);
        var sum = hash.GetCurrentHash();
        await LineAsync(json =>
        {
            json.WriteNumber("accounts", sealedCount);
            json.WriteString("sha256", Convert.ToHexStringLower(sum));
            json.WriteBase64String("signature", key.Sign(sum));
        });
        return sealedCount;

        async Task LineAsync(Action<Utf8JsonWriter> write)
        {
            var line = new ArrayBufferWriter<byte>(256);
            using (var json = new Utf8JsonWriter(line, readable))
            {
                json.WriteStartObject();
                write(json);
                json.WriteEndObject();
            }
            line.Write("\n"u8);
            hash.AppendData(line.WrittenSpan);
            await to.WriteAsync(line.WrittenMemory, cancellation);
        }
    }

    /// <summary>Reads a seal; an <see cref="InvalidDataException"/> where it is none, is cut off, or was not signed with this
    /// key.</summary>
    public static async Task<AuditSeal> ReadAsync(Stream from, AuditKey key, CancellationToken cancellation = default)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var heads = new Dictionary<string, AuditHead>(StringComparer.Ordinal);
        Instant? at = null;
        byte[]? last = null;
        var lines = PipeReader.Create(from, new(leaveOpen: true));
        while (true)
        {
            var read = await lines.ReadAsync(cancellation);
            var rest = read.Buffer;
            while (rest.PositionOf((byte)'\n') is { } end)
            {
                var line = rest.Slice(0, end);
                rest = rest.Slice(rest.GetPosition(1, end));
                if (line.Length > LongestLine) throw NoSeal();
                // The last line is the signature, and only what follows a line tells that it is not the last.
                if (last is not null) Take(last);
                last = line.ToArray();
            }
            if (rest.Length > LongestLine) throw NoSeal();
            lines.AdvanceTo(rest.Start, rest.End);
            if (!read.IsCompleted) continue;
            if (rest.Length > 0) throw new InvalidDataException("the seal is cut off: it does not end with a whole line");
            break;
        }
        if (last is null || at is not { } when) throw NoSeal();
        CheckEnd(last, heads.Count, hash.GetCurrentHash(), key);
        return new(when, heads);

        void Take(byte[] line)
        {
            hash.AppendData(line);
            hash.AppendData("\n"u8);
            using var json = Parse(line);
            if (at is null) at = WhenOf(json.RootElement);
            else
            {
                var (account, head) = HeadOf(json.RootElement);
                if (!heads.TryAdd(account, head)) throw NoSeal();
            }
        }
    }

    const int LongestLine = 4096;

    static void CheckEnd(byte[] line, int accounts, byte[] sum, AuditKey key)
    {
        using var json = Parse(line);
        byte[] signature;
        try
        {
            var end = json.RootElement;
            if (!end.TryGetProperty("sha256", out var said)) throw new InvalidDataException("the seal is cut off: it has no signature");
            if (end.GetProperty("accounts").GetInt64() != accounts || said.GetString() != Convert.ToHexStringLower(sum))
                throw new InvalidDataException("the seal was changed: it is not what its last line says");
            signature = end.GetProperty("signature").GetBytesFromBase64();
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw NoSeal(e);
        }
        if (!key.HasSigned(sum, signature)) throw new InvalidDataException("the seal was not signed with the key of this service");
    }

    static JsonDocument Parse(byte[] line)
    {
        try
        {
            return JsonDocument.Parse(line);
        }
        catch (JsonException e)
        {
            throw NoSeal(e);
        }
    }

    static Instant WhenOf(JsonElement first)
    {
        if (first.ValueKind != JsonValueKind.Object || !first.TryGetProperty(Format, out var format)
            || format.ValueKind != JsonValueKind.Number)
            throw NoSeal();
        if (format.GetRawText() != "1")
            throw new InvalidDataException(
                string.Create(CultureInfo.InvariantCulture, $"the seal is of a newer form, {format.GetRawText()}"));
        return first.TryGetProperty("at", out var at) && at.ValueKind == JsonValueKind.String
            && InstantPattern.ExtendedIso.Parse(at.GetString()!) is { Success: true, Value: var when } ? when : throw NoSeal();
    }

    static (string Account, AuditHead Head) HeadOf(JsonElement line)
    {
        if (line.ValueKind == JsonValueKind.Object && line.TryGetProperty("account", out var account)
            && account.ValueKind == JsonValueKind.String && line.TryGetProperty("version", out var version)
            && version.ValueKind == JsonValueKind.Number && version.TryGetInt64(out var number)
            && line.TryGetProperty("link", out var link) && link.ValueKind == JsonValueKind.String)
            return (account.GetString()!, new(number, link.GetString()!));
        throw NoSeal();
    }

    static InvalidDataException NoSeal(Exception? inner = null) => new("this is not a seal as the service writes them", inner);
}
