// When a backup of the ledger was last written whole: kept beside it, so that somebody can notice when it is too old.
using System.Text.Json;
using System.Text.Json.Serialization;
using NodaTime;

namespace Purser.Engine;

public sealed record LastBackup(long AtMillis)
{
    const string Document = "last-backup";

    /// <summary>Null where there never was one.</summary>
    public static async Task<Instant?> ReadAsync(ISharedState shared) =>
        (await shared.LoadAsync(Document))! is { Body.Length: > 0 } found
            ? Instant.FromUnixTimeMilliseconds(JsonSerializer.Deserialize(found.Body.Span, LastBackupJson.Default.LastBackup)!.AtMillis)
            : null;

    public static async Task NoteAsync(ISharedState shared, Instant at)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new LastBackup(at.ToUnixTimeMilliseconds()), LastBackupJson.Default.LastBackup);
        while (!await shared.SaveAsync(Document, (await shared.LoadAsync(Document))!.Version, body))
        {
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(LastBackup))]
sealed partial class LastBackupJson : JsonSerializerContext;
